"""Small diffusion weights, and a file of them that decodes with the shipped autoencoder."""

from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from fsae_core.diffusion.emulator import ClimateEmulator, load_emulator
from fsae_core.model.card import ModelCard, save_weights
from fsae_core.model.denoiser import Denoiser, DenoiserConfig
from fsae_core.model.gaussian import GaussianConfig, GaussianEmulator


def _weights(path: Path) -> Path:
    torch.manual_seed(0)
    gaussian = GaussianEmulator(GaussianConfig())
    gaussian.response[3] = -1.0  # every unit of aerosol cools
    network = Denoiser(DenoiserConfig(blocks=1, width=16, hidden=16, exchange=4, embedding=16))
    for block in network.blocks:
        torch.nn.init.normal_(block.write.weight, std=0.05)
    tensors = {f"gaussian.{k}": v.numpy() for k, v in gaussian.state_dict().items()}
    tensors |= {f"network.{k}": v.numpy() for k, v in network.state_dict().items()}
    card = ModelCard(
        name="",
        family="diffusion-amip",
        ratio=16,
        variables=("t2m",),
        zooms=(4, 5),
        parameters=1,
        config={
            "gaussian": asdict(gaussian.config),
            "network": asdict(network.config),
            "autoencoders": {"4": "amip-4x", "5": "amip-16x"},
        },
        split={"amip": {"train": ("1979-01-01", "2004-12-31")}},
    )
    save_weights(path, card, tensors)
    return path


@pytest.fixture(scope="session")
def weights(tmp_path_factory) -> Path:
    return _weights(tmp_path_factory.mktemp("diffusion") / "small.safetensors")


@pytest.fixture(scope="session")
def emulator(weights) -> ClimateEmulator:
    return load_emulator(weights, "cpu")
