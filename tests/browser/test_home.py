"""The landing page: five cards with live pictures, links that lead on, old addresses."""

import io
import re
import urllib.request

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser
PAGES = ("compress", "compare", "zoom", "latent", "ensemble")
PATIENCE_MS = 240_000
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def with_pictures(page):
    page.wait_for_function(
        "document.querySelectorAll('.thumb :is(svg, img)').length >= 11", timeout=PATIENCE_MS
    )
    return page


def test_cards_show_and_lead_on(visit):
    page = with_pictures(visit(""))
    assert page.locator("h1").inner_text().startswith("See what compression does")
    assert page.evaluate("document.querySelector('#doors').getBoundingClientRect().top < 300")
    for key in PAGES:
        thumb = page.locator(f"[data-thumb={key}]")
        shot = np.asarray(Image.open(io.BytesIO(thumb.screenshot())).convert("RGB"))
        assert len(np.unique(shot.reshape(-1, 3), axis=0)) > 30, key
        assert page.locator(f"[data-line={key}]").inner_text()[-1] != "…"
    said = page.locator("[data-line=compress]").inner_text()
    page.locator(".door[data-page=compress]").click()
    page.wait_for_url(re.compile("page=compress"))
    page.wait_for_selector("body[data-ready=true]", timeout=PATIENCE_MS)
    assert page.locator("[data-text=rmse]").inner_text() in said, "the card says what its page shows"


def test_words_come_without_waiting_for_pictures(server):
    with urllib.request.urlopen(server, timeout=60) as answer:
        html = answer.read().decode()
    assert all(f'data-page="{key}"' in html for key in PAGES)
    assert "Simulated" in html and "float32" in html


def test_it_fits_a_phone_and_follows_light_and_dark(visit):
    page = visit("", **PHONE, color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Light").click()
    assert "theme=light" in page.url
    page.locator(".door[data-page=zoom]").click()
    page.wait_for_url(re.compile("page=zoom.*theme=light"))


def test_addresses_from_before_mean_compress(visit):
    page = visit("ratio=16&method=block-mean")
    assert page.locator("nav [aria-current=page]").inner_text() == "Compress"
    assert "page=compress" in page.url and "ratio=16" in page.url
