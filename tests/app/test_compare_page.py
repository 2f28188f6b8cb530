"""The Compare page without a browser: what its controls do to what it shows."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from app_samples import make_dataset

from app import compare_tables
from app.jobs import Stopped
from app.pages import compare as module
from app.pages.compare import ComparePage
from app.rate_chart import Point
from app.store import named_archive
from fsae_core.assets import asset_path

QUICK = {"a": "block-mean", "b": "sht"}


@pytest.fixture
def page(document, turns) -> ComparePage:
    page = ComparePage(dict(QUICK), document)
    turns.settle()
    return page


@pytest.fixture
def saved(page, monkeypatch) -> list:
    files: list = []
    monkeypatch.setattr(page.bridge, "save", lambda *file: files.append(file))
    return files


@pytest.fixture
def mine(page, turns, tmp_path):
    """The page with a visitor's own file of ten days."""
    path = tmp_path / "mine.nc"
    make_dataset(times=10).to_netcdf(path)
    page._open(path, "mine.nc")
    turns.settle()
    yield page


def row(name: str, axis: str, ratio: int) -> dict:
    rows = json.loads(asset_path("evaluations", "era5-week-t2m.json").read_text())["rows"]
    return next(r for r in rows if (r["method"], r["axis"], r["ratio"]) == (name, axis, ratio))


def test_figures_are_those_of_the_table_to_the_printed_digits(page):
    words = page.bridge.words
    a, b = row("block-mean", "floats", 64), row("sht", "floats", 64)
    assert words["a"] == f"{a['rmse']:.4g} K" and words["b"] == f"{b['rmse']:.4g} K"
    assert f"{a['rmse_low']:.4g}–{a['rmse_high']:.4g} K" in words["a_note"]
    assert words["share"] == f"{a['rmse'] / b['rmse']:.3f}" and "B loses less" in words["share_note"]
    listed = {r["cells"][0]: r["cells"][1:] for r in page.ranking.rows}
    assert listed["Harmonics"] == [f"{b['rmse']:.4g}", f"{row('sht', 'bytes', 64)['rmse']:.4g}"]
    shown = {r["cells"][0]: r["cells"][1:] for r in page.figures.rows}
    assert shown["Highest 0.1 % of cells"] == [f"{r['error_top']:.4g}" for r in (a, b)]


def test_charts_draw_the_table_with_its_intervals(page):
    floats, in_bytes = page.gallery.rates
    data = floats.points.data
    for i, name in enumerate(data["method"]):
        r = row(name, "floats", data["ratio"][i])
        assert (data["x"][i], data["y"][i]) == (r["ratio_floats"], r["rmse"])
        assert (data["low"][i], data["high"][i]) == (r["rmse_low"], r["rmse_high"])
    assert {"jpeg2000", "sz3"} <= set(in_bytes.points.data["method"])
    assert not any(name.endswith("+clim") for name in data["method"]), "raw methods alone by default"
    page.sidebar.curves.value = "all"
    assert any(name.endswith("+clim") for name in floats.points.data["method"])
    page.sidebar.curves.value = "pair"
    assert set(floats.points.data["method"]) == {"block-mean", "sht"}
    assert "curves=pair" in page.bridge.query
    power = page.gallery.charts[0]
    a = row("block-mean", "floats", 64)["power_ratio_by_zoom"]
    assert power.sources[0].data["value"] == list(a.values())


def test_figures_of_this_time_alone(page):
    page.sidebar.span.value = "one"
    shown = page.shown
    values = page.gallery.charts[0].sources[0].data["value"]
    assert values == list(shown.a.row["power_ratio_by_zoom"].values())
    assert "this time" in page.bridge.words["note_power"] and "span=one" in page.bridge.query


def test_a_point_of_the_chart_brings_its_field(page, turns):
    chart = page.gallery.rates[1]
    data = chart.points.data
    here = next(
        i for i, pair in enumerate(zip(data["method"], data["ratio"], strict=True)) if pair == ("sz3", 16)
    )
    chart.points.selected.indices = [here]
    turns.settle()
    wish = page.shown.wish
    assert (wish.a, wish.b, wish.axis, wish.ratio) == ("sz3", "sht", "bytes", 16)
    assert chart.points.selected.indices == [], "it can be clicked again"
    again = list(zip(chart.points.data["method"], chart.points.data["ratio"], strict=True))
    assert again[here] == ("sz3", 16), "a second click on its way means the same point"
    page._point(Point("sht", "bytes", 64))
    turns.settle()
    assert (page.shown.wish.a, page.shown.wish.b, page.shown.wish.ratio) == ("sz3", "sht", 64)


def test_the_ranking_takes_methods(page, turns):
    def press(key: str) -> None:
        page.ranking.asked = f"{len(page.ranking.asked)}|{key}"
        turns.settle()

    press("B;block-mean")
    assert (page.shown.wish.a, page.shown.wish.b) == ("sht", "block-mean"), "the other steps aside"
    press("A;jpeg2000")
    assert (page.shown.wish.a, page.shown.wish.axis) == ("jpeg2000", "bytes")
    page.sidebar.swap.clicks += 1
    turns.settle()
    assert (page.shown.wish.a, page.shown.wish.b) == ("block-mean", "jpeg2000")


@pytest.mark.parametrize("projection", ["plate-carree", "mollweide", "globe"])
def test_a_jump_goes_to_the_place_and_marks_it(page, turns, projection):
    page.map_controls.projection.value = projection
    turns.settle()
    goal = next(r for r in page.worst.rows if r["cells"][0].startswith("Harmonics, "))
    page.worst.asked = f"1|{goal['keys'][0][0]}"
    turns.settle()
    worst = row("sht", "floats", 64)["worst"]
    state = page.state
    assert page.shown.held.times[page.shown.index] == np.datetime64(worst["time"])
    np.testing.assert_allclose(state.place, (worst["lon"], worst["lat"]), atol=0.006)
    x0, x1, y0, y1 = page.maps.bounds
    marks = page.gallery.marks.data
    assert x1 - x0 == pytest.approx(60) and y1 - y0 == pytest.approx(30)
    assert marks["x"][0] == pytest.approx((x0 + x1) / 2) and marks["y"][0] == pytest.approx((y0 + y1) / 2)
    assert "place=" in page.bridge.query


def test_the_address_restores_everything(page, document, turns):
    page.state.param.update(axis="bytes", ratio=16, a="sperr", curves="clim", span="one", swipe=0.3, fit=True)
    turns.settle()
    page.sidebar.field.time.value = 4
    turns.settle()
    page.jump("sperr", page.shown.wish.time, 10.0, 50.0)
    turns.settle()
    query = dict(part.split("=", 1) for part in page.bridge.query.split("&"))
    assert query["page"] == "compare"
    other = ComparePage(query, document)
    turns.settle()
    assert other.shown.wish == page.shown.wish
    assert other.maps.bounds == page.maps.bounds and other.bridge.query == page.bridge.query
    assert other.gallery.marks.data == page.gallery.marks.data


def test_maps_share_colours_and_window(page):
    gallery = page.gallery
    assert gallery.truth.mapper is gallery.a.mapper is gallery.b.mapper
    assert gallery.error_a.mapper is gallery.error_b.mapper
    assert gallery.error_a.mapper.low == -gallery.error_a.mapper.high
    assert len({id(pane.figure.x_range) for pane in gallery.maps.panes}) == 1
    swipe = {pane.name: pane for pane in gallery.maps.panes}
    assert swipe["swipe_a"].sharp is gallery.a.sharp and swipe["swipe_b"].sharp is gallery.b.sharp


def test_files(page, turns, saved):
    for action in (page.sidebar.csv, page.sidebar.json, page.sidebar.save):
        action.clicks += 1
        turns.settle()
    (csv_name, csv_body), (json_name, json_body), (_, nc_body) = saved
    assert (csv_name, json_name) == ("era5-week-t2m.csv", "era5-week-t2m.json")
    assert csv_body.count(b"\n") == len(page.shown.table.rows) + 1
    assert len(json.loads(json_body)["rows"]) == len(page.shown.table.rows)
    with xr.open_dataset(io.BytesIO(nc_body), engine="h5netcdf") as ds:
        assert set(ds.data_vars) == {"t2m", "t2m_a", "t2m_b", "t2m_error_a", "t2m_error_b"}
        assert ds["t2m_a"].attrs["fsae_method"] == "block-mean" and ds["t2m_a"].dims[-2:] == ("lat", "lon")
        error = (ds["t2m_a"] - ds["t2m"]).values
        np.testing.assert_allclose(error, ds["t2m_error_a"].values, atol=1e-4)
    page.sidebar.grid.value = "healpix"
    page.sidebar.save.clicks += 1
    turns.settle()
    with xr.open_dataset(io.BytesIO(saved[-1][1]), engine="h5netcdf") as ds:
        error = ds["t2m_error_b"].values
        assert np.sqrt(np.mean(error.astype(float) ** 2)) == pytest.approx(page.shown.b.row["rmse"], rel=1e-5)
        assert ds["crs"].attrs["healpix_order"] == "nest" and "SIMULATED" not in str(ds.attrs)


def test_a_table_of_one_s_own_file_is_computed(mine, turns):
    page = mine
    page.state.param.update(a="block-mean", b="jpeg2000", axis="bytes", ratio=16)
    turns.settle()
    assert page.shown.archive.own and not page.shown.table.rows and page.sidebar.compute.visible
    assert page.bridge.words["a"] == "–" and page.bridge.words["one_a"] != "–"
    assert "no table" in page.sidebar.status.rows[0]["cells"][0]
    page.sidebar.compute.clicks += 1
    turns.settle()
    table = page.shown.table
    assert table.source == "computed" and table.methods == ("block-mean", "jpeg2000")
    assert page.bridge.words["a"] == f"{table.row('block-mean', 'bytes', 16)['rmse']:.4g} K"
    assert set(page.gallery.rates[1].points.data["method"]) == {"block-mean", "jpeg2000"}
    assert page.sidebar.which.value == "all" and not page.job_bar.running
    assert page.bridge.query.count("archive=file") == 1


def test_a_stopped_table_keeps_the_rows_it_has(mine, turns, monkeypatch):
    page = mine
    page.state.param.update(a="block-mean", b="sperr", axis="bytes")
    turns.settle()
    real = module.evaluate

    def stopped(*arguments, progress, **options):
        def some(jobs):
            yield from list(jobs)[:3]
            raise Stopped

        return real(*arguments, progress=some, **options)

    monkeypatch.setattr(module, "evaluate", stopped)
    page.sidebar.compute.clicks += 1
    turns.settle()
    assert page.bridge.toasts[-1] == "Stopped." and len(page.shown.table.rows) == 3
    assert page.sidebar.compute.visible
    monkeypatch.setattr(module, "evaluate", real)
    page.sidebar.compute.clicks += 1
    turns.settle()
    assert page.shown.table.lacking({m: page.shown.methods[m] for m in ("block-mean", "sperr")}) == ()


def test_other_weights_are_said_and_the_table_is_offered(document, turns, monkeypatch):
    era5 = named_archive("era5-week")
    compare_tables.forget(era5, "t2m")
    cards = [replace(c, sha256="0" * 64) for c in compare_tables.shipped_cards()]
    monkeypatch.setattr(compare_tables, "shipped_cards", lambda: cards)
    try:
        page = ComparePage({"a": "block-mean", "b": "fs-ae"}, document)
        turns.settle()
        said = page.sidebar.status.rows[0]["cells"][0]
        assert "other weights" in said and "FS-AE" in said and page.sidebar.compute.visible
        assert page.bridge.words["b"] == "–" and page.bridge.words["one_b"] != "–"
        assert "fs-ae" not in page.gallery.rates[0].points.data["method"]
    finally:
        compare_tables.forget(era5, "t2m")


def test_simulated_is_said_everywhere(document, turns):
    page = ComparePage({"archive": "amip-hr", "a": "block-mean", "b": "sht"}, document)
    turns.settle()
    words = page.bridge.words
    assert words["simulated"].startswith("Simulated") and "held out" in words["note_truth"]
    assert page.card.rows[0]["cells"][0].startswith("Held out: 2008-01-01 to 2008-12-31, 122 times")
    assert all(
        "simulated" in words[f"note_{pane}"] for pane in ("truth", "a", "error_b", "rate_floats", "power")
    )


def test_monthly_labels_stay_months(document, turns):
    page = ComparePage({"archive": "amip", "a": "block-mean", "b": "sht", "time": "2008-07"}, document)
    turns.settle()
    assert page.shown.wish.time == "2008-07" and page.shown.held.labels[0] == "2007-01"


def test_speed_of_the_wind(page, turns):
    page.sidebar.field.variable.value = "u10"
    turns.settle()
    assert page.sidebar.speed.visible
    page.sidebar.speed.value = "speed"
    turns.settle()
    assert page.bridge.words["title"] == "Wind speed" and "speed=1" in page.bridge.query
    assert page.gallery.truth.mapper.low == 0 and page.bridge.words["a"] == "–"


def test_nonsense_in_the_address_is_said(document, turns):
    page = ComparePage({**QUICK, "ratio": "5", "archive": "atlantis", "place": "1,2,3"}, document)
    turns.settle()
    said = " ".join(page.bridge.toasts)
    assert "ratio=5" in said and "atlantis" in said and "place=1,2,3" in said
    assert page.shown.archive.name == "era5-week"


def test_charts_have_room_for_their_curves(page):
    for chart in page.gallery.charts:
        values = [v for source in chart.sources for v in source.data["value"]]
        x, y = chart.figure.x_range, chart.figure.y_range
        along, across = (y, x) if chart.name == "latitude" else (x, y)
        assert across.start <= min(values) and max(values) < across.end < 1.2 * max(values), chart.name
        assert all(along.start <= p <= along.end for s in chart.sources for p in s.data["place"])
    for chart in page.gallery.rates:
        low, high = chart.figure.y_range.start, chart.figure.y_range.end
        right, data = chart.figure.extra_y_ranges["psnr"], chart.points.data
        assert low < min(data["low"]) and max(data["high"]) < high
        first = row(data["method"][0], chart.axis, data["ratio"][0])
        height = np.log(first["rmse"] / low) / np.log(high / low) * (right.end - right.start)
        assert right.start + height == pytest.approx(first["psnr_db"], abs=1e-3)
