"""The Ensemble page without a browser: what its controls do to what it shows."""

import re

import numpy as np
import pytest
from ensemble_samples import QUERY

from app.member_mosaic import tiling
from app.pages import ensemble
from app.pages.ensemble import EnsemblePage


@pytest.fixture
def page(document, turns) -> EnsemblePage:
    page = EnsemblePage(QUERY, document)
    turns.settle()
    return page


def image(pane) -> np.ndarray:
    return pane.sharp.data["image"][0]


def test_first_picture_comes_with_the_page(document, at_once, monkeypatch):
    monkeypatch.setattr(ensemble, "_FIRST_WAIT_S", 600.0)
    page = EnsemblePage(QUERY, document)
    assert page.ensemble is not None and page.ensemble.complete and not page.job_bar.running
    assert np.isfinite(image(page.gallery.mean)).all() and image(page.gallery.mean).std() > 0.1
    assert set(page.stills()) == {"mean", "spread"}


def test_all_is_said_and_labelled(page):
    words = page.bridge.words
    assert re.fullmatch(r"[+−][\d.]+ K", words["area"]) and re.fullmatch(r"[\d.]+ K", words["crps"])
    assert "December 1991" in words["when"] and "4 members" in words["when"]
    assert "Simulated" in words["simulated"] and "SIMULATED" in words["attribution"]
    notes = {key: text for key, text in words.items() if key.startswith("note_") and key != "note_limits"}
    assert len(notes) == 9 and all("simulated" in text for text in notes.values())


def test_tiles_are_the_members_and_the_truth(page):
    mosaic = page.gallery.mosaic
    assert mosaic.names.data["name"] == ["1", "2", "3", "4", "archive"]
    assert [one.dtype for one in mosaic.tiles.data["image"]] == 5 * [np.uint8]
    page.gallery.mosaic.figure  # noqa: B018 - made as the browser would ask
    columns, _ = tiling(5)
    wide, high = mosaic._size

    class Click:
        x, y = 1.5 * wide, -0.5 * high

    mosaic.tapped(Click)
    assert page.state.member == 2 and columns > 1
    shown = page.gallery._fields[page.gallery.one].cells
    np.testing.assert_array_equal(shown, page.ensemble.values("anomaly", 0)[1])
    page.state.member = 0
    assert "truth" in page.bridge.words["note_one"]


@pytest.mark.parametrize("count", [1, 4, 5, 9, 17, 33, 65])
def test_tiling_has_room_for_all(count):
    columns, rows = tiling(count)
    assert (rows - 1) * columns < count <= columns * rows


def test_conditions_change_the_fields_and_the_address(page, turns):
    before = image(page.gallery.mean).copy()
    page.sidebar.volcanoes.value = "off"
    turns.settle()
    assert "volcanoes=0" in page.bridge.query and "without volcanoes" in page.bridge.words["when"]
    assert not np.array_equal(before, image(page.gallery.mean))
    assert page.bridge.words["crps"] == "–" and "none of this world" in page.bridge.words["crps_note"]
    assert page.bridge.words["change"] == "0.00 K"
    page.sidebar.co2_from.value = "own"
    turns.settle()
    assert page.sidebar.co2.visible and page.state.co2 == "355" and "co2=355" in page.bridge.query
    page.sidebar.nino_from.value = "unknown"
    turns.settle()
    assert page.ensemble.wish.nino == "unknown" and "unknown" in page.bridge.words["when"]


def test_the_other_world(page, turns):
    assert np.isfinite(image(page.gallery.change)).all() and page.bridge.words["change"].startswith("−")
    page.sidebar.test.value = "pairs"
    assert len(page.gallery.marks.dots.data["x"]) > 20
    page.sidebar.versus.value = "nothing"
    turns.settle()
    assert np.isnan(image(page.gallery.change)).all() and page.bridge.words["change"] == "–"
    assert len(page.gallery.marks.dots.data["x"]) == 0 and not page.sidebar.test.visible
    page.sidebar.versus.value = "co2"
    page.sidebar.other_co2.value = 560
    turns.settle()
    assert "560 ppm" in page.bridge.words["note_changed"] and page.sidebar.other_co2.visible


def test_threshold_and_side(page):
    low = image(page.gallery.likely).copy()
    page.sidebar.threshold.value = 3.0
    high = image(page.gallery.likely).copy()
    assert 0 <= high.mean() < low.mean() <= 100 and "threshold=3" in page.bridge.query
    page.sidebar.side.value = "below"
    assert image(page.gallery.likely).mean() == pytest.approx(100 - high.mean(), abs=0.01)
    page.sidebar.shown.value = "temperature"
    assert page.state.threshold == 273.0 and image(page.gallery.mean).mean() > 250


def test_a_click_shows_the_place(page):
    class Click:
        x, y = 100.0, 60.0

    before = page.gallery.place.members.data["x"].copy()
    page.gallery.marks.tapped(Click)
    assert page.state.point == (100.0, 60.0) and "point=100.00,60.00" in page.bridge.query
    assert not np.array_equal(before, page.gallery.place.members.data["x"])
    dots = page.gallery.place.dots.data["x"]
    np.testing.assert_allclose(dots, page.ensemble.at((100.0, 60.0), "anomaly", 0))
    assert (
        len(page.gallery.place.truth.data["x"]) == 2 and "60.0°N 100.0°E" in page.bridge.words["note_place"]
    )
    Click.x = 400.0
    page.gallery.marks.tapped(Click)
    assert page.state.point == (100.0, 60.0), "beside the map nothing happens"


def test_window_of_days_has_a_player(page, turns):
    assert not page.sidebar.player.visible
    page.sidebar.days.value = "8"
    turns.settle()
    assert page.sidebar.player.visible and len(page.sidebar.player.labels) == 8
    first = image(page.gallery.mean).copy()
    page.sidebar.player.value = 4
    assert page.sidebar.player.shown == 4 and "day=5" in page.bridge.query
    assert not np.array_equal(first, image(page.gallery.mean))
    assert page.sidebar.player.labels[4] in page.bridge.words["when"]
    page.sidebar.days.value = "30"
    turns.settle()
    assert [v for v, _ in page.sidebar.members.options] == ["4", "8", "16"]


def test_stop_keeps_what_is_there_and_the_rest_can_be_drawn(document, turns, monkeypatch):
    page = EnsemblePage({**QUERY, "seed": "6", "members": "8"}, document)
    page.drawing.start(page.wish)
    for _ in range(3):
        due, turns.due = turns.due, []
        for turn in due:
            turn()
    assert page.drawing.running
    page.job_bar.stops += 1
    turns.settle()
    count = len(page.ensemble)
    assert 0 < count < 8 and not page.job_bar.running and not page.drawing.running
    assert page.bridge.toasts[-1] == f"Stopped: {count} of 8 members are there."
    assert f"{count} of 8" in page.bridge.words["when"] and page.sidebar.go.visible
    page.sidebar.go.clicks += 1
    turns.settle()
    assert page.ensemble.complete and not page.sidebar.go.visible


def test_charts(page):
    gallery = page.gallery
    assert len(gallery.spectrum.members.data["x"]) == 32 == len(gallery.spectrum.reconstructed.data["x"])
    bars = gallery.ranks.bars.data
    assert len(bars["top"]) == 5 and np.mean(bars["top"]) == pytest.approx(1.0)
    for chart in (gallery.place, gallery.spectrum, gallery.ranks):
        assert chart.figure.name == chart.name


def test_file_of_the_other_world(page, turns, monkeypatch):
    saved = []
    monkeypatch.setattr(page.bridge, "save", lambda *file: saved.append(file))
    page.sidebar.world.value = "other"
    page.sidebar.form.value = "zarr"
    page.sidebar.save.clicks += 1
    turns.settle()
    assert "no-volcanoes" in saved[0][0] and saved[0][1][:2] == b"PK"


def test_zoom_is_followed_by_the_tiles(page, turns):
    before = page.gallery.mosaic.tiles.data["image"][0].copy()
    page.gallery.maps.look_at((0.0, 40.0, 40.0, 60.0))
    turns.settle()
    after = page.gallery.mosaic.tiles.data["image"][0]
    assert "view=0,40,40,60" in page.bridge.query and not np.array_equal(before, after)
