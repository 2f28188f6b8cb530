"""The Ensemble page in a real Chromium: two visitors, a stop, clicks on maps and tiles, files."""

import io
import re

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from fsae_core.archive.reader import open_archive

pytestmark = pytest.mark.browser
SMALL = "page=ensemble&class=lr&members=4&steps=8"
PANES = ("mean", "spread", "members", "changed", "likely", "one", "place", "spectrum", "ranks")
PATIENCE_MS = 240_000


def text(page, key: str) -> str:
    return page.locator(f'[data-text="{key}"]').first.text_content()


def said(page, key: str, pattern: str) -> str:
    """Wait until a place says something; what it says."""
    script = "([k, p]) => new RegExp(p).test(document.querySelector(`[data-text=${k}]`).textContent)"
    page.wait_for_function(script, arg=[key, pattern], timeout=PATIENCE_MS)
    return text(page, key)


def box(page, pane: str) -> dict:
    plot = page.locator(f"#pane-{pane} .plot")
    plot.scroll_into_view_if_needed()
    return plot.bounding_box()


def click(page, pane: str, x: float, y: float) -> None:
    """At shares of a pane's frame."""
    place = box(page, pane)
    page.mouse.click(place["x"] + 46 + x * (place["width"] - 64), place["y"] + y * (place["height"] - 84))


def colours(page, pane: str) -> int:
    place = page.locator(f"#pane-{pane} .plot")
    place.scroll_into_view_if_needed()
    shot = np.asarray(Image.open(io.BytesIO(place.screenshot())).convert("RGB"))
    return len(np.unique(shot.reshape(-1, 3), axis=0))


def test_an_ensemble_is_drawn_and_labelled(visit):
    page = visit(SMALL)
    said(page, "when", "December 1991 · 4 members")
    said(page, "crps", "K$")
    for pane in PANES:
        assert colours(page, pane) > (20 if pane in ("place", "spectrum", "ranks") else 150), pane
        assert "simulated" in page.locator(f"#pane-{pane} figcaption").inner_text()
    assert "not an observation" in page.locator(".badge").inner_text()
    assert page.get_by_text(re.compile("No attribution, no risk")).is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_long_draw_lets_others_work_and_stops(visit):
    """While one visitor's members come, a second has a whole ensemble; then the first stops."""
    first = visit(SMALL)
    said(first, "when", "· 4 members")
    for control, value in (("Sampler's evaluations", "96"), ("Fields", "8"), ("Members", "64")):
        first.get_by_role("combobox", name=control).select_option(value)
    said(first, "when", r"\d of 64 members")
    stop = first.get_by_role("button", name="Stop")
    assert stop.is_visible()
    second = visit(f"{SMALL}&seed=8")
    said(second, "when", "· 4 members")
    said(second, "crps", "K$")
    second.get_by_role("radio", name="Below", exact=True).check(force=True)
    said(second, "note_likely", "below 1 K")
    assert stop.is_visible() and "of 64" in text(first, "when"), "the first visitor's members still come"
    first.get_by_role("radio", name="Temperature", exact=True).check(force=True)
    said(first, "note_mean", "temperature")
    stop.click()
    toast = first.locator(".toast span").first
    toast.wait_for()
    count = re.fullmatch(r"Stopped: (\d+) of 64 members are there\.", toast.inner_text())[1]
    assert not stop.is_visible()
    said(first, "when", f"{count} of 64 members")
    assert first.get_by_role("button", name="Draw the rest").is_visible()


def test_clicks_on_maps_and_tiles_go_into_the_address_and_come_back(visit):
    page = visit(SMALL)
    said(page, "when", "· 4 members")
    said(page, "note_place", "years")
    click(page, "mean", 0.25, 0.25)
    page.wait_for_url(re.compile(r"point=-\d+\.\d+,\d+\.\d+"))
    click(page, "members", 0.5, 0.2)
    page.wait_for_url(re.compile("member=2"))
    said(page, "note_one", "member 2")
    page.get_by_role("slider", name="Threshold").fill("3")
    said(page, "note_likely", "above 3 K")
    page.get_by_role("combobox", name="Compared with").select_option("co2")
    said(page, "note_changed", "340 ppm")
    page.wait_for_url(re.compile("versus=co2"))
    again = visit(page.url.split("?", 1)[1])
    said(again, "when", "· 4 members")
    said(again, "crps", "K$")
    for key in ("note_place", "note_one", "note_likely", "note_changed", "area", "change", "crps"):
        assert text(again, key) == said(page, key, "."), key


def test_a_window_is_played(visit):
    page = visit(f"{SMALL}&days=8")
    before = said(page, "when", "· 4 members")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "(before) => document.querySelector('[data-text=when]').textContent !== before", arg=before
    )
    page.get_by_role("button", name="Pause").click()
    page.wait_for_url(re.compile("day=[2-8]"))


def test_files(visit, tmp_path):
    page = visit(SMALL)
    said(page, "when", "· 4 members")
    with page.expect_download() as got:
        page.get_by_role("button", name="Save ensemble").click()
    got.value.save_as(tmp_path / "x.nc")
    ds = xr.load_dataset(tmp_path / "x.nc")
    assert ds["t2m"].shape == (1, 4, 3072) and ds.attrs["seed"] == 0 and "SIMULATED" in ds.attrs["source"]
    page.get_by_role("radio", name="Zarr, zipped", exact=True).check(force=True)
    page.get_by_role("radio", name="The other", exact=True).check(force=True)
    with page.expect_download() as got:
        page.get_by_role("button", name="Save ensemble").click()
    got.value.save_as(tmp_path / "y.zarr.zip")
    other = open_archive(tmp_path / "y.zarr.zip")
    assert other.attrs["condition_volcanoes"] == 0
    change = ds["t2m"].values - other["t2m"].transpose("time", "member", "cell").values
    assert f"{abs(change.mean()):.2f} K" in text(page, "change")
    with page.expect_download() as got:
        page.get_by_role("button", name="Save PNG").click()
    got.value.save_as(tmp_path / "z.png")
    assert min(Image.open(tmp_path / "z.png").size) > 900


def test_the_month_comes_along_from_another_page(visit):
    page = visit("archive=amip&variable=t2m&time=1998-02&method=block-mean")
    page.get_by_role("navigation").get_by_role("link", name="Ensemble").click()
    page.wait_for_url(re.compile("page=ensemble"))
    page.wait_for_selector("body[data-ready=true]")
    said(page, "when", "February 1998")
    assert not page.locator(".toast").count()


def test_phone(visit):
    page = visit(SMALL, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    said(page, "when", "· 4 members")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for name in ("Members", "Change", "Place", "Ranks", "Limits"):
        page.get_by_role("tab", name=name).click()
        pane = page.locator(f"#{page.get_by_role('tab', name=name).get_attribute('aria-controls')}")
        size = pane.bounding_box()
        assert pane.is_visible() and size["x"] >= 0 and size["x"] + size["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
