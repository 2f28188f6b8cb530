"""A wind as speed and arrows, and all variables together, on the pages that can show them."""

import numpy as np
import pytest

from app.export import to_netcdf
from app.fitting import coded_with
from app.pages.compare import ComparePage
from app.pages.compress import CompressPage
from app.pages.zoom import ZoomPage
from app.store import named_archive
from fsae_core.sphere.pyramid import restrict


@pytest.fixture
def compress(document, turns) -> CompressPage:
    page = CompressPage({"archive": "amip", "method": "joint", "variable": "u10", "ratio": "16"}, document)
    turns.settle()
    return page


def test_the_speed_of_a_wind_has_arrows(compress, turns):
    gallery = compress.gallery
    assert compress.sidebar.speed.visible and not len(gallery.original.arrows.data["x"])
    compress.sidebar.speed.value = "speed"
    turns.settle()
    assert compress.bridge.words["title"] == "Wind speed" and "speed=1" in compress.bridge.query
    image = gallery.original.sharp.data["image"][0]
    assert np.nanmin(image) >= 0 and gallery.original.mapper.low == 0
    for pane in (gallery.original, gallery.reconstruction):
        assert len(pane.arrows.data["x"]) > 100
    assert gallery.swipe_left.arrows is gallery.original.arrows
    assert not len(gallery.difference.arrows.data["x"])
    compress.sidebar.field.variable.value = "t2m"
    turns.settle()
    assert not compress.sidebar.speed.visible and not compress.state.speed
    assert not len(gallery.original.arrows.data["x"])


def test_together_is_better_than_the_general_weights(compress, turns):
    joint = compress.shown.picture.sums.rmse
    assert "together" in compress.bridge.words["note_reconstruction"]
    assert compress.shown.anomaly and "an anomaly" in compress.bridge.words["note_compressed"]
    compress.sidebar.method.value = "general"
    turns.settle()
    assert joint < 0.8 * compress.shown.picture.sums.rmse and not compress.shown.anomaly


def test_a_ratio_that_the_joint_weights_lack_says_so(compress):
    ratios = {key: why for key, _, why in compress.sidebar.ratio.options}
    assert ratios["16"] == ratios["64"] == "" and "no such weights" in ratios["256"]


def test_together_is_offered_only_where_there_are_several_variables():
    assert "joint" not in named_archive("amip-hr").variables
    archive = named_archive("amip")
    assert coded_with(archive, ["msl"], "joint") == ("t2m", "u10", "v10", "msl", "pr")
    assert coded_with(archive, ["msl"], "amip") == ("msl",)


def test_a_saved_file_has_the_one_variable():
    name, body = to_netcdf(named_archive("amip"), "msl", [312], "joint", 16, "healpix")
    assert name.startswith("amip-msl") and len(body) > 10_000


def test_arrows_on_the_compare_page(document, turns):
    wish = {"archive": "era5-week", "variable": "u10", "a": "block-mean", "b": "sht", "speed": "1"}
    page = ComparePage(wish, document)
    turns.settle()
    for pane in (page.gallery.truth, page.gallery.a, page.gallery.b):
        assert len(pane.arrows.data["x"]) > 100
    assert not len(page.gallery.error_a.arrows.data["x"])


def test_arrows_of_the_super_resolved_wind(document, turns):
    page = ZoomPage({"variable": "v10", "arrows": "1"}, document)
    turns.settle()
    assert page.globe is not None and page.globe.across is not None
    wind = page.gallery.sharp.wind
    u, v = wind.at(wind.zoom)
    np.testing.assert_array_equal(v, page.globe.values)
    np.testing.assert_array_equal(u, page.globe.across)
    archive, index = page.scene.archive, page.scene.index
    truth = archive.values("u10", index)
    known = np.repeat(restrict(truth, archive.zoom - page.scene.asked.zoom_in), 4**2)
    assert np.mean((u - truth) ** 2) < 0.9 * np.mean((known - truth) ** 2)
    assert len(page.gallery.sharp.arrows.data["x"]) > 100


def test_arrows_on_the_zoom_page(document, turns):
    page = ZoomPage({"variable": "v10"}, document)
    turns.settle()
    assert page.sidebar.arrows.visible and not len(page.gallery.coarse.arrows.data["x"])
    page.sidebar.arrows.value = "on"
    turns.settle()
    assert "arrows=1" in page.bridge.query
    for pane in (page.gallery.coarse, page.gallery.sharp, page.gallery.truth):
        assert len(pane.arrows.data["x"]) > 60
    assert page.gallery.coarse.wind.zoom == 4 and page.gallery.truth.wind.zoom == 6
