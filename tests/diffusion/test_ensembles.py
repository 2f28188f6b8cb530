"""Drawing ensembles: times, reproducibility, counterfactuals, stopping, what the dataset says."""

import numpy as np
import pytest
import torch

from fsae_core.archive.canonical import is_canonical
from fsae_core.diffusion.ensembles import EnsembleRequest, frame_times, iter_members, sample_ensemble
from fsae_core.diffusion.samplers import Stopped
from fsae_core.errors import UserError
from fsae_core.model.climate import CONDITIONS


@pytest.mark.parametrize(
    ("month", "first", "count"),
    [("1979-01", 1, 11), ("1991-12", 3, 10), ("2008-02", 1, 10), ("1978-12", 2, 10)],
)
def test_frames_are_those_of_the_archive(month, first, count):
    times = frame_times(month, None)
    assert len(times) == count and times[0] == np.datetime64(f"{month}-{first:02d}T12")
    assert (np.diff(times) == np.timedelta64(3, "D")).all()
    assert (times.astype("datetime64[M]") == np.datetime64(month)).all()
    steps = (times - np.datetime64("1979-01-01T12")) / np.timedelta64(3, "D")
    assert (steps == steps.round()).all()
    assert len(frame_times(month, 12)) == 12


def test_members_do_not_depend_on_each_other(emulator):
    wanted = EnsembleRequest("1991-12", seed=7, steps=4, fine=False, days=2)
    together = dict(iter_members(wanted, range(3), emulator))
    alone = dict(iter_members(wanted, [2], emulator))
    np.testing.assert_array_equal(together[2], alone[2])
    assert np.abs(together[0] - together[1]).std() > 0.1
    other = dict(iter_members(EnsembleRequest("1991-12", seed=8, steps=4, fine=False, days=2), [2], emulator))
    assert np.abs(other[2] - alone[2]).std() > 0.1


def test_other_months_have_other_weather(emulator):
    def apart(month):
        wanted = EnsembleRequest(month, steps=4, fine=False, days=1)
        drawn = dict(iter_members(wanted, [0, 1], emulator))
        return (drawn[0] - drawn[1])[0]

    assert abs(np.corrcoef(apart("1991-12"), apart("1992-01"))[0, 1]) < 0.3


def test_dataset_says_how_it_was_made(weights, emulator):
    ds = sample_ensemble(
        2, "1992-07", weights=weights, device="cpu", seed=3, steps=4, volcanoes=False, co2=400.0
    )
    assert ds["t2m"].dims == ("time", "member", "cell") and ds["t2m"].shape == (1, 2, 12288)
    assert is_canonical(ds) and str(ds["time"].values[0])[:10] == "1992-07-01"
    assert 220 < float(ds["t2m"].min()) < float(ds["t2m"].max()) < 330
    assert (ds.attrs["month"], ds.attrs["seed"], ds.attrs["steps"]) == ("1992-07", 3, 4)
    assert ds.attrs["condition_co2"] == 400.0 and ds.attrs["condition_aod"] == 0.0
    assert ds.attrs["weights_sha256"] == emulator.card.sha256 and "co2=400.0" in ds.attrs["conditions"]
    assert "SIMULATED" in ds.attrs["source"]


def test_the_same_weather_in_a_world_without_pinatubo(weights):
    def drawn(volcanoes):
        request = {"fine": False, "steps": 4, "volcanoes": volcanoes, "days": 2}
        return sample_ensemble(2, "1991-12", weights=weights, device="cpu", **request)["t2m"].values

    change = drawn(True) - drawn(False)
    assert -3 < change.mean() < -0.5  # the weights cool by 1 K a unit, and Pinatubo is 2.4 units


def test_stopping(emulator):
    asked = []

    def stop():
        asked.append(1)
        return len(asked) > 6

    members = iter_members(EnsembleRequest("1991-12", steps=4, fine=False, days=1), range(9), emulator, stop)
    assert next(members)[0] == 0
    with pytest.raises(Stopped):
        next(members)
    assert len(asked) == 7


def test_unknown_conditions_take_values_of_the_record(emulator):
    climate = EnsembleRequest("2030-06").climate(frame_times("2030-06", None))
    assert np.isnan(climate.values[:, CONDITIONS.index("nino34")]).all()
    seen = {
        float(emulator.with_prior(climate, torch.Generator().manual_seed(k)).values[0, 2]) for k in range(8)
    }
    assert len(seen) > 4 and all(-2.5 < value < 2.5 for value in seen)
    sure = climate.having(nino34=1.0)
    assert emulator.with_prior(sure, torch.Generator().manual_seed(0)) is sure


def test_guidance_exaggerates_what_conditions_do(emulator):
    climate = EnsembleRequest("1991-12").climate(frame_times("1991-12", 3))

    def mean(guidance):
        drawn = emulator.draw(climate, torch.Generator().manual_seed(1), steps=4, guidance=guidance)
        return float(drawn.mean())

    assert mean(3.0) < mean(1.0) - 1.0


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"month": "1991"}, "is no month"),
        ({"month": "1991-13"}, "is no month"),
        ({"month": "1991-12", "days": 0}, "0 days"),
        ({"month": "1991-12", "co2": 20.0}, "20 ppm"),
    ],
)
def test_what_cannot_be_drawn_is_refused(request_, told):
    with pytest.raises(UserError, match=told):
        EnsembleRequest(**request_)


def test_wrong_weights_and_numbers_are_refused(weights):
    from fsae_core.assets import asset_path

    with pytest.raises(UserError, match="no diffusion weights named nothing"):
        sample_ensemble(1, weights="nothing")
    with pytest.raises(UserError, match="at least one"):
        sample_ensemble(0, weights=weights)
    with pytest.raises(UserError, match="zoom 7"):
        sample_ensemble(1, weights=weights, steps=2, zoom=7)
    with pytest.raises(UserError, match="autoencoder"):
        sample_ensemble(1, weights=asset_path("weights", "general-16x.safetensors"))
