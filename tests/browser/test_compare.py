"""The Compare page in a real Chromium, against a real server."""

import io
import json
import re

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from fsae_core.assets import asset_path

pytestmark = pytest.mark.browser
QUICK = "page=compare&a=block-mean&b=sht"
ROWS = json.loads(asset_path("evaluations", "era5-week-t2m.json").read_text())["rows"]
POINT = """
([name, method, ratio]) => {
  const below = (view) => typeof view.children === "function" ? [...view.children()] : view.child_views ?? []
  const find = (view) => view.model?.name === name && view.model.type === "Figure" ? view
    : below(view).map(find).find(Boolean)
  const view = [...Object.values(Bokeh.index.roots ?? Bokeh.index)].map(find).find(Boolean)
  const source = view.model.renderers.map((one) => one.data_source).find((one) => one.data.method)
  const i = [...source.data.method].findIndex((one, k) => one === method && source.data.ratio[k] === ratio)
  const box = view.canvas_view.el.getBoundingClientRect()
  return [
    box.left + view.frame.x_scale.compute(source.data.x[i]),
    box.top + view.frame.y_scale.compute(source.data.y[i]),
  ]
}
"""


def text(page, key: str) -> str:
    return page.locator(f'[data-text="{key}"]').first.text_content()


def wait_for(page, key: str, words: str) -> None:
    page.wait_for_function(
        "([key, words]) => document.querySelector(`[data-text=${key}]`).textContent.includes(words)",
        arg=[key, words],
    )


def choose(page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).check(force=True)


def colours(page, pane: str) -> int:
    """How many colours a pane shows."""
    area = page.locator(f"#pane-{pane} :is(.plot, .stack)")
    area.scroll_into_view_if_needed()
    shot = np.asarray(Image.open(io.BytesIO(area.screenshot())).convert("RGB"))
    return len(np.unique(shot.reshape(-1, 3), axis=0))


def row(method: str, axis: str, ratio: int) -> dict:
    return next(r for r in ROWS if (r["method"], r["axis"], r["ratio"]) == (method, axis, ratio))


def test_everything_appears_with_the_numbers_of_the_table(visit):
    page = visit(QUICK)
    assert text(page, "a") == f"{row('block-mean', 'floats', 64)['rmse']:.4g} K"
    assert text(page, "b") == f"{row('sht', 'floats', 64)['rmse']:.4g} K"
    for pane in ("truth", "a", "b", "error_a", "error_b", "swipe"):
        assert colours(page, pane) > 200, pane
    for pane in ("rate_floats", "rate_bytes", "power", "coherence", "latitude", "steepness"):
        assert colours(page, pane) > 20, pane
    ranking = page.get_by_role("region", name="All methods")
    assert f"{row('sht', 'bytes', 64)['rmse']:.4g}" in ranking.inner_text()
    assert (
        "Held out: 2026-03-30 to 2026-03-31"
        in page.get_by_role("region", name="What was known beforehand").inner_text()
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_default_shows_two_networks(visit):
    page = visit("page=compare")
    assert text(page, "note_a").startswith("FS-AE") and re.fullmatch(r"[\d.]+ K", text(page, "one_a"))
    assert text(page, "note_b").startswith("CNN-VAE") and re.fullmatch(r"[\d.]+ K", text(page, "one_b"))


def test_a_click_on_a_point_brings_its_field(visit):
    page = visit(QUICK)
    page.locator("#pane-rate_bytes .plot").scroll_into_view_if_needed()
    page.mouse.click(*page.evaluate(POINT, ["rate_bytes", "zfp", 256]))
    page.wait_for_url(re.compile("a=zfp"))
    wait_for(page, "note_a", "ZFP, 256× fewer bytes")
    assert text(page, "a") == f"{row('zfp', 'bytes', 256)['rmse']:.4g} K"
    assert "axis=bytes" in page.url and "ratio=256" in page.url


def test_ranking_swap_axis_and_the_address(visit):
    page = visit(QUICK)
    page.get_by_role("button", name="SZ3 as B", exact=True).click()
    wait_for(page, "note_b", "SZ3, 64× fewer bytes")
    choose(page, "16×")
    wait_for(page, "note_b", "16×")
    page.get_by_role("button", name="Swap A and B").click()
    wait_for(page, "note_a", "SZ3")
    page.wait_for_url(re.compile("a=sz3"))
    again = visit(page.url.split("?", 1)[1])
    for key in ("a", "b", "share", "one_a", "one_b", "note_a", "note_b", "when"):
        assert text(again, key) == text(page, key), key


def test_jump_to_the_worst_place(visit):
    page = visit(QUICK)
    page.get_by_role("button", name="Go to the worst place of Harmonics", exact=True).click()
    page.wait_for_url(re.compile("place="))
    worst = row("sht", "floats", 64)["worst"]
    wait_for(page, "when", worst["time"][11:16])
    page.wait_for_url(re.compile("view="))
    x0, x1, y0, y1 = (float(v) for v in re.search(r"view=([-\d.,]+)", page.url)[1].split(","))
    lon = (worst["lon"] + 180) % 360 - 180
    assert (x0 + x1) / 2 == pytest.approx(lon, abs=0.1) and (y0 + y1) / 2 == pytest.approx(
        worst["lat"], abs=0.1
    )


def test_linked_zoom_swipe_and_blink(visit):
    page = visit(QUICK)
    plot = page.locator("#pane-a .plot")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    before = page.locator("#pane-error_b .plot").screenshot()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.3)
    page.mouse.wheel(0, -600)
    page.wait_for_url(re.compile("view="))
    assert page.locator("#pane-error_b .plot").screenshot() != before
    divider = page.get_by_role("slider", name="Divider of A | B")
    divider.press("ArrowRight")
    page.wait_for_url(re.compile("swipe=0.52"))
    page.get_by_role("button", name="Blink").click()
    page.wait_for_timeout(800)
    assert not divider.is_visible()


def own_file(path) -> None:
    lat, lon = np.linspace(-87.5, 87.5, 36), np.arange(0, 360, 5.0)
    wave = np.stack([3 * np.sin(np.radians(3 * lon + 20 * i)) for i in range(10)])
    field = 250 + 50 * np.cos(np.radians(lat))[None, :, None] + wave[:, None, :]
    times = np.datetime64("2020-01-01", "ns") + np.arange(10) * np.timedelta64(1, "D")
    xr.Dataset(
        {"t2m": (("time", "lat", "lon"), field.astype(np.float32), {"units": "K"})},
        coords={
            "time": times,
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
    ).to_netcdf(path)


def test_a_table_of_one_s_own_file(visit, tmp_path):
    page = visit(QUICK)
    own_file(tmp_path / "mine.nc")
    page.locator("input[type=file]").set_input_files(tmp_path / "mine.nc")
    page.wait_for_url(re.compile("mine"))
    wait_for(page, "attribution", "mine.nc")
    assert text(page, "a") == "–"
    page.get_by_role("button", name="Compute table").click()
    wait_for(page, "b", "K")  # rows come one by one, B's behind A's
    assert text(page, "a").endswith("K")
    with page.expect_download() as got:
        page.get_by_role("button", name="Table, CSV").click()
    got.value.save_as(tmp_path / "table.csv")
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert lines[0].startswith("method,axis,ratio") and len(lines) > 8


def test_a_long_table_can_be_stopped(visit):
    page = visit("page=compare&a=block-mean&b=sht&variable=v10")
    page.get_by_role("radio", name=re.compile(r"All \d+")).check(force=True)
    page.get_by_role("button", name="Compute table").click()
    page.get_by_role("button", name="Stop").click()
    page.locator(".toast span", has_text="Stopped").wait_for()
    choose(page, "16×")
    wait_for(page, "note_a", "16×")


def test_fields_to_take_home(visit, tmp_path):
    page = visit(QUICK)
    with page.expect_download() as got:
        page.get_by_role("button", name="Save fields, NetCDF").click()
    got.value.save_as(tmp_path / "x.nc")
    ds = xr.load_dataset(tmp_path / "x.nc")
    weights = np.cos(np.radians(ds["lat"]))
    rmse = float(np.sqrt((ds["t2m_error_a"] ** 2).weighted(weights).mean()))
    assert rmse == pytest.approx(float(text(page, "one_a").split()[0]), rel=0.05)


def test_phone_and_dark(visit):
    page = visit(
        QUICK, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, color_scheme="dark"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for name in ("Error A", "Bytes", "Ranking", "Worst", "Card"):
        page.get_by_role("tab", name=name).click()
        pane = page.locator(f"#{page.get_by_role('tab', name=name).get_attribute('aria-controls')}")
        assert pane.is_visible() and pane.bounding_box()["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
