"""What a CPU runs gives what the network gives, kept in float32 or, nearly, in bfloat16."""

import numpy as np
import pytest
import torch
from small_networks import network

from fsae_core import compiled
from fsae_core.model import kernels
from fsae_core.model.autoencoder import Conditions
from fsae_core.model.compression import surface_tensor
from fsae_core.model.conditioning import SOLAR
from fsae_core.model.folded import FoldedNetwork
from fsae_core.model.quick import QuickNetwork
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.pyramid import restrict


def both_ways(plain, zoom, *, sunny=False, half=False, fields=3):
    """What the network and its quick form make of the same fields: compressed ones and values."""
    torch.manual_seed(1)
    quick = QuickNetwork(FoldedNetwork(plain), half=half)
    x = torch.randn(fields, n_cells(zoom))
    solar = torch.randn(fields, n_cells(plain.token_zoom(zoom)), SOLAR) if sunny else None
    conditions = Conditions(surface_tensor(zoom, "cpu"), solar)
    sun, surface = None if solar is None else solar.numpy(), quick.surfaces(conditions)
    spread, offset = (1 + torch.rand(2, fields)).numpy()
    given = x.numpy().copy()
    b = quick.encode(given, sun, surface=surface)
    assert np.array_equal(given, x.numpy())
    true_b = plain.encode(x, conditions)
    y = quick.decode(true_b.numpy(), sun, spread, offset, surface=surface)
    true_y = plain.decode(true_b, conditions).numpy() * spread[:, None] + offset[:, None]
    return (b, true_b.numpy()), (y, true_y), (spread, offset)


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
@pytest.mark.parametrize("sunny", [True, False])
def test_gives_what_the_network_gives(levels, sunny):
    (b, true_b), (y, true_y), (spread, offset) = both_ways(network(levels=levels), 4, sunny=sunny)
    assert np.allclose(b, true_b, atol=2e-5)
    assert np.allclose(y, true_y, atol=5e-5)
    means = (restrict(y, levels) - offset[:, None]) / spread[:, None]
    assert np.allclose(means, true_b, atol=3e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {"bases": 0, "surface_channels": 2},
        {"bases": 20},
        {"attention": 0},
        {"exchange": 3},
        {"decoder_blocks": 1},
        {"decoder_blocks": 3},
    ],
)
def test_with_other_blocks(settings):
    (b, true_b), (y, true_y), _ = both_ways(network(levels=2, **settings), 4)
    assert np.allclose(b, true_b, atol=2e-5)
    assert np.allclose(y, true_y, atol=5e-5)


@pytest.mark.parametrize("settings", [{}, {"exchange": 3}, {"bases": 20}])
def test_halves_are_near(settings):
    (b, true_b), (y, true_y), _ = both_ways(network(levels=2, **settings), 4, sunny=True, half=True)
    assert 0 < np.abs(b - true_b).max() < 0.03
    assert 0 < np.sqrt(np.mean((y - true_y) ** 2)) < 0.02


def test_fields_depend_on_themselves_alone(monkeypatch):
    """Not on how many are worked on together: a store that is gone on with has the same bytes."""
    plain = network(levels=2)
    whole = both_ways(plain, 4, half=True, fields=5)
    monkeypatch.setattr("fsae_core.model.quick._CELLS_AT_ONCE", 2 * n_cells(4))
    parts = both_ways(plain, 4, half=True, fields=5)
    assert np.array_equal(whole[0][0], parts[0][0]) and np.array_equal(whole[1][0], parts[1][0])


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("name", ["softmax", "silu"])
def test_softmax_and_silu_are_those_of_torch(name, half):
    x = torch.linspace(-60, 60, 4096).view(16, 256)
    x = x.bfloat16() if half else x
    if name == "softmax":
        true = x.float().softmax(-1)
        kernels.softmax_in_place((x.view(torch.int16) if half else x).numpy())
    else:
        true = torch.nn.functional.silu(x.float())
        kernels.silu_in_place((x.view(torch.int16) if half else x).numpy())
    assert torch.allclose(x.float(), true, rtol=1.05 * 2**-8 if half else 1e-5, atol=1e-30)


def test_numbers_are_halved_as_torch_halves_them():
    x = torch.cat([torch.randn(4000), torch.tensor([0.0, -0.0, 1.0, 1 + 3 * 2**-8, 65504.0])])
    table, none = np.zeros((1, 0), np.uint32), np.empty((1, 0, 0), np.float32)
    out = torch.zeros(1, len(x) + 3, dtype=torch.bfloat16)
    kernels.lay_tokens(x[None].numpy(), table, none, out.view(torch.int16).numpy())
    assert torch.equal(out[0], torch.cat([x, torch.tensor([1.0, 0, 0])]).bfloat16())


def test_runs_where_nothing_can_be_kept(monkeypatch):
    import numba

    def njit(run, **options):
        if options.pop("cache", False):
            raise RuntimeError("cannot cache function: no locator available")
        return run

    monkeypatch.setattr(numba, "njit", njit)
    assert compiled.kernel(len)([1, 2]) == 2
