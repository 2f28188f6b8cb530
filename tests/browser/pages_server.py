"""Serves the app with one page more, made from tests/app/sample_page.py; run by test_pages.py."""

import sys

import panel as pn

from app.pages import registry

if __name__ == "__main__":
    import sample_page

    sys.modules["app.pages.sample"] = sample_page
    pages = (*registry.available(), registry.Entry("sample", "Sample"))
    registry.available = lambda: pages
    pn.serve({"app": sys.argv[1]}, port=int(sys.argv[2]), show=False)
