"""Several pages in one app: the navigation, what links keep, and that a page needs little of its own."""

import io
import re

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def current(page) -> str:
    return page.locator("nav [aria-current=page]").inner_text()


def test_links_lead_to_the_same_field(visit, several_pages):
    page = visit("archive=amip&time=1991-07&method=block-mean&ratio=16", base=several_pages)
    assert current(page) == "Compress"
    page.get_by_role("navigation").get_by_role("link", name="Sample").click()
    page.wait_for_url(re.compile("page=sample"))
    page.wait_for_selector("body[data-ready=true]")
    page.wait_for_function("document.querySelector('[data-text=when]').textContent !== ''")
    assert current(page) == "Sample" and "1991-07" in page.locator("[data-text=when]").inner_text()
    page.get_by_role("button", name="Next time").click()
    page.wait_for_url(re.compile("time=1991-08"))
    page.get_by_role("navigation").get_by_role("link", name="Compress").click()
    page.wait_for_url(re.compile("time=1991-08"))
    assert "archive=amip" in page.url and "page=compress" in page.url


def test_unknown_page_is_said(visit):
    page = visit("page=atlantis&method=block-mean")
    toast = page.locator(".toast span").first
    toast.wait_for()
    assert "page=atlantis" in toast.inner_text() and current(page) == "Compress"


def test_navigation_fits_a_phone(visit, several_pages):
    page = visit("page=sample", base=several_pages, **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for link in page.get_by_role("navigation").get_by_role("link").all():
        box = link.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] >= 34


def test_a_page_of_ones_own_has_maps_swipe_and_chart(visit, several_pages):
    page = visit("page=sample&step=4", base=several_pages, color_scheme="dark")
    for pane, least in (("now", 200), ("change", 200), ("both", 200), ("spread", 10)):
        area = page.locator(f"#pane-{pane} :is(.plot, .stack)")
        area.scroll_into_view_if_needed()
        shot = np.asarray(Image.open(io.BytesIO(area.screenshot())).convert("RGB"))
        assert len(np.unique(shot.reshape(-1, 3), axis=0)) > least, pane
    assert page.locator("#pane-spread").bounding_box()["width"] > 1000, "a wide pane is as wide as the page"
    divider = page.get_by_role("slider", name="Divider")
    divider.press("ArrowLeft")
    assert divider.get_attribute("aria-valuenow") == "48"
