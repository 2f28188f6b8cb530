"""The network laid out for inference gives what the network gives."""

import pytest
import torch
from small_networks import network

from fsae_core.model.autoencoder import Conditions
from fsae_core.model.compression import surface_tensor
from fsae_core.model.conditioning import SOLAR
from fsae_core.model.folded import FoldedNetwork
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.pyramid import restrict


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
@pytest.mark.parametrize("sunny", [True, False])
def test_gives_what_the_network_gives(levels, sunny):
    plain, zoom = network(levels=levels), 4
    folded = FoldedNetwork(plain)
    tokens = n_cells(plain.token_zoom(zoom))
    conditions = Conditions(surface_tensor(zoom, "cpu"), torch.randn(3, tokens, SOLAR) if sunny else None)
    x = torch.randn(3, n_cells(zoom))
    before = x.clone()
    surface = folded.surfaces(conditions)
    b = folded.encode(x, conditions, surface=surface)
    y = folded.decode(b, conditions, surface=surface)
    assert torch.equal(x, before)
    assert torch.allclose(b, plain.encode(x, conditions), atol=2e-5)
    assert torch.allclose(y, plain.decode(b, conditions), atol=2e-5)
    assert torch.allclose(restrict(y, levels), b, atol=2e-6)


@pytest.mark.parametrize("settings", [{"bases": 0}, {"decoder_blocks": 1}, {"decoder_blocks": 3}])
def test_with_other_blocks(settings):
    if settings.get("bases") == 0:
        settings = {**settings, "surface_channels": 2}
    plain = network(levels=2, **settings)
    folded, conditions = FoldedNetwork(plain), Conditions(surface_tensor(4, "cpu"))
    x = torch.randn(2, n_cells(4))
    surface = folded.surfaces(conditions)
    b = folded.encode(x, conditions, surface=surface)
    y = folded.decode(b, conditions, surface=surface)
    assert torch.allclose(b, plain.encode(x, conditions), atol=2e-5)
    assert torch.allclose(y, plain.decode(b, conditions), atol=2e-5)
