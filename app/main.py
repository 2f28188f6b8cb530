"""What ``panel serve app/`` runs for each visitor."""

from app.pages.compress import page

page()
