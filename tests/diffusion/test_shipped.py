"""The shipped weights: what they say of themselves, and that what they draw looks like the archive."""

import numpy as np
import pytest

from fsae_core.archive.reader import open_archive
from fsae_core.diffusion.emulator import load_emulator
from fsae_core.diffusion.ensembles import EnsembleRequest, frame_times, iter_members, sample_ensemble
from fsae_core.evaluate import ensemble as scores_of
from fsae_core.model.card import shipped_models
from fsae_core.model.checkpoint import load_model
from fsae_core.sphere.pyramid import prolong


@pytest.fixture(scope="module")
def emulator():
    return load_emulator(device="cpu")


def test_the_card_tells_split_and_record(emulator):
    card = emulator.card
    assert card.family == "diffusion-amip" and card.name == f"{card.family}-{card.ratio}x"
    assert card.split["amip"]["train"][1] == "2004-12-31" and card.split["amip"]["test"][0] == "2007-01-01"
    assert card.bytes < 9e6 and len(card.sha256) == 64
    if emulator.network is not None:
        assert card.training["validation"] < 1.0
    assert card.name not in {other.name for other in shipped_models()}


def test_a_month_is_drawn_with_the_spread_of_the_archive(emulator):
    """Januaries of the test years; a mere sanity band, the bench has the figures."""
    ds = open_archive("amip", variables="t2m")
    maps = load_model("amip-4x", device="cpu").climatologies[4]
    months = [f"{year}-01" for year in range(2007, 2013)]
    drawn, truth = [], []
    for month in months:
        mean = ds["t2m"].sel(time=month)
        middle = mean["time"].values
        truth.append(mean.values.reshape(1, -1) - maps.mean_at(middle))
        wanted = EnsembleRequest(month, fine=False)
        drawn.append([v - maps.mean_at(middle) for _, v in iter_members(wanted, range(4), emulator)])
    members = np.asarray(drawn).swapaxes(0, 1)[:, :, 0]
    truth = np.concatenate(truth)
    assert 0.8 < np.sqrt(members.var(axis=0, ddof=1).mean() / np.mean(truth**2)) < 1.2
    assert 0.8 < scores_of.spread_skill(members, truth) < 1.25


def test_fine_draws_have_detail(emulator):
    coarse = sample_ensemble(2, "2008-07", days=2, fine=False, device="cpu")["t2m"]
    fine = sample_ensemble(2, "2008-07", days=2, device="cpu")["t2m"]
    assert coarse.sizes["cell"] == 3072 and fine.sizes["cell"] == 12288
    assert abs(float(fine.mean()) - float(coarse.mean())) < 2.0
    # Power that the class adds at the scale that the coarse one has not, beside what interpolation gives.
    detail = scores_of.power_ratio(fine.values, prolong(coarse.values, 1))
    assert detail[5] > 1.3 and 0.7 < detail[2] < 1.4


def test_a_window_hangs_together_in_time(emulator):
    """Ten frames: neighbours are alike as in the archive (.30 at three days), frames far apart are not."""
    times = frame_times("2010-01", 10, emulator.step_days)
    mean = load_model("amip-4x", device="cpu").climatologies[4].mean_at(times)
    wanted = EnsembleRequest("2010-01", days=10, fine=False)
    x = np.stack([values - mean for _, values in iter_members(wanted, range(6), emulator)])
    x = x - x.mean(axis=0)

    def alike(lag):
        return float((x[:, lag:] * x[:, : 10 - lag]).mean() / np.square(x).mean())

    assert 0.2 < alike(1) < 0.45 and max(alike(5), alike(8)) < alike(1)


def test_pinatubo_cools(emulator):
    frames = EnsembleRequest("1992-06").climate(np.datetime64("1992-06-01") + np.arange(0, 30, 3))
    without = frames.having(aod=0.0)
    change = (emulator.gaussian.mean(frames) - emulator.gaussian.mean(without)).mean()
    assert -1.0 < float(change) < 0.0
