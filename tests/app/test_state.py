"""A page's state and its address."""

import pytest

from app.compress_state import CompressState
from app.state import FULL_WINDOW


def test_fresh_page_has_a_short_address():
    assert CompressState().to_query() == ""


def test_address_brings_everything_back():
    state = CompressState(
        archive="amip",
        variable="z500",
        time="1991-07",
        method="block-mean",
        ratio=16,
        projection="globe",
        lon0=-35.0,
        lat0=60.5,
        window=(-40.25, 20.125, -10.0, 20.1875),
        swipe=0.25,
        fit=True,
    )
    other = CompressState()
    assert other.read_query("?" + state.to_query()) == []
    for name in (
        "archive",
        "variable",
        "time",
        "method",
        "ratio",
        "projection",
        "lon0",
        "lat0",
        "swipe",
        "fit",
    ):
        assert getattr(other, name) == getattr(state, name), name
    assert other.window == pytest.approx(state.window, abs=1e-4)
    assert other.to_query() == state.to_query()


@pytest.mark.parametrize("projection", ["plate-carree", "mollweide", "globe"])
def test_the_whole_map_is_not_written(projection):
    state = CompressState(projection=projection)
    state.window = state.full_window()
    assert "view" not in state.to_query()
    other = CompressState()
    other.read_query(state.to_query())
    assert other.window == state.window


@pytest.mark.parametrize(
    "query",
    [
        "ratio=5",
        "ratio=sixteen",
        "projection=mercator",
        "view=1,2,3",
        "view=10,0,0,10",
        "view=nan,1,0,1",
        "view=-1e9,1e9,0,1",
        "lon0=400",
        "lat0=nan",
        "swipe=2",
        "method=magic",
        "fit=yes",
    ],
)
def test_nonsense_is_named_and_left_at_its_default(query):
    state = CompressState()
    (sentence,) = state.read_query(query)
    assert query.split("=")[0] in sentence and sentence.endswith("the default is shown.")
    assert state.to_query() == ""
    assert state.window == FULL_WINDOW


def test_good_parts_survive_bad_ones():
    state = CompressState()
    assert len(state.read_query("ratio=7&variable=msl")) == 1
    assert (state.ratio, state.variable) == (64, "msl")
