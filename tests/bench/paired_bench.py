"""A world without Pinatubo: the emulator's change beside that of paired simulations, and a second simulation
as one more member.

Pairs are runs of `fsae simulate` with and without --no-volcanoes from the same seed, in one folder, as
factual-1991-s0.zarr and control-1991-s0.zarr, s1, ...; FSAE_PAIRED_RUNS names the folder. The emulator was
trained on 1979 to 2004 of another run of the same model: the weather of the pairs is new to it, the forcing
is not.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from fsae_core.archive.reader import open_archive
from fsae_core.diffusion.emulator import load_emulator
from fsae_core.diffusion.ensembles import EnsembleRequest, frame_times, iter_members
from fsae_core.errors import UserError
from fsae_core.evaluate import ensemble as scores_of
from fsae_core.model.checkpoint import load_model
from fsae_core.sphere.healpix import cell_centres

pytestmark = [pytest.mark.bench]
MEMBERS = 8
YEAR = np.datetime64("1992", "Y")


def run(path):
    """Times and t2m (time, cell) of 1992; None where the run is not that far."""
    try:
        ds = open_archive(path, variables="t2m")
    except UserError:
        return None
    inside = ds["time"].values.astype("datetime64[Y]") == YEAR
    times = ds["time"].values[inside]
    if len(times) < 120:
        return None
    return times, ds["t2m"].transpose("time", "cell").values[inside]


@pytest.fixture(scope="module")
def pairs():
    folder = os.environ.get("FSAE_PAIRED_RUNS")
    if not folder:
        pytest.skip("FSAE_PAIRED_RUNS names no folder of paired runs (`fsae simulate`)")
    found = {}
    for path in sorted(Path(folder).glob("factual-1991-s*.zarr")):
        control = path.with_name(path.name.replace("factual", "control"))
        if path.name.endswith("-monthly.zarr") or not control.exists():
            continue
        one, other = run(path), run(control)
        if one is not None and other is not None:
            found[path.stem.rpartition("-")[2]] = (one, other)
    if not found:
        pytest.skip("no pair of runs has reached the end of 1992")
    return found


@pytest.fixture(scope="module")
def drawn():
    """Frames of 1992 (member, time, cell) with and without volcanoes, and their times."""
    emulator = load_emulator(device="cpu")
    out = {}
    for volcanoes in (True, False):
        months = []
        for month in range(1, 13):
            name = f"1992-{month:02d}"
            wanted = EnsembleRequest(
                name, days=len(frame_times(name, None)), seed=4, fine=False, volcanoes=volcanoes
            )
            months.append(np.stack([v for _, v in iter_members(wanted, range(MEMBERS), emulator)]))
        out[volcanoes] = np.concatenate(months, axis=1)
    times = np.concatenate([frame_times(f"1992-{m:02d}", None) for m in range(1, 13)])
    return out[True], out[False], times


def test_change_of_1992(pairs, drawn):
    yes, no, _ = drawn
    change = (yes - no).mean(axis=(0, 1))
    # What chance does to a difference of two years: members' yearly means about each other.
    yearly = yes.mean(axis=(1, 2))
    noise = float(np.sqrt(2) * yearly.std(ddof=1))
    print(f"emulator, 1992 with minus without volcanoes: {change.mean():+.4f} K, {MEMBERS} pairs")
    print(f"a year's area mean differs by {noise:.3f} K (one sigma) between two worlds by weather alone")
    maps = []
    for seed, ((_, one), (_, other)) in pairs.items():
        simulated = (one - other).mean(axis=0)
        maps.append(simulated)
        print(
            f"simulated, {seed}: {simulated.mean():+.4f} K; pattern correlation with the emulator's "
            f"{np.corrcoef(simulated, change)[0, 1]:+.2f}"
        )
    areas = np.array([m.mean() for m in maps])
    error = areas.std(ddof=1) / np.sqrt(len(areas)) if len(areas) > 1 else noise
    print(
        f"simulated, mean of {len(areas)}: {areas.mean():+.4f} +- {error:.4f} K; emulator over simulated "
        f"{change.mean() / areas.mean():.2f}"
    )
    lat = cell_centres(4)[1]
    for low, high in ((-90, -30), (-30, 30), (30, 90)):
        band = (lat >= low) & (lat < high)
        print(
            f"  {low} to {high} N: simulated {np.mean(maps, axis=0)[band].mean():+.3f} K, "
            f"emulator {change[band].mean():+.3f} K"
        )
    assert change.mean() < 0


def test_a_second_simulation_as_a_member(pairs, drawn):
    """Of 1992: the run with volcanoes is to the emulator's members as they are to each other."""
    yes, _, times = drawn
    maps = load_model("amip-4x", device="cpu").climatologies[4]
    members = yes - maps.mean_at(times)
    for seed, ((stamps, one), _) in pairs.items():
        np.testing.assert_array_equal(stamps, times)
        truth = one - maps.mean_at(times)
        print(
            f"{seed}, days: CRPS {scores_of.crps(members, truth).mean():.4f} K, spread/skill "
            f"{scores_of.spread_skill(members, truth):.3f}"
        )
        # Each against the mean of the other members: what the run would be if it were one of them.
        years = members.mean(axis=1)
        without = [np.delete(years, k, axis=0).mean(axis=0) for k in range(MEMBERS)]
        own = [np.sqrt(np.mean((years[k] - without[k]) ** 2)) for k in range(MEMBERS)]
        its = [np.sqrt(np.mean((truth.mean(axis=0) - mean) ** 2)) for mean in without]
        print(f"{seed}: RMSE of its year's mean {np.mean(its):.3f} K, of a member's {np.mean(own):.3f} K")
        ratio = scores_of.power_ratio(members, truth)
        print(f"{seed}: power by zoom over the run's", {z: round(r, 3) for z, r in ratio.items()})
        assert 0.85 < scores_of.spread_skill(members, truth) < 1.15
