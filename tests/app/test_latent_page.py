"""The Latent page without a browser: what is clicked and switched does to what it shows."""

import numpy as np
import pytest
import xarray as xr
from bokeh.events import Reset, Tap
from latent_clicks import around, click, draw

from app.pages.latent import LatentPage
from fsae_core.archive.catalog import open_catalogued
from fsae_core.archive.climatology import annual_phase


@pytest.fixture
def page(document, turns) -> LatentPage:
    page = LatentPage({}, document)
    turns.settle()
    return page


def test_first_view_shows_all_that_it_has(page):
    words = page.bridge.words
    assert page.seen is not None and page.seen.atlas.name == "amip"
    assert len(page.view.map.points.data["x"]) == 420 and len(page.view.map.rest.data["x"]) == 0
    assert page.view.map.bar.title == "Month" and page.view.map.mapper.low == 0.5
    assert words["shift"].startswith("−") and "p 0.00" in words["shift_note"]
    assert "imulated" in words["simulated"] and all(
        "simulated" in words[f"note_{p}"] for p in ("map", "a", "field")
    )
    assert set(page.view.map.marks.names.data["text"]) == {"El Chichon", "Pinatubo"}
    assert len(page.view.map.marks.rings.data["x"]) == 48
    assert len(page.near.items) == 6 and page.near.items[0][3].startswith("data:image/png;base64,")
    assert "example" in words["note_a"] and "Pinatubo" in words["note_a"] and "El Chichon" in words["note_b"]
    assert np.isfinite(page.gallery.composites["between"].sharp.data["image"][0]).all()
    said = " ".join(text for _, text in page.words.items)
    assert "p 0.001" in said and "t-SNE" in said and "years earlier" in said


def test_click_shows_that_time(page, turns):
    before = page.gallery.field.sharp.data["image"][0]
    click(page, turns, 100)
    label = page.seen.atlas.labels[100]
    assert page.state.time == label and f"time={label}" in page.bridge.query
    assert page.bridge.words["when"] == label and page.controls.time.value == 100 == page.controls.time.shown
    assert not np.array_equal(before, page.gallery.field.sharp.data["image"][0])
    np.testing.assert_array_equal(page.seen.field.cells, page.seen.atlas.values(100))
    head = page.view.map.marks.head.data
    np.testing.assert_allclose((head["x"][0], head["y"][0]), page.view.places[100])


def test_anomaly_is_the_field_less_its_season(page, turns):
    click(page, turns, 7)
    t2m = open_catalogued("amip")["t2m"]
    years = 2 * np.pi * np.arange(420) / 12
    basis = np.stack([np.ones(420), *(f(k * years) for k in (1, 2) for f in (np.cos, np.sin))], axis=1)
    season = basis @ np.linalg.lstsq(basis, t2m.values.astype(np.float64), rcond=None)[0]
    assert annual_phase(t2m["time"].values)[:2].std() > 0
    left = t2m.values[7] - season[7]
    assert np.corrcoef(left, page.seen.anomaly.cells)[0, 1] > 0.99


def test_click_beside_all_points_changes_nothing(page, turns):
    shown = page.seen
    page.view.map.figure._trigger_event(Tap(page.view.map.figure, x=1e4, y=1e4))
    turns.settle()
    assert page.seen is shown


def test_neighbours_are_years_away_and_can_be_picked(page, turns):
    click(page, turns, 100)
    times = page.seen.atlas.times
    for near in page.seen.near:
        assert abs(times[near.row] - times[100]) > np.timedelta64(5 * 365, "D")
    key = page.near.items[2][0]
    page.near._handle_msg({"key": key})
    turns.settle()
    assert page.seen.row == key
    page.near._handle_msg({"key": "nonsense"})
    assert page.seen.row == key


@pytest.mark.parametrize("which", ["raw", "deseasonalised"])
def test_neighbours_are_the_nearest_of_the_map_s_space(document, turns, which):
    page = LatentPage({"map": which, "time": "1992-07"}, document)
    turns.settle()
    atlas = page.seen.atlas.atlas
    scores = atlas.scores if which == "raw" else atlas.scores_deseasonalised
    distance = np.linalg.norm(scores - scores[page.seen.row], axis=1)
    months = np.abs(np.arange(420) - page.seen.row)
    distance[months <= 60] = np.inf
    assert page.seen.near[0].row == distance.argmin()


def test_reset_shows_the_whole_map(page, turns):
    page.view.map.look_at((0.0, 5.0, 0.0, 5.0))
    turns.settle()
    page.view.map.figure._trigger_event(Reset(page.view.map.figure))
    turns.settle()
    assert page.view.map.window == pytest.approx(page.view.map.whole) and page.state.cloud is None


def test_colours(page, turns):
    frame = page.seen.atlas.atlas.table
    for quantity in ("year", "global_mean", "nino34", "displacement", "novelty"):
        page.controls.colour.value = quantity
        turns.settle()
        np.testing.assert_allclose(page.view.map.points.data["value"], frame[quantity], rtol=1e-6)
        assert page.view.map.bar.title and f"colour={quantity}" in page.bridge.query
    assert page.view.map.mapper.low < page.view.map.mapper.high


def test_el_nino_is_taken_out_and_said(page, turns):
    page.controls.colour.value = "displacement"
    page.controls.enso.value = "out"
    turns.settle()
    row = page.seen.atlas.atlas.table.iloc[page.seen.row]
    assert page.bridge.words["shift"] == f"{row['displacement_no_enso']:+.1f} years".replace("-", "−")
    assert "removed" in page.view.map.bar.title and "enso=1" in page.bridge.query
    assert (
        "regression" in page.controls.enso_words.items[0][1]
        and "19 %" in page.controls.enso_words.items[0][1]
    )
    kept = page.seen.atlas.kept(page.compared.a.rows)
    assert f"{kept['displacement_no_enso']:.1f}".replace("-", "−") in page.bridge.words["a_note"]


def test_slider_walks_a_path(page, turns):
    for row in (200, 201):
        page.controls.time.value = row
        turns.settle()
    path = page.view.map.marks.path.data
    np.testing.assert_allclose(np.stack([path["x"], path["y"]], axis=1), page.view.places[189:202])
    assert page.state.time == page.seen.atlas.labels[201]


def test_hover_tells_time_and_a_small_map(page):
    x, y = page.view.places[42]
    page.view.map.asked.data = {"x": [x], "y": [y], "rx": [0.01], "ry": [0.01]}
    told = page.view.map.told.data
    assert told["label"] == [page.seen.atlas.labels[42]] and told["picture"][0].startswith("data:image/png")
    assert "Year displacement" in told["note"][0]
    page.view.map.asked.data = {"x": [], "y": [], "rx": [], "ry": []}
    assert page.view.map.told.data["label"] == [""]
    assert len(page.view.map.marks.under.data["x"]) == 0


def test_address_restores_all(page, document, turns):
    page.controls.which.value = "deseasonalised"
    page.controls.colour.value = "novelty"
    page.controls.enso.value = "out"
    page.controls.drag.value = "box"
    page._take_window(1)
    page.controls.target.value = "b"
    turns.settle()
    draw(page, turns, around(page, [3, 300]))
    click(page, turns, 77)
    page.view.map.look_at((-3.0, 9.5, -2.0, 11.0))
    page.maps.look_at((0.0, 40.0, 30.0, 50.0))
    turns.settle()
    other = LatentPage(dict(part.split("=") for part in page.bridge.query.split("&")), document)
    turns.settle()
    assert other.bridge.query == page.bridge.query
    assert other.view.map.window == (-3.0, 9.5, -2.0, 11.0) and other.maps.bounds == (0.0, 40.0, 30.0, 50.0)
    assert other.seen.row == 77 and other.bridge.words == page.bridge.words
    np.testing.assert_array_equal(other.state.group("b"), page.state.group("b"))
    assert other.view.map.figure.toolbar.active_drag is other.view.map.drags["box"]


def test_an_archive_without_an_atlas_is_said(document, turns):
    page = LatentPage({"archive": "era5-week", "variable": "msl", "time": "2026-03-25T00:00"}, document)
    turns.settle()
    assert page.seen.atlas.name == "amip" == page.state.archive and page.state.variable == "t2m"
    assert "no atlas of era5-week" in page.bridge.toasts[-1]
    assert "time=2026" not in page.bridge.query


def test_nonsense_in_the_address_is_said(document, turns):
    page = LatentPage(
        {"a": "5-3", "colour": "taste", "time": "1066-10", "b": "~AAAA", "cloud": "1,1,1,1"}, document
    )
    turns.settle()
    said = " ".join(page.bridge.toasts)
    assert all(word in said for word in ("a=5-3", "colour=taste", "1066-10", "b=~AAAA", "cloud=1,1,1,1"))
    assert page.seen is not None and page.compared is not None


@pytest.fixture
def mine(tmp_path):
    """Ten months of the archive as a visitor's own file, two of them moved behind its end."""
    ds = open_catalogued("amip")[["t2m"]].isel(time=slice(150, 160)).load()
    times = ds["time"].values.copy()
    times[-2:] += np.timedelta64(40 * 365, "D")
    path = tmp_path / "mine.nc"
    values = ds["t2m"].values
    out = xr.Dataset(
        {"t2m": (("time", "cell"), values, {"units": "K", "standard_name": "air_temperature"})},
        coords={"time": times},
        attrs={"healpix_nside": 16, "healpix_order": "nest"},
    )
    out.to_netcdf(path)
    return path


def test_own_file_lands_where_its_twins_are(page, turns, mine):
    page._open(mine, "mine.nc")
    turns.settle()
    guests = page.view.guests
    assert len(page.view.map.marks.guests.data["x"]) == 10 and guests.outside == 2
    assert (
        "mine.nc" in page.bridge.toasts[-1] and "2 of them lie outside 1979 to 2013" in page.bridge.toasts[-1]
    )
    spread = page.view.places.std()
    assert np.abs(guests.places("raw")[:8] - page.view.places[150:158]).max() < 0.2 * spread
    told = guests.placed.table["displacement"]
    assert told[:8].notna().all() and told[8:].isna().all()
    assert page.seen.row is None and "mine.nc" in page.bridge.words["when"]
    np.testing.assert_allclose(page.seen.field.cells, open_catalogued("amip")["t2m"].values[150], atol=1e-3)
    place = guests.places("raw")[9]
    page.view.map.figure._trigger_event(Tap(page.view.map.figure, x=place[0], y=place[1]))
    turns.settle()
    assert page.guest is not None and not page.job_bar.running
    click(page, turns, 300)
    assert page.seen.row == 300 and page.guest is None
    page.controls.clear.clicks += 1
    turns.settle()
    assert page.view.guests is None and len(page.view.map.marks.guests.data["x"]) == 0


def test_a_file_of_another_variable_is_refused(page, turns, tmp_path):
    ds = open_catalogued("era5-week")[["msl", "crs"]].isel(time=slice(0, 2)).load()
    path = tmp_path / "msl.nc"
    ds.to_netcdf(path)
    before = page.seen
    page._open(path, "msl.nc")
    turns.settle()
    assert "this atlas is of t2m" in page.bridge.toasts[-1] and page.seen is before


def test_projection_moves_the_dots(page, turns):
    many = len(page.gallery.composites["a"].dots.data["x"])
    page.controls.map.projection.value = "globe"
    turns.settle()
    assert 0 < len(page.gallery.composites["a"].dots.data["x"]) < many
    page.controls.map.fit.value = "view"
    turns.settle()
    assert page.gallery.anomaly.mapper.low == -page.gallery.anomaly.mapper.high
