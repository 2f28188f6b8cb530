"""The Ensemble page's address: what is written comes back, what makes no sense is said."""

import numpy as np
import pytest

from app.ensemble_state import COMPUTED, EnsembleState
from app.ensemble_store import Wish

OTHER = {
    "archive": "amip-hr", "month": "2008-07", "days": 8, "volcanoes": False, "co2": "420", "nino": "-1.5",
    "resolution": "lr", "members": 32, "steps": 24, "seed": 17, "versus": "co2", "other_co2": 560,
    "test": "pairs", "shown": "temperature", "above": False, "threshold": 300.0, "point": (-70.25, -33.5),
    "member": 0, "day": 3, "projection": "globe", "lon0": 30.0, "fit": True,
}  # fmt: skip


def test_everything_is_in_the_address_and_comes_back():
    state, again = EnsembleState(), EnsembleState()
    assert state.to_query() == ""
    state.param.update(**OTHER)
    query = state.to_query()
    assert {"time=2008-07", "class=lr", "nino=-1.5", "point=-70.25,-33.50", "member=0"} <= set(
        query.split("&")
    )
    assert again.read_query(query) == []
    assert {name: getattr(again, name) for name in OTHER} == OTHER
    assert set(COMPUTED) <= set(OTHER)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("time=1978-12", "a month from 1979-01"),
        ("time=1991", "a month from 1979-01"),
        ("nino=9", "K from -4 to 4, or unknown"),
        ("co2=12", "ppm from 200 to 800"),
        ("members=7", "one of 4, 8"),
        ("point=200,10", "a longitude and a latitude"),
        ("seed=1.5", "a whole number"),
        ("members=64&days=30", "64 members of 30 days are too many: 16 are drawn"),
    ],
)
def test_nonsense_is_said(query, said):
    (sentence,) = EnsembleState().read_query(query)
    assert said in sentence


def test_of_another_archive_nothing_is_taken_and_nothing_said():
    state = EnsembleState()
    assert state.read_query("archive=era5-week&variable=msl&time=2026-03-30T03:00&seed=3") == []
    assert (state.month, state.seed) == ("1991-12", 3)
    assert state.read_query("archive=amip-hr&time=2008-04-06&variable=t2m") == []
    assert (state.month, state.archive) == ("2008-04", "amip-hr")
    assert state.read_query("archive=amip&time=1985-02&variable=z500") == []
    assert state.month == "1985-02"
    assert state.shared(("archive", "variable", "time")) == {
        "archive": "amip",
        "variable": "t2m",
        "time": "1985-02",
    }


def test_threshold_starts_where_it_makes_sense():
    state = EnsembleState()
    state.read_query("show=temperature")
    assert state.threshold == 273.0 and "threshold" not in state.to_query()


def test_the_wish_is_the_request_of_the_library():
    state = EnsembleState()
    state.param.update(**OTHER)
    wish = Wish(**{name: getattr(state, name) for name in COMPUTED})
    request = wish.request
    assert (request.month, request.days, request.seed, request.steps) == ("2008-07", 8, 17, 24)
    assert (request.volcanoes, request.co2, request.nino34, request.fine) == (False, 420.0, -1.5, False)
    other = wish.other
    assert other is not None and other.co2 == 560.0 and other.seed == request.seed
    state.param.update(nino="unknown", co2="", volcanoes=True, days=0, versus="volcanoes")
    wish = Wish(**{name: getattr(state, name) for name in COMPUTED})
    assert np.isnan(wish.request.nino34) and wish.request.co2 is None and wish.request.days is None
    assert wish.other is not None and not wish.other.volcanoes and wish.as_it_was
    state.versus = "nothing"
    assert Wish(**{name: getattr(state, name) for name in COMPUTED}).other is None
