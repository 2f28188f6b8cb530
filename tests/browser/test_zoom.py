"""The Zoom page in a real Chromium, against a real server."""

import io
import re

import numpy as np
import pytest
import xarray as xr
from PIL import Image

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SHARP_AGAIN = """() => {
  const note = document.querySelector("[data-text=note_sharp]").textContent
  return note.startsWith("zoom ")
}"""


def text(page, key: str) -> str:
    return page.locator(f'[data-text="{key}"]').first.text_content()


def picture(page, pane: str) -> np.ndarray:
    """The map of a pane, without its frame."""
    area = page.locator(f"#pane-{pane} :is(.plot, .stack)").first
    area.scroll_into_view_if_needed()
    shot = np.asarray(Image.open(io.BytesIO(area.screenshot())).convert("RGB")).astype(int)
    width = shot.shape[1]
    return shot[12 : (width - 64) // 2 - 6, 52 : width - 60]


def colours(page, pane: str) -> int:
    return len(np.unique(picture(page, pane).reshape(-1, 3), axis=0))


def window(url: str) -> list[float]:
    return [float(part) for part in re.search(r"view=([-\d.,]+)", url)[1].split(",")]


def choose(page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).check(force=True)


def wheel(page, pane: str, turns: int) -> None:
    area = page.locator(f"#pane-{pane} .plot").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.4)
    for _ in range(turns):
        page.mouse.wheel(0, -240)


def test_first_view(visit):
    page = visit("page=zoom")
    for key in ("smooth", "lapse", "sharp"):
        assert re.fullmatch(r"[\d.]+ K", text(page, key))
    assert float(text(page, "sharp").split()[0]) < float(text(page, "lapse").split()[0])
    page.get_by_role("table").wait_for()
    assert page.get_by_role("row").count() == 9
    for pane in ("sharp", "plain", "truth", "plain_error", "sharp_error", "swipe"):
        assert colours(page, pane) > 60, pane
    assert colours(page, "coarse") > 10, "cells of one colour each"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_wheel_makes_the_view_refine(visit):
    """From zoom 6 to 8 there is no truth, so only what is looked at is decoded."""
    page = visit("page=zoom&from=6&to=8&view=-60,60,10,70")
    page.wait_for_function(SHARP_AGAIN)
    said = text(page, "note_power")
    wheel(page, "sharp", 4)
    page.wait_for_function(
        "(old) => document.querySelector('[data-text=note_power]').textContent !== old", arg=said
    )
    page.wait_for_function(
        "() => document.querySelector('[data-text=note_power]').textContent.includes('zoom 8')"
    )
    page.wait_for_function(SHARP_AGAIN)
    x0, x1, y0, y1 = window(page.url)
    assert -60 < x0 < x1 < 60 and (x1 - x0) / (y1 - y0) == pytest.approx(2, rel=0.02)
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)
    sharp, plain = picture(page, "sharp"), picture(page, "plain")
    assert np.abs(sharp - plain).max() > 40, "the sharp map is not the interpolated one"
    assert not page.locator("#pane-truth").is_visible() and page.locator("#pane-sharp_error").is_visible()


def test_bookmarks_by_pointer_and_keyboard_and_the_address(visit):
    page = visit("page=zoom")
    before = text(page, "sharp")
    page.get_by_role("button", name="Japan").click()
    page.wait_for_url(re.compile(r"view=122,154,30,46"))
    page.wait_for_function(
        "(old) => document.querySelector('[data-text=sharp]').textContent !== old", arg=before
    )
    assert page.get_by_role("button", name="Japan").get_attribute("aria-pressed") == "true"
    alps = page.get_by_role("button", name="Alps")
    alps.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"view=3,19,42,50"))
    page.get_by_role("group", name="Input zoom").get_by_role("radio", name="5").check(force=True)
    page.wait_for_url(re.compile("from=5"))
    choose(page, "Lapse rate")
    choose(page, "Contours")
    page.wait_for_url(re.compile("relief=contours"))
    page.wait_for_function(
        "() => document.querySelector('[data-text=note_plain]').textContent.includes('K/km')"
    )
    page.wait_for_function(
        "() => document.querySelector('[data-text=sharp_note]').textContent.includes('globe')"
    )
    again = visit(page.url.split("?", 1)[1])
    again.wait_for_function(
        "() => document.querySelector('[data-text=sharp_note]').textContent.includes('globe')"
    )
    for key in ("smooth", "lapse", "sharp", "sharp_note", "share", "power", "note_plain", "when"):
        assert text(again, key) == text(page, key), key
    assert window(again.url) == window(page.url)
    assert again.get_by_role("radio", name="Contours").is_checked()
    assert again.get_by_role("button", name="Alps").get_attribute("aria-pressed") == "true"


def test_stale_work_is_not_queued(visit):
    """Many turns and jumps: at the end the page is where the last one led, and says so soon."""
    page = visit("page=zoom&from=6&to=8")
    for name in ("Japan", "Alps", "Gulf Stream", "Amazon mouth", "Japan", "Alps", "Himalaya", "Amazon mouth"):
        page.get_by_role("button", name=name).click()
    page.wait_for_url(re.compile(r"view=-63,-39,-6,6"))
    page.wait_for_function(SHARP_AGAIN)
    page.wait_for_timeout(1500)
    assert window(page.url) == [-63, -39, -6, 6], "nothing came after the last wish"
    assert text(page, "note_sharp").startswith("zoom 8")
    assert page.get_by_role("button", name="Amazon mouth").get_attribute("aria-pressed") == "true"


def test_globe_keeps_the_place(visit):
    page = visit("page=zoom")
    choose(page, "Globe")
    page.wait_for_url(re.compile("projection=globe"))
    assert "lon0=90" in page.url and "view=" in page.url
    page.wait_for_function(SHARP_AGAIN)
    assert colours(page, "sharp") > 60


def test_hover_names_value_unit_and_place(visit):
    page = visit("page=zoom")
    box = page.locator("#pane-sharp .plot").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.4, steps=3)
    tip = page.get_by_text(re.compile(r"\d+\.\d\d K\s*[\d.]+°N\s+[\d.]+°E")).first
    tip.wait_for()


def test_simulated_archive_says_so_and_what_is_beyond_the_weights(visit):
    page = visit("page=zoom&archive=amip&from=4&to=6")
    assert "Simulated" in page.locator(".badge").inner_text()
    for pane in ("coarse", "sharp", "plain", "swipe", "power"):
        assert "simulated" in page.locator(f"#pane-{pane} figcaption").inner_text()
    assert "zoom 6 is smooth" in text(page, "note_sharp")
    page.get_by_text("Zoom 6 is beyond what the weights know").wait_for()


def test_own_file_and_what_is_taken_home(visit, tmp_path):
    page = visit("page=zoom")
    lat, lon = np.linspace(-89, 89, 90), np.arange(0, 360, 2.0)
    field = 250 + 50 * np.cos(np.radians(lat))[:, None] + 3 * np.sin(np.radians(3 * lon))[None, :]
    units = {"units": "K", "standard_name": "air_temperature"}
    axes = {
        "lat": ("lat", lat, {"units": "degrees_north"}),
        "lon": ("lon", lon, {"units": "degrees_east"}),
    }
    xr.Dataset({"t2m": (("lat", "lon"), field.astype(np.float32), units)}, coords=axes).to_netcdf(
        tmp_path / "mine.nc"
    )
    page.locator("input[type=file]").set_input_files(tmp_path / "mine.nc")
    page.wait_for_url(re.compile("mine"))
    assert "mine.nc" in text(page, "attribution")
    with page.expect_download() as got:
        page.get_by_role("button", name="Save NetCDF").click()
    got.value.save_as(tmp_path / "x.nc")
    ds = xr.load_dataset(tmp_path / "x.nc")
    assert ds.attrs["fsae_sr_zoom_in"] == 4 and ds.attrs["fsae_sr_region"] == "70 24.75 105 42.25"
    assert ds["lon"].min() >= 70 and ds["lon"].max() <= 105 and ds.attrs["fsae_sr_sha256"]


def test_phone(visit):
    page = visit("page=zoom", **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shown = [pane for pane in page.locator(".pane").all() if pane.is_visible()]
    assert len(shown) == 1
    for name in ("Sharp", "Truth", "Swipe", "Places"):
        page.get_by_role("tab", name=name, exact=True).click()
        pane = page.locator(
            f"#{page.get_by_role('tab', name=name, exact=True).get_attribute('aria-controls')}"
        )
        assert pane.is_visible()
        box = pane.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] > 150
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("tab", name="Truth", exact=True).click()
    choose(page, "6 own")
    page.wait_for_url(re.compile("from=6"))
    page.locator("#pane-truth").wait_for(state="hidden")
    assert page.locator("#pane-coarse").is_visible(), "another tab is chosen when its own goes"
    for button in page.locator("button[data-value]").all():
        assert button.bounding_box()["height"] >= 34
