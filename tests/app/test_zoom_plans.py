"""What the Zoom page computes, without a page: a field that becomes known, figures, choices, words."""

import csv
import io

import numpy as np
import pytest
import xarray as xr
from app_samples import make_dataset

from app.bookmarks import PLACES
from app.projection import Projection
from app.sphere_view import Field, Window
from app.store import Archive
from app.view_region import Look, visible_cells
from app.zoom_export import super_resolved_netcdf
from app.zoom_scene import Asked, scene_of
from app.zoom_state import ZoomState
from app.zoom_table import about, table, table_csv
from app.zoom_view import made_globe, made_view
from app.zoom_words import describe
from fsae_core.archive.reader import open_archive
from fsae_core.codec.super_resolution import super_resolve
from fsae_core.errors import UserError
from fsae_core.evaluate.lapse_rate import lapse_rate, smooth
from fsae_core.sphere.box import box_cells
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.pyramid import restrict

TEST_TIME = "2026-03-30T03:00"
FLAT = Projection()


def asked(**words) -> Asked:
    usual = {
        "archive": "era5-week",
        "variable": "t2m",
        "time": TEST_TIME,
        "zoom_in": 4,
        "zoom_out": 6,
        "model": "auto",
    }
    return Asked(**{**usual, **words})


def look(window=(0.0, 30.0, 35.0, 50.0), projection=FLAT) -> Look:
    return Look(projection, Window(*window, 480, 240))


@pytest.fixture(scope="module")
def scene():
    return scene_of(asked(), {})


@pytest.fixture(scope="module")
def globe(scene):
    return made_globe(scene)


# -- a field that becomes known ----------------------------------------------------------------------


def test_what_is_known_stands_and_the_rest_is_smooth(scene):
    start = scene.start()
    cells = np.arange(1024, 2048)
    values = scene.plain.at(6)[cells] + 1
    part = start.with_part(6, cells, values)
    np.testing.assert_array_equal(part.field.cells[cells], values)
    rest = np.setdiff1d(np.arange(n_cells(6)), cells)
    np.testing.assert_allclose(part.field.cells[rest], scene.plain.cells[rest], atol=1e-4)
    assert part.has(6, cells[:7]) and not part.has(6, rest[:1]) and not start.has(6, cells)
    np.testing.assert_array_equal(start.field.cells, scene.plain.cells)
    whole = part.complete(scene.plain.cells)
    assert whole.has(6, rest) and whole.with_part(6, cells, values) is whole


def test_a_coarser_picture_lies_under_a_finer_one():
    scene = scene_of(asked(zoom_out=8), {})
    known = made_view(scene, scene.start(), look((-180.0, 180.0, -90.0, 90.0)))
    assert known.zoom == 6
    finer = made_view(scene, known.sharp, look((8.0, 12.0, 45.0, 47.0)))
    assert finer.zoom == 8 and not finer.sharp.whole
    far = box_cells((100.0, 20.0, 120.0, 40.0), 6)
    np.testing.assert_allclose(finer.sharp.field.at(6)[far], known.sharp.field.at(6)[far], atol=1e-3)


def test_a_view_is_a_part_of_the_sphere(scene, globe):
    here = look()
    made = made_view(scene, scene.start(), here)
    cells = visible_cells(here, 6)
    np.testing.assert_allclose(made.sharp.field.cells[cells], globe.values[cells], atol=1e-3)
    assert not np.allclose(made.sharp.field.cells, globe.values, atol=0.1), "only the view was decoded"
    again = made_view(scene, made.sharp, here)
    assert again.sharp is made.sharp, "nothing is decoded twice"


# -- figures -----------------------------------------------------------------------------------------


def test_figures_are_those_of_the_fields(scene, globe):
    here = look()
    numbers = made_view(scene, scene.start(), here).numbers
    cells = visible_cells(here, 6)
    truth, low = scene.truth.cells, scene.coarse.cells

    def rmse(x):
        return float(np.sqrt(np.mean((x[cells] - truth[cells]).astype(np.float64) ** 2)))

    assert numbers.cells == len(cells) and numbers.zoom == 6
    assert numbers.rmse["smooth"] == pytest.approx(rmse(smooth(low, 2)), rel=1e-4)
    assert numbers.rmse["lapse"] == pytest.approx(rmse(lapse_rate(low, 2)), rel=1e-4)
    assert numbers.rmse["sharp"] == pytest.approx(rmse(globe.values), rel=1e-3)
    assert numbers.rmse["sharp"] < numbers.rmse["lapse"] < numbers.rmse["smooth"]
    assert set(numbers.power_ratio(4)) == {5, 6}
    assert all(0.5 < ratio < 1.2 for ratio in numbers.power_ratio(4).values())
    assert 0 < numbers.nearer < 0.5
    assert globe.rmse["sharp"] < 0.6 * globe.rmse["smooth"]
    assert [row.name for row in globe.rows] == [*(place.name for place in PLACES), "Whole globe"]


def test_a_global_view_of_a_fine_estimate_waits_for_the_sphere():
    scene = scene_of(asked(zoom_in=3, zoom_out=7), {})
    assert scene.judge == 6 and scene.truth.zoom == 6, "the truth ends at the archive's zoom"
    whole = look((-180.0, 180.0, -90.0, 90.0))
    first = made_view(scene, scene.start(), whole)
    assert first.zoom == 6 and first.numbers is not None
    late = made_globe(scene)
    second = made_view(scene, first.sharp.complete(late.values), whole)
    assert second.numbers.rmse["sharp"] == pytest.approx(late.rmse["sharp"], rel=1e-4)
    assert second.numbers.rmse["sharp"] == pytest.approx(first.numbers.rmse["sharp"], rel=1e-3)


# -- choices -----------------------------------------------------------------------------------------


def test_choices_follow_what_the_weights_know(scene):
    assert scene.inputs == {3: "", 4: "", 5: "", 6: ""} and scene.targets == (5, 6, 7, 8, 9)
    assert (scene.reach, scene.known, scene.smooth_zooms) == (8, 6, 0)
    own = scene_of(asked(zoom_in=6), {})
    assert own.asked.zoom_out == 8 and own.truth is None and own.targets == (7, 8, 9)
    beyond = scene_of(asked(zoom_in=6, zoom_out=9), {})
    assert (beyond.known, beyond.smooth_zooms) == (8, 1)


def test_the_simulated_archives_own_weights_end_at_zoom_5():
    scene = scene_of(asked(archive="amip", time="", zoom_in=4, zoom_out=6), {})
    assert scene.targets == (5, 6, 7) and scene.smooth_zooms == 1 and scene.models == ("auto", "general")
    words = describe(scene, None, None, "smooth", False)
    assert "zoom 6 is smooth: no detail known" in words["note_sharp"] and "simulated" in words["note_sharp"]
    assert "beyond what the weights know" in about(scene, None)
    assert "simulated" in about(scene, None)
    general = scene_of(asked(archive="amip", time="", zoom_in=4, zoom_out=6, model="general"), {})
    assert general.smooth_zooms == 0 and general.targets == (5, 6, 7, 8, 9)


def test_an_input_that_is_not_possible_is_said():
    scene = scene_of(asked(archive="amip-hr", time="", zoom_in=5, zoom_out=6), {})
    assert scene.asked.zoom_in == 4 and "zoom 5" in scene.problems[0] and scene.inputs[5] != ""
    with pytest.raises(UserError, match="no shipped archive"):
        scene_of(asked(archive="atlantis"), {}, strict=True)
    assert scene_of(asked(archive="atlantis"), {}).problems


def test_a_lapse_rate_is_for_temperature_only():
    scene = scene_of(asked(variable="msl"), {})
    assert scene.lapse is None and scene.reach == 7
    words = describe(scene, None, None, "lapse", False)
    assert words["lapse"] == "–" and "temperature" in words["lapse_note"]


def test_rain_without_a_network_is_not_negative_either():
    scene = scene_of(asked(variable="tp"), {})
    assert scene.plain.cells.min() >= 0 and scene.lapse is None


def test_a_file_at_the_finest_known_zoom_is_taken_coarser():
    own = Archive("file:fine", "fine", make_dataset(8, 1), own=True)
    scene = scene_of(asked(archive="file:fine", zoom_in=8, zoom_out=9), {"file:fine": own})
    assert scene.asked.zoom_in == 7 and "Nothing finer than zoom 8" in scene.inputs[8]


# -- words, table, file ------------------------------------------------------------------------------


def test_words_say_which_is_nearest(scene, globe):
    numbers = made_view(scene, scene.start(), look()).numbers
    words = describe(scene, numbers, globe, "smooth", False)
    assert "nearest here" in words["sharp_note"] and "nearest" not in words["lapse_note"]
    assert words["sharp"].endswith("K") and words["share"].endswith("%") and "·" in words["power"]
    assert describe(scene, numbers, globe, "smooth", True)["note_sharp"].startswith("refining")
    assert "nearer to the truth than a lapse rate in all" in about(scene, globe)


def test_words_say_where_a_lapse_rate_wins(scene, globe):
    alps, *others = globe.rows
    won = {**alps.rmse, "lapse": 0.5 * alps.rmse["sharp"]}
    other = type(globe)(
        scene, globe.values, globe.rmse, (type(alps)(alps.name, won, alps.detail, alps.power), *others)
    )
    assert "a lapse rate is nearer to the truth in: Alps" in about(scene, other)
    row = table(other, "K").split('<th scope="row">Alps</th>')[1].split("</tr>")[0]
    assert "<b>" in row.split("<td>")[2], "the lapse rate's error is the bold one"


def test_table_as_csv(scene, globe):
    rows = list(csv.DictReader(io.StringIO(table_csv(globe).decode())))
    assert [row["place"] for row in rows][-1] == "Whole globe" and rows[0]["unit"] == "K"
    assert float(rows[-1]["rmse_super_resolved"]) == pytest.approx(globe.rmse["sharp"], rel=1e-4)


@pytest.mark.parametrize("variable", ["t2m", "tp"])
def test_the_file_is_what_the_command_writes(tmp_path, variable):
    scene = scene_of(asked(variable=variable), {})
    box = (5.0, 43.0, 16.0, 49.0)
    name, body = super_resolved_netcdf(scene, box, False)
    path = tmp_path / "x.nc"
    path.write_bytes(body)
    assert name == f"era5-week-{variable}-2026-03-30T0300-zoom4to6-region.nc"
    with xr.open_dataset(path) as file:
        made = made_view(scene, scene.start(), look((5.0, 16.0, 43.25, 48.75)))
        inside = np.isin(file["cell"].values, visible_cells(made.look, 6))
        cells = file["cell"].values[inside]
        np.testing.assert_allclose(file[variable].values[0, inside], made.sharp.field.cells[cells], atol=1e-3)
        assert file.attrs["fsae_sr_zoom_in"] == 4 and file.attrs["fsae_sr_region"] == "5 43 16 49"
        low = open_archive("era5-week", variables=variable, zoom=4)
        want = super_resolve(low, 6, box).sel(time=TEST_TIME)
        np.testing.assert_allclose(file[variable].values[0], want[variable].values, atol=1e-3)
        assert file.attrs["fsae_sr_sha256"] == want.attrs["fsae_sr_sha256"]


# -- the state ---------------------------------------------------------------------------------------


def test_the_address_brings_everything_back():
    state = ZoomState(
        archive="amip",
        time="1991-07",
        zoom_in=3,
        zoom_out=5,
        model="general",
        against="lapse",
        relief="shaded",
        projection="globe",
        lon0=-35.0,
        window=(-40.25, 20.125, -10.0, 20.1875),
        swipe=0.25,
        fit=False,
    )
    other = ZoomState()
    assert other.read_query(state.to_query()) == []
    assert other.param.values() == {**state.param.values(), "name": other.name}
    assert "from=3&to=5&weights=general" in state.to_query()
    assert ZoomState().to_query() == ""
    assert "from=12" in ZoomState().read_query("from=12")[0]


def test_other_pages_are_told_where_one_looks_even_at_the_default():
    state = ZoomState()
    assert state.shared(("view",)) == {"view": "70,105,24.75,42.25"}
    assert "view" not in state.shared(("archive",))
    again = ZoomState()
    again.read_query("view=-180,180,-90,90")
    assert again.window == (-180, 180, -90, 90) and "view=-180" in again.to_query()


def test_block_means_are_kept_by_all_that_is_shown(scene, globe):
    for x in (scene.plain.cells, scene.lapse.cells, globe.values):
        np.testing.assert_allclose(restrict(x, 2), scene.coarse.cells, atol=2e-3)
    assert Field(globe.values).zoom == 6
