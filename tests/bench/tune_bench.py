"""The road from general weights to an archive's own: a few minutes of tuning on the shipped monthly archive.

RMSE in K of t2m at 16x on 2007-2013, which neither saw: the general weights as they are, tuned, and as many
minutes from a fresh start.
"""

import os

import numpy as np
import pytest

from fsae_core.archive.reader import open_archive
from fsae_core.model.checkpoint import load_model
from fsae_core.sphere.pyramid import prolong, restrict
from fsae_core.training.autoencoder import train_autoencoder
from fsae_core.training.splits import Split, split_of

pytestmark = [pytest.mark.bench]
MINUTES = float(os.environ.get("FSAE_TUNE_MINUTES", "2"))


def test_tuning_helps(tmp_path):
    ds = open_archive("amip")
    keep = Split.mask(ds["time"].values, split_of(ds).test)
    x = ds["t2m"].values[keep]

    def rmse(weights) -> float:
        model = load_model(weights, device="cpu")
        y = model.decompress_fields(model.compress_fields(x, variable="t2m"), variable="t2m")
        return float(np.sqrt(np.mean((y - x) ** 2)))

    figures = {}
    for name, init in (("tuned", "general"), ("fresh", None)):
        out = tmp_path / f"{name}.safetensors"
        train_autoencoder(["amip"], "general-16x", out, minutes=MINUTES, init=init, device="cpu")
        figures[name] = rmse(out)
    figures["general"] = rmse("general-16x")
    smooth = float(np.sqrt(np.mean((prolong(restrict(x, 2), 2) - x) ** 2)))
    print(
        f"amip monthly t2m 2007-2013, 16x floats: smooth {smooth:.3f}, general {figures['general']:.4f}, "
        f"{MINUTES:g} minutes from a fresh start {figures['fresh']:.4f}, general tuned as long "
        f"{figures['tuned']:.4f} K"
    )
    assert figures["tuned"] < figures["general"]
