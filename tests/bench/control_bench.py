"""What the volcanoes' dimming itself does to the year displacement: runs with and without it, side by side.

``FSAE_CONTROLS=FOLDER pytest tests/bench/control_bench.py -s``. FOLDER holds monthly archives of
``fsae simulate --monthly``, named control-ANY-monthly.zarr (``--no-volcanoes``) and, with the same seed and
start, factual-ANY-monthly.zarr. Their months stand in the shipped archive in place of its own; all else is as
it is shipped. So what is left of a volcano after a run's last month stays in (a tenth of Pinatubo's dimming
from September 1993 on), and all runs have the observed sea surface, which the real volcanoes had cooled: only
the dimming is taken away. Where a run of each kind covers the same months, that pair tells the dimming from
what a second run of the same months changes anyhow.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from fsae_core.archive.reader import open_archive
from fsae_core.atlas import AtlasConfig
from fsae_core.atlas.build import findings
from fsae_core.atlas.enso import nino34
from fsae_core.atlas.eruptions import aftermath, eruptions_between
from fsae_core.atlas.features import compressed_record
from fsae_core.atlas.space import FeatureSpace

pytestmark = [pytest.mark.bench]
CONFIG = AtlasConfig()
FOLDER = os.environ.get("FSAE_CONTROLS", "")
SPACES = ("own weights 16x", "raw cells, plain PCA")


def runs(kind: str) -> dict[str, Path]:
    """{words between kind and "monthly": path} of the folder's runs."""
    found = sorted(Path(FOLDER).glob(f"{kind}-*-monthly.zarr")) if FOLDER else []
    return {path.name.removeprefix(f"{kind}-").removesuffix("-monthly.zarr"): path for path in found}


@pytest.fixture(scope="module")
def amip():
    return open_archive("amip", variables="t2m").load()


def months_of(ds) -> np.ndarray:
    return ds["time"].values.astype("datetime64[M]")


def spliced(amip, run, months):
    """The shipped archive with the run's fields in these months."""
    out = amip.copy(deep=True)
    own, new = months_of(amip), months_of(run)
    out["t2m"].values[np.isin(own, months)] = run["t2m"].values[np.isin(new, months)]
    return out


def own_mean(amip, months) -> float:
    return float(amip["t2m"].values[np.isin(months_of(amip), months)].mean())


def displacements(ds) -> dict[str, tuple]:
    """{space: (with El Nino, without)} as `Displacement`."""
    times, index = ds["time"].values, nino34(ds["t2m"])
    values = {SPACES[0]: compressed_record(ds, "t2m", 16).values, SPACES[1]: ds["t2m"].values}
    out = {}
    for name, x in values.items():
        space = FeatureSpace.fit(x, times, CONFIG.map_components, deseasonalise=True)
        found = findings(space.scores(x, times), times, index, CONFIG)
        out[name] = (found.plain, found.no_enso)
    return out


def line(name: str, got: tuple, mask: np.ndarray) -> None:
    words = []
    for kind, found in zip(("El Nino kept", "removed"), got, strict=True):
        mean, p, low = found.window(mask)
        words.append(f"{kind} {mean:6.2f} (2.5 % {low:6.2f}), p {p:.3f}")
    print(f"  {name:44s} {' | '.join(words)}")


@pytest.mark.skipif(not runs("control"), reason="no control runs: name their folder in FSAE_CONTROLS")
@pytest.mark.parametrize("name", list(runs("control")))
def test_with_and_without_dimming(amip, name):
    control = open_archive(runs("control")[name], variables="t2m").load()
    pair = runs("factual").get(name)
    factual = None if pair is None else open_archive(pair, variables="t2m").load()
    times = amip["time"].values
    first, last = months_of(control)[[0, -1]]
    eruption = max(
        (e for e in eruptions_between(times) if np.datetime64(e.date, "M") <= last),
        key=lambda e: np.datetime64(e.date),
    )
    print(f"\n{name}: {eruption.name}, months {first} to {last} of the shipped archive replaced")
    told = []
    everything = months_of(control)
    spans = {"all months of the control": everything}
    if factual is not None:
        spans["months that both runs have"] = np.intersect1d(everything, months_of(factual))
    shipped = displacements(amip)
    for words, months in spans.items():
        mask = aftermath(eruption, times) & np.isin(months_of(amip), months)
        if mask.sum() < 6:
            continue
        without = displacements(spliced(amip, control, months))
        pairs = (
            {}
            if factual is None or words.startswith("all")
            else displacements(spliced(amip, factual, months))
        )
        for space in SPACES:
            print(f" {words}, window of {mask.sum()} months, {space}")
            line("shipped (with dimming)", shipped[space], mask)
            if space in pairs:
                line("second run with dimming", pairs[space], mask)
            line("run without dimming", without[space], mask)
            told += [got.window(mask)[0] for got in without[space]]
        for kind, run in (("without", control), ("second run with", factual)):
            if run is not None and np.isin(months, months_of(run)).all():
                change = run["t2m"].values[np.isin(months_of(run), months)].mean() - own_mean(amip, months)
                print(f" global mean of these months, {kind} dimming minus shipped: {change:+.3f} K")
    assert told and np.isfinite(told).all()
