"""The Compress page in a real Chromium, against a real server."""

import io
import re

import numpy as np
import pytest
import xarray as xr
from PIL import Image

pytestmark = pytest.mark.browser


def text(page, key: str) -> str:
    return page.locator(f'[data-text="{key}"]').first.text_content()


def colours(page, pane: str) -> int:
    """How many colours a pane shows."""
    shot = page.locator(f"#pane-{pane} .plot, #pane-{pane} .stack").screenshot()
    return len(np.unique(np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).reshape(-1, 3), axis=0))


def wait_for_change(page, key: str, before: str) -> str:
    page.wait_for_function(
        "([key, before]) => document.querySelector(`[data-text=${key}]`).textContent !== before",
        arg=[key, before],
    )
    return text(page, key)


def choose(page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).check(force=True)


def map_box(page, pane: str) -> dict:
    plot = page.locator(f"#pane-{pane} .plot, #pane-{pane} .stack").first
    plot.scroll_into_view_if_needed()
    return plot.bounding_box()


def test_first_figure_appears(visit):
    page = visit("page=compress")
    assert re.fullmatch(r"[\d.]+ K", text(page, "rmse"))
    assert "dB" in text(page, "psnr") and text(page, "floats") == "64×" and text(page, "bytes") != "64×"
    assert "ERA5" in text(page, "attribution")
    for pane in ("original", "reconstruction", "difference", "compressed", "swipe", "latitude"):
        assert colours(page, pane) > (20 if pane == "latitude" else 200), pane
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_trained_weights_lose_less_than_block_means_at_every_ratio(visit):
    def errors(method: str) -> list[float]:
        page = visit(f"archive=era5-week&variable=t2m&ratio=4&method={method}")
        said = [text(page, "rmse")]
        for ratio in ("16×", "64×", "256×"):
            choose(page, ratio)
            said.append(wait_for_change(page, "rmse", said[-1]))
        return [float(one.split()[0]) for one in said]

    trained, plain = errors("general"), errors("block-mean")
    assert trained == sorted(trained) and plain == sorted(plain)
    assert all(ours < theirs for ours, theirs in zip(trained, plain, strict=True))


def test_ratio_changes_the_figures(visit):
    page = visit("method=block-mean")
    before = text(page, "rmse")
    choose(page, "4×")
    after = wait_for_change(page, "rmse", before)
    assert float(after.split()[0]) < float(before.split()[0])
    page.wait_for_url(re.compile("ratio=4"))
    assert text(page, "floats") == "4×"


def test_player_and_keyboard_move_time(visit):
    page = visit("method=block-mean")
    before = text(page, "when")
    page.get_by_role("button", name="Next time").click()
    second = wait_for_change(page, "when", before)
    page.get_by_role("slider", name="Time").press("ArrowRight")
    third = wait_for_change(page, "when", second)
    page.get_by_role("button", name="Play").click()
    wait_for_change(page, "when", third)
    page.get_by_role("button", name="Pause").click()
    assert page.get_by_role("button", name="Play").is_visible()


def test_zoom_goes_into_the_address_and_comes_back(visit, server):
    page = visit("method=block-mean")
    box = map_box(page, "original")
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.3)
    page.mouse.wheel(0, -600)
    page.wait_for_url(re.compile("view="))
    view = re.search(r"view=([-\d.,]+)", page.url)[1].split(",")
    x0, x1, y0, y1 = (float(part) for part in view)
    assert x1 - x0 < 360 and (x1 - x0) / (y1 - y0) == pytest.approx(2, rel=0.02)
    again = visit(page.url.split("?", 1)[1])
    assert text(again, "rmse") == text(page, "rmse")
    box = map_box(again, "difference")
    again.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.4)
    again.mouse.wheel(0, -120)
    again.wait_for_function("(old) => !location.search.includes(old)", arg=",".join(view))
    inner = [float(part) for part in re.search(r"view=([-\d.,]+)", again.url)[1].split(",")]
    assert x0 <= inner[0] < inner[1] <= x1, "the restored page was not where the first one was"


def test_hover_names_value_unit_and_place(visit):
    page = visit("method=block-mean")
    box = map_box(page, "original")
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.4, steps=3)
    tip = page.get_by_text(re.compile(r"\d+\.\d\d K\s*[\d.]+°[NS]\s+[\d.]+°[EW]")).first
    tip.wait_for()


def test_globe_and_mollweide(visit):
    page = visit("method=block-mean")
    for name in ("Globe", "Mollweide"):
        choose(page, name)
        page.wait_for_url(re.compile(f"projection={name.lower()}"))
        assert page.get_by_role("slider", name="Middle latitude").is_visible() == (name == "Globe")
        assert colours(page, "original") > 200


def test_swipe_by_pointer_and_keyboard(visit):
    page = visit("method=block-mean")
    divider = page.get_by_role("slider", name="Divider of Swipe")
    divider.scroll_into_view_if_needed()
    box = divider.bounding_box()
    page.mouse.move(box["x"] + 12, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] - 100, box["y"] + 30, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile(r"swipe=0\.[0-4]"))
    share = int(divider.get_attribute("aria-valuenow"))
    divider.press("ArrowRight")
    assert int(divider.get_attribute("aria-valuenow")) == share + 2
    page.get_by_role("button", name="Blink").click()
    assert page.get_by_role("button", name="Blink").get_attribute("aria-pressed") == "true"


def test_simulated_archives_are_labelled(visit):
    page = visit("method=block-mean")
    assert not page.locator(".badge").is_visible()
    page.get_by_label("Archive", exact=True).select_option("amip")
    page.locator(".badge").wait_for()
    assert "Simulated" in page.locator(".badge").inner_text()
    for pane in ("original", "reconstruction", "difference", "compressed"):
        assert "simulated" in page.locator(f"#pane-{pane} figcaption").inner_text()


def test_impossible_ratios_are_disabled(visit, tmp_path):
    page = visit("method=block-mean")
    lat, lon = np.linspace(-87.5, 87.5, 8), np.arange(0, 360, 22.5)
    field = 280 + 10 * np.cos(np.radians(lat))[:, None] + 0 * lon[None, :]
    upload(page, tmp_path / "coarse.nc", dataset(field, lat, lon))
    page.wait_for_url(re.compile("coarse"))
    disabled = page.get_by_role("radio", name="256×", exact=True)
    page.wait_for_function("() => true")
    assert disabled.is_disabled()


def dataset(field: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> xr.Dataset:
    return xr.Dataset(
        {
            "t2m": (
                ("lat", "lon"),
                field.astype(np.float32),
                {"units": "K", "standard_name": "air_temperature"},
            )
        },
        coords={
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
    )


def upload(page, path, ds: xr.Dataset | None) -> None:
    if ds is not None:
        ds.to_netcdf(path)
    page.locator("input[type=file]").set_input_files(path)


def test_own_file(visit, tmp_path):
    page = visit("method=block-mean&ratio=16")
    lat, lon = np.linspace(-89, 89, 90), np.arange(0, 360, 2.0)
    field = 250 + 50 * np.cos(np.radians(lat))[:, None] + 3 * np.sin(np.radians(3 * lon))[None, :]
    upload(page, tmp_path / "mine.nc", dataset(field, lat, lon))
    page.wait_for_url(re.compile("mine"))
    assert "mine.nc" in text(page, "attribution") and text(page, "floats") == "16×"
    assert page.get_by_label("Archive", exact=True).input_value() == "file:mine.nc"


def test_broken_file_gets_one_sentence(visit, tmp_path):
    page = visit("method=block-mean")
    before = page.url
    path = tmp_path / "torn.nc"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(4000))
    upload(page, path, None)
    toast = page.locator(".toast span").first
    toast.wait_for()
    assert "torn.nc" in toast.inner_text() and "Traceback" not in toast.inner_text()
    choose(page, "16×")
    page.wait_for_url(lambda url: url != before)


def test_take_home(visit, tmp_path):
    page = visit("method=block-mean&ratio=16")
    with page.expect_download() as got:
        page.get_by_role("button", name="Save NetCDF").click()
    got.value.save_as(tmp_path / "x.nc")
    ds = xr.load_dataset(tmp_path / "x.nc")
    error = ds["t2m_reconstruction"] - ds["t2m"]
    weights = np.cos(np.radians(ds["lat"]))
    rmse = float(np.sqrt((error**2).weighted(weights).mean()))
    assert rmse == pytest.approx(float(text(page, "rmse").split()[0]), rel=0.05)
    with page.expect_download() as got:
        page.get_by_role("button", name="Save PNG").click()
    got.value.save_as(tmp_path / "x.png")
    image = Image.open(tmp_path / "x.png")
    assert min(image.size) > 800 and len(image.convert("RGB").getcolors(2**24)) > 1000


def test_nonsense_in_the_address_is_said(visit):
    page = visit("ratio=5&method=block-mean")
    toast = page.locator(".toast span").first
    toast.wait_for()
    assert "ratio=5" in toast.inner_text()
    assert text(page, "floats") == "64×"
