"""The Compress page without a browser: what its controls do to what it shows."""

import re

import numpy as np
import pytest
from app_samples import make_dataset

from app.pages.compress import CompressPage
from fsae_core.errors import UserError


@pytest.fixture
def page(document, turns) -> CompressPage:
    page = CompressPage({"method": "block-mean"}, document)
    turns.settle()
    return page


def test_first_picture_comes_with_the_page(page):
    assert page.shown is not None
    assert re.fullmatch(r"[\d.]+ K", page.bridge.words["rmse"])
    image = page.gallery.original.sharp.data["image"][0]
    assert np.isfinite(image).all() and image.std() > 1
    assert len(page.gallery.maps.coast.data["x"]) > 1000


def test_ratio_changes_figures_and_address(page, turns):
    before = page.bridge.words["rmse"]
    picture = page.gallery.reconstruction.sharp.data["image"][0]
    page.sidebar.ratio.value = "4"
    turns.settle()
    assert page.bridge.words["rmse"] != before
    assert "ratio=4" in page.bridge.query
    assert not np.array_equal(picture, page.gallery.reconstruction.sharp.data["image"][0])


def test_only_the_last_wish_counts(page, turns):
    for ratio in ("4", "16", "256", "16"):
        page.sidebar.ratio.value = ratio
    turns.settle()
    assert page.shown.asked.ratio == 16 == page.state.ratio


def test_variable_and_time(page, turns):
    page.sidebar.field.variable.value = "msl"
    turns.settle()
    assert page.bridge.words["rmse"].endswith("Pa")
    page.sidebar.field.time.value = 5
    turns.settle()
    assert page.shown.index == 5 == page.sidebar.field.time.shown
    assert page.shown.archive.labels[5][:10] in page.bridge.words["when"]


def test_panes_share_one_colour_range_and_differences_are_symmetric(page):
    gallery = page.gallery
    assert gallery.original.mapper is gallery.reconstruction.mapper
    assert gallery.difference.mapper.low == -gallery.difference.mapper.high
    figure, title = gallery.original.figure, gallery.original.bar.title
    assert title == "t2m, K" and gallery.original.bar in figure.below


def test_swipe_shows_the_very_same_pictures(page):
    assert page.gallery.swipe_left.sharp is page.gallery.original.sharp
    assert page.gallery.swipe_right.sharp is page.gallery.reconstruction.sharp


def test_zoom_is_drawn_and_written(page, turns):
    maps = page.gallery.maps
    maps.x_range.update(start=0.0, end=40.0)
    maps.y_range.update(start=30.0, end=50.0)
    turns.settle()
    assert "view=0,40,30,50" in page.bridge.query
    data = page.gallery.difference.sharp.data
    assert (data["x"], data["dw"], data["y"], data["dh"]) == ([0.0], [40.0], [30.0], [20.0])


def test_the_coarse_picture_is_sent_when_it_can_be_seen(page, turns):
    """Under the whole map it is not; after a zoom it is there, and only renewed with the field."""

    def coarse() -> np.ndarray:
        return page.gallery.original.base.data["image"][0]

    assert coarse().shape == (2, 2)
    page.maps.look_at((0.0, 40.0, 30.0, 50.0))
    turns.settle()
    first = coarse()
    assert first.shape == (120, 240) and np.isfinite(first).all()
    page.maps.look_at((0.0, 20.0, 30.0, 40.0))
    turns.settle()
    assert coarse() is first
    page.sidebar.field.time.value = 5
    turns.settle()
    assert coarse().shape == (120, 240) and not np.array_equal(coarse(), first)
    page.maps.look_at((-180.0, 180.0, -90.0, 90.0))
    turns.settle()
    assert coarse().shape == (2, 2) and np.isnan(coarse()).all()


@pytest.mark.parametrize("projection", ["mollweide", "globe"])
def test_round_maps_start_whole(page, turns, projection):
    page.gallery.maps.x_range.update(start=0.0, end=40.0)
    turns.settle()
    page.sidebar.map.projection.value = projection
    turns.settle()
    assert page.state.window == (-184, 184, -92, 92)
    assert f"projection={projection}" in page.bridge.query and "view" not in page.bridge.query
    assert page.sidebar.map.lat0.visible == (projection == "globe")
    assert np.isnan(page.gallery.original.sharp.data["image"][0][0, 0])


def test_colours_can_follow_the_window(page, turns):
    whole = page.gallery.original.mapper.high - page.gallery.original.mapper.low
    page.gallery.maps.x_range.update(start=-150.0, end=-140.0)
    page.gallery.maps.y_range.update(start=0.0, end=5.0)
    page.sidebar.map.fit.value = "view"
    turns.settle()
    assert page.gallery.original.mapper.high - page.gallery.original.mapper.low < whole / 3


def test_address_restores_the_page(page, document, turns):
    page.sidebar.ratio.value = "16"
    page.sidebar.field.variable.value = "u10"
    page.gallery.maps.x_range.update(start=-20.0, end=40.0)
    page.gallery.maps.y_range.update(start=30.0, end=60.0)
    turns.settle()
    query = dict(part.split("=") for part in page.bridge.query.split("&"))
    other = CompressPage(query, document)
    turns.settle()
    assert other.shown.asked == page.shown.asked
    assert other.maps.bounds == page.maps.bounds


def test_nonsense_in_the_address_is_said(document, turns):
    page = CompressPage({"ratio": "5", "archive": "atlantis"}, document)
    turns.settle()
    said = " ".join(page.bridge.toasts)
    assert "ratio=5" in said and "atlantis" in said
    assert page.shown.archive.name == "era5-week"


def test_own_file(page, turns, tmp_path):
    path = tmp_path / "mine.nc"
    make_dataset().to_netcdf(path)
    page._open(path, "mine.nc")
    turns.settle()
    assert page.shown.archive.own and page.shown.archive.name == "file:mine.nc"
    assert ["file:mine.nc", "mine.nc"] in page.sidebar.field.archive.options
    assert not page.job_bar.running
    assert [why for _, _, why in page.sidebar.ratio.options][:3] == ["", "", ""]
    assert page.sidebar.ratio.options[3][2] != ""


def test_broken_file_leaves_the_page_alone(page, turns, tmp_path):
    path = tmp_path / "broken.nc"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(200))
    before = page.shown
    page._open(path, "broken.nc")
    turns.settle()
    assert page.shown is before
    assert "broken.nc" in page.bridge.toasts[-1] and "\n" not in page.bridge.toasts[-1]


def test_file_comes_as_one_piece(page, turns, monkeypatch):
    saved = []
    monkeypatch.setattr(page.bridge, "save", lambda *file: saved.append(file))
    page.sidebar.save.clicks += 1
    turns.settle()
    assert saved[0][0].endswith(".nc") and saved[0][1][:4] in (b"\x89HDF", b"CDF\x01", b"CDF\x02")


def test_errors_are_sentences(page):
    page.failed(UserError("That is not a file."))
    assert page.bridge.toasts[-1] == "That is not a file."
    page.failed(RuntimeError("secret/path"))
    assert "RuntimeError" in page.bridge.toasts[-1] and "secret" not in page.bridge.toasts[-1]
