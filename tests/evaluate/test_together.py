"""The table of variables together, and distance to the coast."""

import numpy as np
import pytest
from joint_samples import NAMES, windy_archive, windy_weights

from fsae_core.errors import UserError
from fsae_core.evaluate.coast import coast_distance, mean_by_coast
from fsae_core.evaluate.together import evaluate_together
from fsae_core.model.checkpoint import load_model
from fsae_core.sphere.healpix import lookup


def test_distance_to_the_coast():
    distance = coast_distance(6)
    inland = distance[lookup(25.0, 22.0, 6)]  # the Sahara, some 1000 km from any sea
    ocean = distance[lookup(-130.0, -48.0, 6)]  # about as far from land as one can be
    assert 700 < inland < 1300 and -3000 < ocean < -1800
    assert abs(distance[lookup(-75.0, -15.0, 6)]) < 250  # the coast of Peru
    assert not (distance == 0).any()


def test_means_by_distance_add_up_to_the_whole():
    bins = mean_by_coast(np.ones(12 * 4**4))
    assert [mean for _, _, mean in bins] == pytest.approx([1.0] * len(bins))
    assert all(low < high for low, high, _ in bins)
    land = mean_by_coast((coast_distance(4) > 0).astype(float))
    assert {mean for low, _, mean in land if low >= 0} == {1.0}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    path = windy_weights(folder)
    ds = windy_archive()
    singles = {(n, 16): load_model(path, "cpu", 16) for n in NAMES}
    return evaluate_together(ds, (16,), model=str(path), singles=singles, device="cpu"), ds


def test_a_row_for_each_field_and_way(table):
    rows = {(r["field"], r["way"]): r for r in table[0].rows}
    fields = {*NAMES, "speed", "vorticity", "divergence"}
    assert {f for f, w in rows if w == "joint"} == fields
    assert {w for f, w in rows if f == "t2m"} == {
        "joint",
        "alone",
        "single",
        *(f"without {n}" for n in NAMES if n != "t2m"),
    }
    # Without one component nothing can be derived from the wind.
    assert ("speed", "without u10") not in rows and ("speed", "without msl") in rows
    for name in NAMES:
        assert rows[name, "single"]["rmse"] == pytest.approx(rows[name, "alone"]["rmse"])
    assert rows["u10", "joint"]["rmse"] < rows["u10", "alone"]["rmse"]
    assert rows["vorticity", "joint"]["rmse"] < rows["vorticity", "alone"]["rmse"]
    assert all(r["rmse_steepest"] > 0 and r["units"] for r in table[0].rows)


def test_the_test_times_alone_count(table):
    head, ds = table[0].head, table[1]
    first, last = head["split"]["test"]
    days = ds["time"].values.astype("datetime64[D]")
    assert head["times"] == ((days >= np.datetime64(first)) & (days <= np.datetime64(last))).sum()
    assert 0 < head["times"] < ds.sizes["time"] / 4


def test_an_archive_without_fitting_weights_is_refused():
    with pytest.raises(UserError, match="No joint weights fit"):
        evaluate_together(windy_archive()[["t2m"]].rename(t2m="z500"), (16,), device="cpu")
