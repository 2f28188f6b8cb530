"""The Zoom page without a browser: what controls do to what it shows, and that no stale work is queued."""

from concurrent.futures import Future

import numpy as np
import pytest
from app_samples import make_dataset

from app.bookmarks import PLACES
from app.pages.zoom import ZoomPage
from app.zoom_view import made_view


@pytest.fixture
def page(document, turns) -> ZoomPage:
    page = ZoomPage({}, document)
    turns.settle()
    return page


def image(pane) -> np.ndarray:
    return pane.sharp.data["image"][0]


def test_it_opens_on_a_place_with_all_that_is_to_be_seen(page):
    words, gallery = page.bridge.words, page.gallery
    assert words["sharp"].endswith("K") and "nearest here" in words["sharp_note"]
    assert words["share_note"].count("globe") == 1 and words["power"].count("·") == 1
    assert page.sidebar.places.value == "himalaya"
    for pane in (gallery.coarse, gallery.sharp, gallery.plain, gallery.truth):
        assert np.isfinite(image(pane)).all() and image(pane).std() > 1
    assert np.abs(image(gallery.sharp_error)).mean() < 0.5 * np.abs(image(gallery.plain_error)).mean()
    assert "<table>" in page.places.object and not page.hidden.keys
    assert page.sharp.whole and not page.refining and not page.bridge.toasts


def test_all_that_is_compared_has_the_same_colours(page):
    gallery = page.gallery
    assert gallery.coarse.mapper is gallery.sharp.mapper is gallery.plain.mapper is gallery.truth.mapper
    assert gallery.sharp_error.mapper is gallery.plain_error.mapper
    assert gallery.sharp_error.mapper.low == -gallery.sharp_error.mapper.high
    assert gallery.swipe_left.sharp is gallery.coarse.sharp
    assert gallery.swipe_right.sharp is gallery.sharp.sharp


def test_zooms_change_what_is_shown(page, turns):
    before = page.bridge.words["sharp"]
    page.sidebar.zoom_in.value = "5"
    turns.settle()
    assert page.scene.asked.zoom_in == 5 and page.bridge.words["sharp"] != before
    assert "from=5" in page.bridge.query
    page.sidebar.zoom_in.value = "6"
    turns.settle()
    assert page.scene.asked.zoom_out == 8 and page.scene.truth is None
    assert page.hidden.keys == {"truth", "plain_error"} == page.hidden_panes()
    assert "what the weights add" in page.bridge.words["note_sharp_error"]
    assert not page.sidebar.table.visible
    page.sidebar.zoom_in.value = "4"
    page.sidebar.zoom_out.value = "6"
    turns.settle()
    assert not page.hidden.keys and page.bridge.words["sharp"] == before


def test_bookmarks_move_the_maps(page, turns):
    for place in PLACES:
        page.sidebar.places._handle_msg({"pressed": place.key})
        turns.settle()
        assert page.sidebar.places.value == place.key
        west, south, east, north = place.box
        x0, x1, y0, y1 = page.maps.bounds
        assert x0 <= west < east <= x1 and y0 <= south < north <= y1
    page.sidebar.places._handle_msg({"pressed": "nonsense"})
    page.sidebar.places._handle_msg({"pressed": "globe"})
    turns.settle()
    assert page.maps.bounds == (-180, 180, -90, 90) and page.sidebar.places.value == "globe"
    assert "view=-180,180,-90,90" in page.bridge.query


@pytest.mark.parametrize("projection", ["globe", "mollweide"])
def test_a_new_projection_shows_the_same_place(page, turns, projection):
    page.sidebar.map.projection.value = projection
    turns.settle()
    x0, x1, y0, y1 = page.maps.bounds
    lon, lat = page.maps.projection.inverse((x0 + x1) / 2, (y0 + y1) / 2)
    assert float(lon) == pytest.approx(87.5, abs=3) and float(lat) == pytest.approx(33.5, abs=4)
    assert x1 - x0 < 120 and page.sidebar.map.lon0.value == page.state.lon0 == 90
    page.sidebar.map.projection.value = "plate-carree"
    turns.settle()
    assert page.maps.bounds[1] - page.maps.bounds[0] < 70


def test_compare_with_a_lapse_rate(page, turns):
    interpolated = image(page.gallery.plain)
    page.sidebar.against.value = "lapse"
    turns.settle()
    assert not np.array_equal(interpolated, image(page.gallery.plain))
    assert "6.5 K/km" in page.bridge.words["note_plain"] and "against=lapse" in page.bridge.query
    page.sidebar.field.variable.value = "msl"
    turns.settle()
    assert page.scene.lapse is None and "smooth prolongation" in page.bridge.words["note_plain"]
    assert page.sidebar.against.value == "smooth"


def test_calibrated_by_its_own_scales(page, turns):
    before = page.sharp.field.cells
    page.sidebar.estimate.value = "1"
    turns.settle()
    assert page.scene.asked.calibrated and "calibrated=1" in page.bridge.query
    assert "calibrated" in page.bridge.words["note_sharp"] and "Calibrated" in page.places.object
    assert 0.01 < np.abs(page.sharp.field.cells - before).max() < 5
    page.sidebar.field.variable.value = "msl"
    turns.settle()
    assert not page.scene.asked.calibrated and page.sidebar.estimate.options[1][2] != ""


def test_relief_over_the_maps(page, turns):
    page.sidebar.relief.value = "contours"
    turns.settle()
    x = page.gallery.relief.lines.data["x"]
    assert np.isfinite(x).sum() > 500 and np.isnan(x).sum() > 3
    page.sidebar.relief.value = "shaded"
    turns.settle()
    assert len(page.gallery.relief.lines.data["x"]) == 0
    assert np.isfinite(page.gallery.relief.shade.data["image"][0]).mean() > 0.5
    page.maps.look_at((-160.0, -150.0, -25.0, -20.0))
    turns.settle()
    assert np.isnan(page.gallery.relief.shade.data["image"][0]).all(), "the sea is level"
    page.sidebar.relief.value = "off"
    turns.settle()
    assert page.gallery.relief.shade.data["image"][0].shape == (2, 2)


def test_time_and_archive(page, turns):
    page.sidebar.field.time.value = 3
    turns.settle()
    assert page.scene.index == 3 and "the weights were trained on it" in page.bridge.words["when"]
    page.sidebar.field.archive.value = "amip"
    turns.settle()
    assert page.scene.asked.zoom_in == 4 and page.sidebar.model.visible
    assert "Simulated" in page.bridge.words["simulated"]
    assert all("simulated" in page.bridge.words[f"note_{pane}"] for pane in ("coarse", "sharp", "plain"))
    page.sidebar.model.value = "general"
    turns.settle()
    assert page.scene.smooth_zooms == 0 and "weights=general" in page.bridge.query


def test_the_address_restores_the_page(page, document, turns):
    page.sidebar.zoom_in.value = "3"
    page.sidebar.against.value = "lapse"
    page.sidebar.relief.value = "contours"
    page.sidebar.map.fit.value = "archive"
    page.go("japan")
    turns.settle()
    query = dict(part.split("=") for part in page.bridge.query.split("&"))
    other = ZoomPage(query, document)
    turns.settle()
    assert other.scene.asked == page.scene.asked and other.maps.bounds == page.maps.bounds
    assert other.bridge.query == page.bridge.query
    same = [key for key in page.bridge.words if other.bridge.words[key] != page.bridge.words[key]]
    assert not same
    np.testing.assert_array_equal(image(other.gallery.sharp_error), image(page.gallery.sharp_error))


class Held:
    """Stands in for the threads: work is done when `release` is called, and is counted."""

    def __init__(self) -> None:
        self.waiting: list = []
        self.done: list = []

    def submit(self, work, *args):
        future: Future = Future()
        self.waiting.append((future, work, args))
        return future

    def release(self) -> None:
        future, work, args = self.waiting.pop(0)
        self.done.append(args[0])
        future.set_result(work(*args))


def test_panning_does_not_queue_stale_work(page, turns, monkeypatch):
    page.sidebar.zoom_in.value, page.sidebar.zoom_out.value = "6", "8"
    turns.settle()
    threads = Held()
    monkeypatch.setattr("app.latest.pool", lambda kind="short": threads)
    wests = (-60.0, -40.0, -20.0, 0.0, 20.0)
    for west in wests:
        page.maps.look_at((west, west + 30, 30.0, 45.0))
        turns.settle()
    assert len(threads.waiting) == 1, "one view is made, the others are only wishes"
    assert page.refining and page.bridge.words["note_sharp"].startswith("refining")
    old = page.sharp
    while threads.waiting:
        threads.release()
        turns.settle()
    looked = [glance.look.window.x0 for glance in threads.done]
    assert looked == [wests[0], wests[-1]], "what lay between was never made"
    assert page.sharp is not old and not page.refining
    assert page.bridge.words["note_sharp"].startswith("zoom 8")


def test_the_old_picture_stays_until_the_sharp_one_comes(page, turns, monkeypatch):
    page.sidebar.zoom_in.value, page.sidebar.zoom_out.value = "6", "8"
    turns.settle()
    threads = Held()
    monkeypatch.setattr("app.latest.pool", lambda kind="short": threads)
    page.go("japan")
    turns.settle()
    at_once = image(page.gallery.sharp)
    np.testing.assert_allclose(at_once, image(page.gallery.plain), atol=1e-3)
    assert at_once.std() > 1
    threads.release()
    turns.settle()
    assert np.abs(image(page.gallery.sharp) - at_once).max() > 0.1


def test_a_view_that_comes_after_another_field_is_dropped(page, turns, monkeypatch):
    threads = Held()
    monkeypatch.setattr("app.latest.pool", lambda kind="short": threads)
    page.go("alps")
    turns.settle()
    page.sidebar.zoom_in.value = "5"
    turns.settle()
    stale, fresh = threads.waiting
    threads.waiting = [fresh, stale]
    threads.release()
    turns.settle()
    assert page.scene.asked.zoom_in == 5
    while threads.waiting:
        threads.release()
        turns.settle()
    assert page.sharp.zoom_in == 5
    want = made_view(page.scene, page.scene.start(), page.gallery.look)
    assert page.numbers.rmse["sharp"] == pytest.approx(want.numbers.rmse["sharp"], rel=1e-3)


def test_fine_zooms_show_at_once_what_is_at_hand(document, turns, monkeypatch):
    threads = Held()
    monkeypatch.setattr("app.latest.pool", lambda kind="short": threads)
    monkeypatch.setattr("app.pages.zoom._FIRST_WAIT_S", 0)
    monkeypatch.setattr("app.zoom_scene._used", set())
    page = ZoomPage({"from": "6", "to": "8"}, document)
    threads.release()
    turns.settle()
    assert image(page.gallery.sharp).std() > 1 and page.refining
    threads.release()
    turns.settle()
    assert not page.refining


def test_nonsense_in_the_address_is_said(document, turns):
    page = ZoomPage({"from": "x", "archive": "atlantis", "relief": "steep"}, document)
    turns.settle()
    said = " ".join(page.bridge.toasts)
    assert "from=x" in said and "atlantis" in said and "relief=steep" in said
    assert page.scene.archive.name == "era5-week"


def test_own_file(page, turns, tmp_path):
    path = tmp_path / "mine.nc"
    make_dataset(5, 2).to_netcdf(path)
    page._open(path, "mine.nc")
    turns.settle()
    assert page.scene.archive.own and page.scene.asked.zoom_in == 4
    assert page.scene.truth is not None and page.scene.judge == 5
    assert ["file:mine.nc", "mine.nc"] in page.sidebar.field.archive.options
    assert "at zoom 5" in page.bridge.words["note_sharp_error"]


def test_files_to_take_home(page, turns, monkeypatch):
    saved = []
    monkeypatch.setattr(page.bridge, "save", lambda *file: saved.append(file))
    page.sidebar.save.clicks += 1
    page.sidebar.table.clicks += 1
    turns.settle()
    (table, rows), (name, body) = sorted(saved, key=lambda file: not file[0].endswith(".csv"))
    assert table == "places-t2m-zoom4to6.csv" and rows.count(b"\n") == 8
    assert (
        name.startswith("era5-week-t2m-") and name.endswith("-zoom4to6-region.nc") and body[:4] == b"\x89HDF"
    )
