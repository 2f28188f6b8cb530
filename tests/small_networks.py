"""Networks small enough to be tried in many forms."""

from dataclasses import replace

import torch

from fsae_core.model.autoencoder import AutoencoderConfig, FieldSpaceAutoencoder

SMALL = AutoencoderConfig(levels=1, width=16, hidden=24, attention=8, exchange=4, bases=4, surface_zoom=4)


def network(**settings) -> FieldSpaceAutoencoder:
    """As if trained: no gate, bias or base that could hide a mistake."""
    torch.manual_seed(0)
    made = FieldSpaceAutoencoder(replace(SMALL, **settings)).eval().requires_grad_(False)
    for parameter in made.parameters():
        parameter += 0.1 * torch.randn_like(parameter)
    return made
