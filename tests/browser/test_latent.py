"""The Latent page in a real Chromium, against a real server."""

import io
import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from PIL import Image

from fsae_core.archive.catalog import open_catalogued
from fsae_core.atlas.file import shipped_atlas

pytestmark = pytest.mark.browser
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "user_agent": "Mobi",
}
FRAME = """() => {
  const view = Object.values(Bokeh.index.roots ?? Bokeh.index).find((v) => v.model.name === "map")
  const box = (view.el ?? view).getBoundingClientRect(), frame = view.frame.bbox
  const {x_range, y_range} = view.model
  return [box.x + frame.left, box.y + frame.top, frame.width, frame.height,
          x_range.start, x_range.end, y_range.start, y_range.end]
}"""


def text(page, key: str) -> str:
    return page.locator(f'[data-text="{key}"]').first.text_content()


def choose(page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).check(force=True)


def pixels(page, which: str = "raw") -> np.ndarray:
    """Where the points of the shipped atlas are on the screen, (time, 2)."""
    names = ["x", "y"] if which == "raw" else ["x_deseasonalised", "y_deseasonalised"]
    places = shipped_atlas().table[names].to_numpy(float)
    x, y, width, height, x0, x1, y0, y1 = page.evaluate(FRAME)
    return np.stack(
        [x + width * (places[:, 0] - x0) / (x1 - x0), y + height * (1 - (places[:, 1] - y0) / (y1 - y0))],
        axis=1,
    )


def shot(page, pane: str) -> np.ndarray:
    place = page.locator(f"#pane-{pane} :is(.plot, .natural)")
    place.scroll_into_view_if_needed()
    return np.asarray(Image.open(io.BytesIO(place.screenshot())).convert("RGB"))


def colours(image: np.ndarray) -> int:
    return len(np.unique(image.reshape(-1, 3), axis=0))


def lonely(page, which: str) -> int:
    """A point with no other near it on the screen, in the middle part of the map."""
    at = pixels(page, which)
    distance = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    middle = np.abs(at - at.mean(axis=0)).max(axis=1) < 200
    return int(np.where(middle, distance.min(axis=1), 0).argmax())


def test_first_view(visit):
    page = visit("page=latent")
    assert (
        page.get_by_role("navigation").get_by_role("link", name="Latent").get_attribute("aria-current")
        == "page"
    )
    assert "Atlas of" in text(page, "title") and "imulated" in text(page, "simulated")
    assert text(page, "shift").startswith("−") and "p 0.00" in text(page, "shift_note")
    for pane, least in (("map", 60), ("field", 100), ("anomaly", 100), ("near", 100), ("timeline", 20)):
        assert colours(shot(page, pane)) > least, pane
    for pane in ("a", "b", "between"):
        assert colours(shot(page, pane)) > 100, pane
    assert page.locator("#pane-words").get_by_text("t-SNE of").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_click_on_a_point_and_on_a_neighbour(visit):
    page = visit("page=latent&map=deseasonalised")
    row = lonely(page, "deseasonalised")
    label = str(shipped_atlas().times[row])[:7]
    page.mouse.click(*pixels(page, "deseasonalised")[row])
    page.wait_for_url(re.compile(f"time={label}"))
    assert text(page, "when") == label
    card = page.get_by_role("button", name=re.compile(r"^2 · \d{4}-\d\d"))
    name = card.inner_text()
    card.click()
    page.wait_for_url(re.compile(f"time={re.search(r'[0-9]{4}-[0-9]{2}', name)[0]}"))


def test_hover_shows_time_and_small_map(visit):
    page = visit("page=latent&map=deseasonalised")
    row = lonely(page, "deseasonalised")
    x, y = pixels(page, "deseasonalised")[row]
    page.mouse.move(x - 30, y - 3)
    page.mouse.move(x, y, steps=4)
    tip = page.get_by_role("tooltip")
    tip.get_by_text(str(shipped_atlas().times[row])[:7]).wait_for()
    assert tip.locator("img").evaluate("image => image.complete && image.naturalWidth > 50")
    page.mouse.move(5, 5)
    tip.wait_for(state="hidden")


def test_lasso_box_and_clear(visit):
    page = visit("page=latent")
    plain = shot(page, "map")
    at = pixels(page)
    july = at[6]
    corners = [july + d for d in ((-26, -26), (26, -26), (26, 26), (-26, 26), (-26, -20))]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=5)
    page.mouse.up()
    page.wait_for_url(re.compile("[?&]a="))
    own = np.flatnonzero(np.abs(at - july).max(axis=1) < 26)
    page.wait_for_function(
        "() => !document.querySelector('[data-text=note_a]').textContent.includes('example')"
    )
    assert int(text(page, "a").split()[0]) == own.size
    grey = shot(page, "map")
    assert colours(grey) < colours(plain), "points that are not chosen go grey"
    choose(page, "B")
    choose(page, "Box")
    page.wait_for_url(re.compile("drag=box"))
    january = at[0]
    page.mouse.move(*(january - 24))
    page.mouse.down()
    page.mouse.move(*(january + 24), steps=6)
    page.mouse.up()
    page.wait_for_url(re.compile("[?&]b="))
    page.wait_for_function(
        "() => !document.querySelector('[data-text=note_b]').textContent.includes('example')"
    )
    again = visit(page.url.split("?", 1)[1])
    assert text(again, "a") == text(page, "a") and text(again, "b") == text(page, "b")
    page.get_by_role("button", name="Clear all").click()
    page.wait_for_function("() => !location.search.includes('a=') || !/[?&]a=/.test(location.search)")
    page.wait_for_function(
        "() => document.querySelector('[data-text=note_b]').textContent.includes('example')"
    )


def test_slider_walks_and_switches_speak(visit):
    page = visit("page=latent&time=1991-05")
    page.get_by_role("button", name="Next time").click()
    page.wait_for_url(re.compile("time=1991-06"))
    before = text(page, "shift")
    choose(page, "Removed")
    page.wait_for_url(re.compile("enso=1"))
    page.wait_for_function(
        "was => document.querySelector('[data-text=shift]').textContent !== was", arg=before
    )
    assert page.get_by_text("Taken out of the displacement").is_visible()
    page.get_by_label("Colour", exact=True).select_option("displacement")
    page.wait_for_url(re.compile("colour=displacement"))


def test_wheel_goes_into_the_address_and_comes_back(visit):
    page = visit("page=latent")
    x, y, width, height, *_ = page.evaluate(FRAME)
    page.mouse.move(x + width / 2, y + height / 2)
    page.mouse.wheel(0, -400)
    page.wait_for_url(re.compile("cloud="))
    window = [float(v) for v in re.search(r"cloud=([-\d.,]+)", page.url)[1].split(",")]
    again = visit(page.url.split("?", 1)[1])
    assert again.evaluate(FRAME)[4:] == pytest.approx(window, abs=0.02)


def test_own_file_is_placed_and_downloads_come(visit, tmp_path):
    ds = open_catalogued("amip")[["t2m", "crs"]].isel(time=slice(0, 3)).load()
    path = tmp_path / "three.nc"
    ds.to_netcdf(path)
    page = visit("page=latent")
    page.locator("input[type=file]").set_input_files(path)
    page.wait_for_function(
        "() => document.querySelector('[data-text=when]').textContent.includes('three.nc')"
    )
    assert "3 times of three.nc placed" in page.locator(".toast span").first.inner_text()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save CSV of A and B").click()
    frame = pd.read_csv(waiting.value.path(), comment="#")
    assert len(frame) == 48 and set(frame["group"]) == {"A", "B"}
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save NetCDF of A and B").click()
    with xr.open_dataset(waiting.value.path()) as got:
        assert {"lat", "lon"} <= set(got["t2m"].dims) and got.sizes["time"] == 48


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone(visit, scheme):
    page = visit("page=latent", color_scheme=scheme, **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for name in ("Map", "Field", "Near", "Time", "A − B", "Words"):
        page.get_by_role("tab", name=name, exact=True).click()
        pane = page.locator(
            f"#{page.get_by_role('tab', name=name, exact=True).get_attribute('aria-controls')}"
        )
        box = pane.bounding_box()
        assert pane.is_visible() and box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] > 120
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
