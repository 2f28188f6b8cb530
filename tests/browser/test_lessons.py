"""The lessons in a real Chromium: text, hidden answers, live results, the way to the pages."""

import re

import pytest

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def test_a_lesson_is_read_answered_and_leads_to_a_page(visit):
    page = visit("page=lessons&lesson=compression")
    assert page.locator("nav [aria-current=page]").inner_text() == "Lessons"
    assert page.locator("[data-text=title]").inner_text() == "What compression keeps and loses"
    page.locator(".wait").first.wait_for(state="detached", timeout=240_000)
    page.locator("a.go").wait_for(timeout=240_000)
    assert page.locator(".wait").count() == 0
    picture = page.locator("svg[role=img]").first
    box = picture.bounding_box()
    assert box["width"] > 300 and picture.get_attribute("aria-label").startswith("Map: Original")
    answer = page.locator("details:not(.code)").first
    assert not answer.locator("p").first.is_visible()
    answer.locator("summary").click()
    assert answer.locator("p").first.is_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download the notebook").click()
    assert saved.value.suggested_filename == "compression.ipynb"
    page.locator("a.go").click()
    page.wait_for_url(re.compile(r"time=2026-03-31T23:00"))
    page.wait_for_selector("body[data-ready=true]")
    assert page.locator("nav [aria-current=page]").inner_text() == "Compress"


def test_lessons_fit_a_phone_and_lead_to_each_other(visit):
    page = visit("page=lessons&lesson=compression", color_scheme="dark", **PHONE)
    page.locator("a.go").wait_for(timeout=240_000)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("nav.ways").get_by_role("link", name="Volcano").click()
    page.wait_for_url(re.compile("lesson=volcano"))
    page.wait_for_function("document.querySelector('[data-text=title]').textContent === 'Finding a volcano'")
    assert "Simulated" in page.locator("[data-text=simulated]").inner_text()
