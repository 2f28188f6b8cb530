"""The guided tour: five stops on five pages, by mouse, keyboard and on a phone."""

import re

import pytest

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
PAGES = ("compress", "compare", "zoom", "latent", "ensemble")
PATIENCE_MS = 240_000
REMEMBERED = "localStorage.getItem('fieldspace-tour')"


def stop(page):
    dialog = page.get_by_role("dialog")
    dialog.wait_for(timeout=PATIENCE_MS)
    page.wait_for_function("document.activeElement.closest('[role=dialog]') !== null")
    return dialog


def ended(page):
    page.get_by_role("dialog").wait_for(state="detached")
    page.wait_for_url(lambda url: "tour=" not in url, timeout=30_000)
    assert page.evaluate(REMEMBERED) == "ended"


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desk", "phone"])
def test_five_stops_lead_through_five_pages(visit, options):
    page = visit("", **options)
    page.get_by_role("button", name="Take the tour").click()
    for number, key in enumerate(PAGES, start=1):
        page.wait_for_url(re.compile(f"page={key}.*tour={number}"), timeout=PATIENCE_MS)
        dialog = stop(page)
        assert f"Stop {number} of 5" in dialog.inner_text()
        box, seen = dialog.bounding_box(), page.locator(".driver-active-element").bounding_box()
        width, height = page.viewport_size["width"], page.viewport_size["height"]
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height
        assert seen["width"] > 200 and seen["y"] < height and seen["y"] + seen["height"] > 0
        dialog.get_by_role("button", name="Done" if number == 5 else "Next").click()
    ended(page)
    assert page.evaluate("document.activeElement.id") == "tour"
    page.get_by_role("navigation").get_by_role("link", name="Home").click()
    page.get_by_role("button", name="Take the tour again").wait_for()


def test_tour_begins_where_one_is_and_escape_ends_it(visit):
    page = visit("page=compare&ratio=16")
    page.get_by_role("button", name="Tour").click()
    dialog = stop(page)
    assert "Stop 2 of 5" in dialog.inner_text() and "ratio=16" in page.url
    named = dialog.evaluate(
        "node => document.getElementById(node.getAttribute('aria-labelledby')).textContent"
    )
    assert "codecs" in named
    page.keyboard.press("Tab")
    kept = "document.activeElement.closest('[role=dialog], .driver-active-element') !== null"
    assert page.evaluate(kept), "the keyboard stays with the stop"
    page.keyboard.press("Escape")
    ended(page)
    assert "ratio=16" in page.url
    page.get_by_role("button", name="Tour").click()
    stop(page).get_by_role("button", name="Back").click()
    page.wait_for_url(re.compile("page=compress.*tour=1"), timeout=PATIENCE_MS)
    stop(page).get_by_role("button", name="Skip the tour").click()
    ended(page)
