"""Groups of times on the Latent page: drawn around, compared, weighed, cleared, taken home."""

import io

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from latent_clicks import around, draw

from app.latent_state import write_group
from app.pages.latent import LatentPage


@pytest.fixture
def page(document, turns) -> LatentPage:
    page = LatentPage({}, document)
    turns.settle()
    return page


def test_lasso_makes_a_group_that_stands_out(page, turns):
    rows = page.seen.atlas.examples["b"][1][:5]
    inside = [i for i, (x, y) in enumerate(page.view.places) if page_in(around(page, rows), x, y)]
    draw(page, turns, around(page, rows))
    np.testing.assert_array_equal(page.state.group("a"), inside)
    assert len(page.view.map.points.data["x"]) == len(inside)
    assert len(page.view.map.rest.data["x"]) == 420 - len(inside), "the others stay, in grey"
    assert len(page.view.map.marks.chosen["a"].data["x"]) == len(inside)
    assert "a=" in page.bridge.query and "example" not in page.bridge.words["note_a"]
    assert page.bridge.words["a"] == f"{len(inside)} times"
    assert len(page.view.timeline.chosen["a"].data["time"]) == len(inside)


def page_in(box: dict, x: float, y: float) -> bool:
    return box["x0"] <= x <= box["x1"] and box["y0"] <= y <= box["y1"]


def test_composite_is_the_mean_minus_the_others(page, turns):
    page._take_window(1)
    turns.settle()
    rows = page.state.group("a")
    assert rows.size == 24
    anomalies = page.seen.atlas.anomalies.astype(np.float64)
    group = np.isin(np.arange(420), rows)
    expected = anomalies[group].mean(axis=0) - anomalies[~group].mean(axis=0)
    np.testing.assert_allclose(page.compared.a.difference.cells, expected, atol=1e-4)
    significant = page.compared.a.significant
    assert 0 < significant.mean() < 1
    assert len(page.gallery.composites["a"].dots.data["x"]) == significant.sum()


def test_two_groups_are_compared(page, turns):
    page.controls.target.value = "b"
    turns.settle()
    page._take_window(0)
    page.controls.target.value = "a"
    page._take_window(1)
    turns.settle()
    x, (a, b) = page.seen.atlas.anomalies.astype(np.float64), (page.state.group(g) for g in "ab")
    np.testing.assert_allclose(
        page.compared.between.difference.cells, x[a].mean(axis=0) - x[b].mean(axis=0), atol=1e-4
    )
    assert page.compared.overlap == 0
    page.state.b = page.state.a
    turns.settle()
    assert page.compared.overlap == 24 and "24 times are in both" in page.words.items[3][1]


def test_what_is_drawn_around_nothing_is_said(page, turns):
    draw(page, turns, {"type": "poly", "x": [900, 901, 901], "y": [900, 900, 901]})
    assert page.state.a == "" and "draw around some points" in page.bridge.toasts[-1]
    draw(page, turns, {"type": "point", "x": 0.0, "y": 0.0})
    draw(page, turns, around(page, [1, 2]), final=False)
    assert page.state.a == "" and len(page.bridge.toasts) == 1


def test_clear_all(page, turns):
    page._take_window(0)
    page.view.map.look_at((0.0, 5.0, 0.0, 5.0))
    turns.settle()
    assert "cloud=0" in page.bridge.query and "a=" in page.bridge.query
    page.controls.clear.clicks += 1
    turns.settle()
    assert page.state.a == page.state.b == "" and page.state.cloud is None
    assert len(page.view.map.points.data["x"]) == 420 and "cloud" not in page.bridge.query


def test_positions_beyond_the_record_are_left_out(document, turns):
    page = LatentPage({"a": "410-500"}, document)
    turns.settle()
    assert page.compared.a.rows.tolist() == list(range(410, 420))


def test_exports(page, turns, monkeypatch, tmp_path):
    saved = []
    monkeypatch.setattr(page.bridge, "save", lambda *file: saved.append(file))
    page._take_window(1)
    turns.settle()
    page.controls.table.clicks += 1
    page.controls.fields.clicks += 1
    turns.settle()
    page.controls.grid.value = "healpix"
    page.controls.fields.clicks += 1
    turns.settle()
    (name, body), (nc, latlon), (_, cells) = saved
    assert name == "amip-groups.csv" and body.startswith(b"# ")
    frame = pd.read_csv(io.BytesIO(body), comment="#")
    assert frame["group"].value_counts().to_dict() == {"A": 24, "B": 24} and frame["time"][0] == "1982-07"
    for file, dims in ((latlon, {"lat", "lon"}), (cells, {"cell"})):
        path = tmp_path / "out.nc"
        path.write_bytes(file)
        with xr.open_dataset(path) as ds:
            assert dims <= set(ds["t2m"].dims) and ds.sizes["time"] == 48 and int(ds["in_a"].sum()) == 24
            assert "SIMULATED" in ds.attrs["comment"] and ds["anomaly_a_minus_b"].attrs["units"] == "K"
            if dims == {"cell"}:
                np.testing.assert_allclose(ds["anomaly_a"], page.compared.a.difference.cells)
                assert ds["crs"].attrs["grid_mapping_name"] == "healpix"
    assert nc == "amip-groups-latlon.nc"


def test_chosen_groups_have_a_chance_of_their_own(page, turns):
    """The null of the page is that of the atlas' own maker: an eruption's window has the p that its file has,
    once it is not taken from there."""
    rows = page.seen.atlas.examples["a"][1]
    kept = page.seen.atlas.kept(rows)
    page.state.a = write_group(rows[:-1])
    turns.settle()
    found = page.chances["a"]
    assert found.mean < found.low < 0 < found.high and found.p == pytest.approx(2 / (1 + found.surrogates))
    assert found.mean == pytest.approx(kept["displacement"], abs=1.5)
    assert (
        f"{found.surrogates} shuffled records" in page.words.items[1][1]
        and "p 0.002" in page.bridge.words["a_note"]
    )
    quiet = np.arange(330, 354)
    page.state.a = write_group(quiet)
    turns.settle()
    assert page.chances["a"].p > 0.05
    page._take_window(1)
    turns.settle()
    assert page.chances == {} and "24 months after Pinatubo" in page.bridge.words["note_a"]
