"""The commands with a real, small, untrained network from a weights file."""

from dataclasses import asdict

import numpy as np
import pytest
from block_mean import small_archive

from fsae_core.archive.reader import open_archive
from fsae_core.model.autoencoder import AutoencoderConfig, FieldSpaceAutoencoder
from fsae_core.model.card import ModelCard, save_weights
from fsae_core.sphere.pyramid import prolong, restrict


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    import torch

    torch.manual_seed(0)
    config = AutoencoderConfig(levels=2, width=16, hidden=16, attention=8, heads=1, bases=4, surface_zoom=3)
    network = FieldSpaceAutoencoder(config)
    card = ModelCard(
        "", "general", 16, None, (4, 8), sum(p.numel() for p in network.parameters()), asdict(config)
    )
    path = tmp_path_factory.mktemp("weights") / "small-16x.safetensors"
    save_weights(path, card, {k: v.numpy() for k, v in network.state_dict().items()})
    return path


def test_there_and_back(fsae, source, weights, tmp_path):
    small, back = tmp_path / "s.zip", tmp_path / "back.zarr"
    printed = fsae("compress", source, small, "--ratio", 16, "--model", weights, "--json").json
    assert printed["model"] == "small-16x" and printed["weights_bytes"] == weights.stat().st_size
    assert fsae("decompress", small, back, "--model", weights).code == 0
    truth, recon = small_archive(), open_archive(back)
    for name in ("t2m", "msl"):
        x = truth[name].values.astype(np.float64)
        error = np.sqrt(np.mean((recon[name].values - x) ** 2))
        assert printed["variables"][name]["rmse"] == pytest.approx(error, rel=1e-3)
        baseline = np.sqrt(np.mean((prolong(restrict(x, 2), 2) - x) ** 2))
        assert error < 1.5 * baseline
        # The compressed field is what the decoded one averages to, up to float16.
        assert np.abs(restrict(recon[name].values, 2).mean(-1) - x.mean(-1)).max() < 0.02 * x.std()


def test_info_of_weights(fsae, weights):
    told = fsae("info", weights, "--json").json
    assert told["kind"] == "weights" and told["ratio"] == 16 and told["bytes"] == weights.stat().st_size
    assert told["variables"] is None and told["parameters"] > 0 and len(told["sha256"]) == 64


def test_weights_that_do_not_fit(refuses, source, weights, tmp_path):
    start = ["compress", source, tmp_path / "s.zarr"]
    assert "compress 16 times, not 4" in refuses(*start, "--ratio", 4, "--model", weights)
    assert "no weights at" in refuses(*start, "--ratio", 4, "--model", tmp_path / "absent.safetensors")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(weights.read_bytes()[:200])
    assert "damaged.safetensors is not a weights file" in refuses(*start, "--ratio", 4, "--model", damaged)
    assert "damaged.safetensors is not a weights file" in refuses("info", damaged)


def test_a_store_of_weights_that_are_not_shipped(fsae, refuses, source, weights, tmp_path, monkeypatch):
    from fsae_core.codec import choice

    monkeypatch.setattr(choice, "shipped_cards", list)
    fsae("compress", source, tmp_path / "s.zarr", "--ratio", 16, "--model", weights)
    assert "give their file (--model)" in refuses("decompress", tmp_path / "s.zarr", tmp_path / "back.zarr")


def test_weights_taken_together_are_known_by_name(fsae):
    told = fsae("info", "amip-adaptive-64x", "--json").json
    assert told["ratio"] == 64 and told["config"]["weights"] == [f"amip-{r}x" for r in (4, 16, 64, 256)]
    names = {card["name"] for card in fsae("catalog", "--json").json["weights"]}
    assert {"amip-adaptive-64x", "general-adaptive-4x", "general-1024x"} <= names
