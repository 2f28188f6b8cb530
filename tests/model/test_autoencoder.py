"""The network: tokens hold the right cells, nothing is frozen, the untrained model is the baseline, means
are kept."""

import numpy as np
import pytest
import torch

from fsae_core.errors import UserError
from fsae_core.model.attention import FieldSpaceAttention
from fsae_core.model.autoencoder import AutoencoderConfig, Conditions, FieldSpaceAutoencoder
from fsae_core.model.conditioning import SURFACE, solar_features, surface_features
from fsae_core.model.gather import gather, halo_table, neighbour_table, tokenise
from fsae_core.sphere.healpix import cell_centres, cell_vectors, n_cells, rotation_table
from fsae_core.sphere.pyramid import decompose, restrict

LEVELS = (1, 2, 3, 4)


def smooth_field(zoom: int, batch: int = 2, seed: int = 0) -> torch.Tensor:
    """A few waves on the sphere, normalised: like weather, most of it is large."""
    rng = np.random.default_rng(seed)
    vectors = cell_vectors(zoom)
    waves = [
        np.cos(vectors @ rng.normal(size=3) * k + rng.uniform(0, 6)) / k
        for k in (2, 4, 8, 16)
        for _ in range(batch)
    ]
    field = np.stack([sum(waves[i::batch]) for i in range(batch)])
    field = (field - field.mean(1, keepdims=True)) / field.std(1, keepdims=True)
    return torch.from_numpy(field.astype(np.float32))


def conditions(zoom: int) -> Conditions:
    rng = np.random.default_rng(7)
    land = (rng.random(n_cells(zoom)) > 0.5).astype(np.float32)
    return Conditions(torch.from_numpy(surface_features(1000 * land * rng.random(land.size), land)))


def small(levels: int, **other: int) -> FieldSpaceAutoencoder:
    torch.manual_seed(levels)
    sizes = {"width": 24, "hidden": 32, "attention": 16, "exchange": 4, "bases": 4, "surface_zoom": 4} | other
    return FieldSpaceAutoencoder(AutoencoderConfig(levels=levels, **sizes))


@pytest.mark.parametrize(("zoom", "token_zoom"), [(3, 1), (4, 1), (4, 2), (5, 2)])
def test_a_token_holds_all_its_own_cells_and_each_ring_cell(zoom, token_zoom):
    cells = torch.arange(n_cells(zoom), dtype=torch.float32)[None]
    tokens = tokenise(cells, token_zoom)[0].long().numpy()
    own = 4 ** (zoom - token_zoom)
    ring = neighbour_table(zoom)
    for token, entries in enumerate(tokens):
        mine = np.arange(token * own, (token + 1) * own)
        assert np.array_equal(entries[:own], mine)
        assert set(entries[own:]) == set(ring[mine].ravel()) - set(mine)
    assert tokens.shape[1] == own + 4 * 2 ** (zoom - token_zoom) + 4


def test_the_halo_touches_its_token():
    zoom, token_zoom = 5, 2
    vectors = cell_vectors(zoom)
    side = np.sqrt(4 * np.pi / n_cells(zoom))
    halo = halo_table(zoom, token_zoom)
    for token in range(0, n_cells(token_zoom), 17):
        mine = vectors[token * 64 : (token + 1) * 64]
        nearest = np.arccos(np.clip(vectors[halo[token]] @ mine.T, -1, 1)).min(axis=1)
        assert nearest.max() < 2 * side


@pytest.mark.parametrize("token_zoom", [None, 1, 2])
def test_the_gathers_backward_is_its_adjoint(token_zoom):
    x = torch.randn(2, n_cells(3), 3, dtype=torch.float64, requires_grad=True)
    y = gather(x, 3, token_zoom)
    g = torch.randn_like(y)
    y.backward(g)
    table = neighbour_table(3) if token_zoom is None else halo_table(3, token_zoom)
    plain = x.detach().clone().requires_grad_(True)
    plain[:, torch.from_numpy(table.copy())].backward(g)
    torch.testing.assert_close(x.grad, plain.grad)


@pytest.mark.parametrize("levels", LEVELS)
def test_every_parameter_has_a_gradient_at_the_first_step(levels):
    network = small(levels)
    x = smooth_field(4)
    solar = torch.from_numpy(solar_features(["2020-01-01T06", "2020-01-01T18"], network.token_zoom(4)))
    y, _ = network(x, conditions(4)._replace(solar=solar))
    (y - x).square().mean().backward()
    still = [
        n
        for n, p in network.named_parameters()
        if p.grad is None or not torch.isfinite(p.grad).all() or p.grad.abs().max() < 1e-12
    ]
    assert not still


def test_attention_learns_from_the_first_step():
    """The reference's nested gates give its attention gradients of 1e-15, below what Adam can see."""
    network = small(2)
    x = smooth_field(4)
    y, _ = network(x, conditions(4))
    (y - x).square().mean().backward()
    blocks = [b for b in network.modules() if isinstance(b, FieldSpaceAttention) and b.qkv is not None]
    assert blocks
    for block in blocks:
        assert block.qkv.weight.grad.abs().max() > 1e-7


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("zoom", [4, 5])
def test_the_untrained_model_is_near_block_mean_and_smooth_prolongation(levels, zoom):
    network = small(levels).eval()
    x = smooth_field(zoom)
    with torch.no_grad():
        y, b = network(x, conditions(zoom))
    base = network.baseline(x, levels)
    assert b.shape == (2, n_cells(zoom) // 4**levels)
    assert (y - base).square().mean().sqrt() < 0.03


@pytest.mark.parametrize("levels", LEVELS)
def test_the_block_mean_of_what_is_decoded_is_the_compressed_field(levels):
    network = small(levels).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    b = torch.randn(2, n_cells(5 - levels))
    with torch.no_grad():
        y = network.decode(b, conditions(5))
    assert (y - network.decompression(b)).abs().max() > 1e-3
    torch.testing.assert_close(restrict(y, levels), b, atol=1e-5, rtol=1e-5)


def test_levels_that_are_missing_count_as_zero_residuals():
    network = small(2).eval()
    x = smooth_field(4)
    levels = decompose(x, (2, 3, 4))
    with torch.no_grad():
        whole = network.encode(x, conditions(4))
        together = network.encode(levels, conditions(4))
        masked = network.encode({2: levels[2], 3: levels[3], 4: None}, conditions(4))
        by_name = network.encode({2: levels[2], 3: levels[3]}, conditions(4), zoom=4)
    torch.testing.assert_close(whole, together, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(masked, by_name)
    assert (masked - whole).abs().max() > 1e-5


def test_quarter_turns_of_field_and_surface_turn_the_result():
    network = small(2, surface_channels=2).eval()
    surface = conditions(4).surface
    x = smooth_field(4)
    turn = torch.from_numpy(rotation_table(4, 1).copy())
    coarse_turn = torch.from_numpy(rotation_table(2, 1).copy())
    with torch.no_grad():
        y, b = network(x, Conditions(surface))
        turned_y, turned_b = network(x[:, turn], Conditions(surface, turn=turn))
    # Surface and sums are the same numbers in another place; halos of the caps list their sides in another
    # order.
    torch.testing.assert_close(turned_b, b[:, coarse_turn], atol=2e-3, rtol=0)
    torch.testing.assert_close(turned_y, y[:, turn], atol=2e-2, rtol=0)


def test_a_field_too_coarse_is_refused_in_a_sentence():
    with pytest.raises(UserError, match="zoom 2 was found, zoom 3 or finer"):
        small(2).encode(torch.zeros(1, n_cells(2)), conditions(2))


def test_surface_features_are_relative_to_the_fields_own_zoom():
    flat = surface_features(np.full(n_cells(4), 500.0), np.ones(n_cells(4)))
    assert flat.shape == (n_cells(4), SURFACE)
    np.testing.assert_allclose(flat[:, [1, 2, 3, 5, 6, 7]], 0, atol=1e-6)
    np.testing.assert_allclose(flat[:, 0], 0.5)


def test_the_sun_stands_where_it_should():
    lon, lat = cell_centres(4)
    noon = solar_features(["2020-03-20T12:00"], 4)[0]
    overhead = np.argmax(noon[:, 0])
    assert abs(lon[overhead]) < 8 and abs(lat[overhead]) < 8
    morning = solar_features(["2020-03-20T06:00"], 4)[0]
    assert abs(lon[np.argmax(morning[:, 0])] - 90) < 8
    june = solar_features(["2020-06-21T12:00"], 4)[0]
    assert 15 < lat[np.argmax(june[:, 0])] < 31
    assert (june[lat < -75, 0] < 0).all() and (june[lat > 75, 0] > 0).all()
