"""The Latent page's parts that know nothing of widgets: groups, lassos, colours, clouds, words, atlases."""

import base64
import zlib

import numpy as np
import pandas as pd
import pytest
from bokeh.models import ColumnDataSource
from hypothesis import given, settings
from hypothesis import strategies as st
from latent_samples import days, many_times

from app import atlases
from app.lasso import inside
from app.latent_pictures import Wish, look_up
from app.latent_state import LatentState, read_group, write_group
from app.latent_words import chance
from app.pages.latent import LatentPage
from app.point_cloud import cloud
from app.projection import Projection
from app.quantities import QUANTITIES, coloured
from app.stippled import StippledPane
from fsae_core.errors import UserError


@given(st.sets(st.integers(0, 3000)))
@settings(max_examples=60)
def test_groups_come_back_from_words(rows):
    words = write_group(np.array(list(rows), int))
    assert read_group(words).tolist() == sorted(rows)
    assert not set(words) & set(" &=#?%+/")


def test_short_groups_can_be_read_and_long_ones_stay_short():
    assert write_group(np.array([9, 1, 2, 3, 2])) == "1-3,9"
    rows = np.flatnonzero(np.random.default_rng(0).random(50_000) < 0.2)
    assert len(write_group(rows)) < 9000


@pytest.mark.parametrize("words", ["x", "3-1", "-2", "1,,2", "1-99999999999", "~????", "~AAAA", "1-2-3"])
def test_nonsense_groups_are_told(words):
    with pytest.raises(ValueError):
        read_group(words)
    problems = LatentState().read_query({"a": words})
    assert len(problems) == 1 and "a group of times" in problems[0]


def test_a_packed_bomb_is_not_unpacked():
    bomb = base64.urlsafe_b64encode(zlib.compress(b"\xff" * 50_000_000)).decode()
    with pytest.raises(ValueError):
        read_group(f"~{bomb}")


def test_lasso_holds_what_lies_within():
    rng = np.random.default_rng(1)
    places = rng.uniform(-2, 2, (5000, 2))
    turn = np.linspace(0, 2 * np.pi, 400)
    got = inside(places, {"type": "poly", "x": np.cos(turn), "y": np.sin(turn)})
    radius = np.hypot(*places.T)
    assert got[radius < 0.999].all() and not got[radius > 1].any()
    # A ring drawn twice round holds its middle not: even-odd.
    both = np.concatenate([turn, turn])
    size = np.repeat([1.0, 0.5], turn.size)
    got = inside(places, {"type": "poly", "x": size * np.cos(both), "y": size * np.sin(both)})
    assert not got[radius < 0.49].any() and got[(radius > 0.51) & (radius < 0.99)].mean() > 0.98
    box = inside(places, {"type": "rect", "x0": 1, "x1": -1, "y0": 0, "y1": 1})
    np.testing.assert_array_equal(
        box, (np.abs(places[:, 0]) <= 1) & (places[:, 1] >= 0) & (places[:, 1] <= 1)
    )
    assert not inside(places, {"type": "poly", "x": [0, 1], "y": [0, 1]}).any()
    assert not inside(places, {"type": "point", "x": 0, "y": 0}).any()


def test_a_cloud_keeps_every_point_and_its_mean():
    rng = np.random.default_rng(2)
    places, values = rng.normal(0, 1, (20_000, 2)), rng.normal(5, 1, 20_000)
    window = (-4.0, 4.0, -4.0, 4.0)
    image = cloud(places, values, window, (300, 300))
    assert 0.1 < np.isfinite(image).mean() < 1
    column = ((places[:, 0] + 4) / 8 * image.shape[1]).astype(int)
    row = ((places[:, 1] + 4) / 8 * image.shape[0]).astype(int)
    seen = (np.abs(places) < 4).all(axis=1)
    assert np.isfinite(image[row[seen], column[seen]]).mean() > 0.999
    middle = image.shape[0] // 2
    own = (row == middle) & (column == middle) & seen
    assert image[middle, middle] == pytest.approx(values[own].mean(), rel=1e-5)


def test_december_and_january_do_not_meet_in_june():
    image = cloud(np.zeros((2, 2)), np.array([12.0, 1.0]), (-1, 1, -1, 1), (60, 60), period=12.0)
    assert image[np.isfinite(image)] % 12 == pytest.approx(0.5, abs=1e-3)
    image = cloud(np.zeros((1, 2)), np.array([np.nan]), (-1, 1, -1, 1), (60, 60))
    assert not np.isfinite(image).any()


def test_colours_of_missing_and_of_signed_quantities():
    missing = pd.DataFrame({q: [np.nan] * 3 for q in QUANTITIES} | {"month": [1, 7, 12]})
    assert not coloured(missing, "displacement", "K").told and coloured(missing, "month", "K").cyclic
    frame = pd.DataFrame({"displacement": [-20.0, 5.0], "displacement_no_enso": [-10.0, 1.0]})
    kept, removed = (coloured(frame, "displacement", "K", enso) for enso in (False, True))
    assert kept.low == -kept.high and removed.values.tolist() == [-10.0, 1.0]
    assert "removed" in removed.title and kept.words(0) == "−20.00 years"
    assert coloured(missing, "month", "K").words(1) == "Jul"


@pytest.mark.parametrize(
    ("p", "words"),
    [(0.45, "usual, p 0.45"), (0.002, "1 in 500 by chance, p 0.002"), (float("nan"), "no p-value")],
)
def test_chance_in_words(p, words):
    assert chance(p) == words


def test_dots_of_fine_cells_stand_for_half_of_a_coarse_one():
    fine = np.zeros(12 * 4**5, bool)
    fine[:2] = True  # half of the first cell of zoom 4
    fine[4] = True  # a quarter of the second
    pane = StippledPane.__new__(StippledPane)
    pane.dots = ColumnDataSource({"x": [], "y": []})
    pane.stipple(fine, Projection())
    assert len(pane.dots.data["x"]) == 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An atlas of 6000 days with its archive."""
    path = tmp_path_factory.mktemp("atlases")
    many_times(path, "days", days("1979-01-01", "1995-06-06"))
    (path / "lonely.parquet").write_bytes((path / "days.parquet").read_bytes())
    return path


@pytest.fixture
def own(folder, monkeypatch):
    monkeypatch.setenv("FSAE_ATLASES", str(folder))
    atlases.named_atlas.cache_clear()
    yield folder
    atlases.named_atlas.cache_clear()


def test_atlases_of_a_folder_are_offered(own):
    assert list(atlases.offered_atlases()) == ["amip", "days", "lonely"]
    opened = atlases.named_atlas("days")
    assert len(opened) == 6000 and opened.labels[0] == "1979-01-01" and opened.archive.simulated
    assert opened.row_of("1980-01-01") == 365 and opened.row_of("1800-01-01") is None
    assert abs(opened.anomalies.mean(axis=0)).max() < 1e-2
    assert [eruption.name for eruption, _ in opened.windows] == ["El Chichon", "Pinatubo"]


@pytest.mark.parametrize("name", ["atlantis", "../days", "lonely"])
def test_atlases_that_are_not_there_are_said(own, name):
    with pytest.raises(UserError, match=r"no atlas named|no archive beside"):
        atlases.named_atlas(name)


def test_what_is_wrong_with_an_atlas_is_said(own):
    seen = look_up(Wish("lonely", "", "raw"), None)
    assert seen.atlas.name == "amip" and "no archive beside it" in seen.problem
    assert "no atlas of atlantis" in look_up(Wish("atlantis", "", "raw"), None).problem


def test_very_many_points_are_one_picture(own, document, turns):
    page = LatentPage({"archive": "days", "a": "0-99"}, document)
    turns.settle()
    latent = page.view.map
    coloured_part, grey = (s.data["image"][0] for s in (latent.picture, latent.grey_picture))
    assert len(latent.points.data["x"]) == 0 and coloured_part.shape[0] > 100
    assert 0 < np.isfinite(coloured_part).sum() < np.isfinite(grey).sum()
    assert len(latent.marks.chosen["a"].data["x"]) == 100, "chosen points are drawn"
    before = latent.picture.data["x"][0]
    latent.look_at((-1.0, 20.0, -1.0, 20.0))
    turns.settle()
    assert latent.picture.data["x"][0] == -1.0 != before
    page.controls.archive.value = "amip"
    turns.settle()
    assert page.seen.atlas.name == "amip" and len(latent.points.data["x"]) == 420
    assert page.state.a == "" and latent.picture.data["image"][0].shape == (2, 2)
    assert page.controls.time.labels[0] == "1979-01"
