"""What one model of five variables gains over a network of each variable's own, at equal floats.

``pytest tests/bench/joint_bench.py -s`` trains five networks of one variable each, as the joint weights were
trained, FSAE_JOINT_MINUTES (7) each; those that FSAE_JOINT_WEIGHTS, a folder, holds already are taken from
there. Error on the simulated years 2007-2013 (low resolution) and 2008 (high), never trained on.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from fsae_core.archive.build import main as build
from fsae_core.archive.reader import open_archive
from fsae_core.model.card import read_cards
from fsae_core.model.checkpoint import load_model
from fsae_core.training.autoencoder import train_autoencoder

pytestmark = [pytest.mark.bench]
VARIABLES = ("t2m", "u10", "v10", "msl", "pr")
MINUTES = float(os.environ.get("FSAE_JOINT_MINUTES", "7"))
LOW = [f"amip_T31_{year}.nc" for year in range(2007, 2014)]
TESTS = {"LR 2007-2013": (4, LOW), "HR 2008": (5, ["amip_T63_2008.nc"])}


@pytest.fixture(scope="module")
def own(shared_data, tmp_path_factory) -> dict[str, Path]:
    """Weights of one variable each."""
    folder = Path(os.environ.get("FSAE_JOINT_WEIGHTS") or tmp_path_factory.mktemp("own"))
    files = {name: folder / f"single-{name}.safetensors" for name in VARIABLES}
    missing = [name for name, file in files.items() if not file.exists()]
    if missing:
        built = tmp_path_factory.mktemp("built")
        build(["training", "--source", str(shared_data), "--out", str(built)])
        archives = [str(built / "training" / f"{name}.zarr") for name in ("amip", "amip-hr")]
        for name in missing:
            train_autoencoder(archives, "joint", files[name], variables=[name], minutes=MINUTES)
    return files


def through(model, fields, times):
    return model.decompress_joint(model.compress_joint(fields, times=times), times=times)


def rmse(a, b) -> float:
    return float(np.sqrt(np.mean((np.asarray(a, np.float64) - b) ** 2)))


@pytest.mark.parametrize("ratio", [16, 64])
@pytest.mark.parametrize("years", TESTS)
def test_together_against_each_alone(own, shared_data, years, ratio):
    zoom, files = TESTS[years]
    parts = [open_archive(shared_data / "amip" / file, zoom=zoom) for file in files]
    times = np.concatenate([part["time"].values for part in parts])
    x = {name: np.concatenate([part[name].values for part in parts]) for name in VARIABLES}
    together = through(load_model(f"joint-amip-{ratio}x", device="cpu"), x, times)
    shares = {}
    print(f"\n{years}, {ratio}x, {len(times)} times: RMSE together, alone, share; steps of the network alone")
    for name, file in own.items():
        model = load_model(file, device="cpu", ratio=ratio)
        alone = rmse(through(model, {name: x[name]}, times)[name], x[name])
        (card,) = (card for card in read_cards(file) if card.ratio == ratio)
        steps = sum(told["steps"] for told in card.training["bottlenecks"].values())
        shares[name] = rmse(together[name], x[name]) / alone
        print(f"{name}: {alone * shares[name]:.4g}, {alone:.4g}, {shares[name]:.3f}; {steps}")
    assert max(shares.values()) <= 1 and sum(share <= 0.9 for share in shares.values()) >= 2
