"""What ``panel serve app/`` runs for each visitor."""

from app.pages.frame import open_page

open_page()
