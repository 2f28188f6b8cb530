"""The convolutional baseline: no edges on the sphere, as many floats as asked for, a fair start, and weights
files that give the same network back."""

from dataclasses import asdict

import numpy as np
import pytest
import torch

from fsae_core.archive.climatology import HarmonicClimatology
from fsae_core.errors import UserError
from fsae_core.model.card import ModelCard, save_weights
from fsae_core.model.checkpoint import load_model
from fsae_core.model.cnn_layers import SphereConv, pad_sphere
from fsae_core.model.cnn_vae import CnnConditions, CnnVae, CnnVaeConfig
from fsae_core.model.compression import surface_tensor
from fsae_core.sphere.healpix import cell_vectors, n_cells
from fsae_core.sphere.pyramid import restrict

SMALL = {"widths": (8, 16), "conditions": 8, "bases": 2, "surface_channels": 1, "surface_zoom": 3}


def small(levels: int, **more) -> CnnVae:
    torch.manual_seed(0)
    return CnnVae(CnnVaeConfig(levels, **{**SMALL, **more})).eval()


def waves(zoom: int) -> torch.Tensor:
    turned = cell_vectors(zoom) @ np.array([[3.0, 1.0], [0.0, 2.0], [1.0, -4.0]])
    x = torch.from_numpy(np.sin(turned.T)).float()
    return (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)


def test_beyond_a_pole_lies_its_other_side():
    x = torch.arange(48.0).reshape(1, 1, 4, 12)
    padded = pad_sphere(x)[0, 0]
    assert padded.shape == (6, 14)
    torch.testing.assert_close(padded[0, 1:-1], x[0, 0, 0].roll(6))
    torch.testing.assert_close(padded[-1, 1:-1], x[0, 0, -1].roll(6))
    torch.testing.assert_close(padded[1:-1, 0], x[0, 0, :, -1])
    torch.testing.assert_close(padded[1:-1, -1], x[0, 0, :, 0])


def test_convolution_has_no_seam_in_longitude():
    conv = SphereConv(2, 3)
    x = torch.randn(1, 2, 6, 12)
    torch.testing.assert_close(conv(x.roll(5, -1)), conv(x).roll(5, -1))


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
@pytest.mark.parametrize("patch", [1, 2])
def test_floats_are_cells_over_ratio(levels, patch):
    network = small(levels, patch=patch)
    for zoom in (4, 5):
        conditions = CnnConditions(surface_tensor(zoom, "cpu"), torch.randn(2, n_cells(zoom - 2), 3))
        mean, spread = network.encode(waves(zoom), conditions)
        assert mean.shape == spread.shape == (2, n_cells(zoom) // 4**levels)
        assert network.decode(mean, conditions).shape == (2, n_cells(zoom))
    with pytest.raises(UserError, match="expected for ratio"):
        network.floats(2)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_the_start_is_near_average_and_interpolation(levels):
    network, x = small(levels), waves(4)
    conditions = CnnConditions(surface_tensor(4, "cpu"))
    y, _ = network(x, conditions)
    nearest = restrict(x, levels).repeat_interleave(4**levels, -1)
    assert (y - x).square().mean() < 1.5 * (nearest - x).square().mean() < x.square().mean()


@pytest.mark.parametrize("season", [False, True])
def test_every_parameter_has_a_gradient(season):
    network = small(2, season=season).train()
    known = torch.randn(2, 4) if season else torch.randn(2, n_cells(2), 3)
    y, divergence = network(waves(4), CnnConditions(surface_tensor(4, "cpu"), known))
    ((y - waves(4)).square().mean() + divergence.mean()).backward()
    still = [n for n, p in network.named_parameters() if p.grad is None or p.grad.abs().max() == 0]
    assert not still


def test_latents_are_drawn_in_training_alone():
    network, x = small(2, dropout=0.0, surface_dropout=0.0), waves(4)
    conditions = CnnConditions(surface_tensor(4, "cpu"))
    torch.testing.assert_close(network(x, conditions)[0], network(x, conditions)[0])
    network.train()
    assert (network(x, conditions)[0] - network(x, conditions)[0]).abs().max() > 1e-5


def save(path, levels: int, zooms: tuple[int, int], climatologies=None, **more):
    names = ["any"] if climatologies is None else [str(z) for z in climatologies]
    networks = {name: small(levels, season=climatologies is not None, **more) for name in names}
    tensors = {f"{n}.{k}": v.numpy() for n, net in networks.items() for k, v in net.state_dict().items()}
    for zoom, one in (climatologies or {}).items():
        tensors |= {f"climatology.{zoom}.{k}": v for k, v in one.to_dict().items()}
    config = {
        "networks": {name: asdict(network.config) for name, network in networks.items()},
        "climatologies": sorted(climatologies or {}),
        "scale": 4.0,
    }
    card = ModelCard("", "cnn-vae-general", 4**levels, None, zooms, 1, config, {}, {"minutes": 1.0})
    save_weights(path, card, tensors)
    return load_model(path, device="cpu")


def test_fields_of_any_variable_make_the_round_trip(tmp_path):
    model = save(tmp_path / "mine.safetensors", 2, (4, 8))
    x = (273 + 10 * waves(4).numpy()).astype(np.float32)
    times = np.array(["2020-01-01T00", "2020-03-25T13"], "datetime64[ns]")
    packed = model.compress_fields(x, variable="salinity", times=times, instant=True)
    assert packed.values.shape == (2, 192) and packed.zoom == -1 and packed.zoom_in == 4
    y = model.decompress_fields(packed, variable="salinity", times=times, instant=True)
    assert y.dtype == np.float32
    nearest = np.repeat(restrict(x, 2), 16, axis=-1)
    assert np.sqrt(((y - x) ** 2).mean()) < 1.2 * np.sqrt(((nearest - x) ** 2).mean())
    alone = model.compress_fields(x[1:], variable="a", times=times[1:], instant=True).values
    np.testing.assert_allclose(alone, packed.values[1:], atol=1e-3)


def test_the_hour_counts_only_in_the_seasons_that_training_saw(tmp_path):
    model = save(tmp_path / "mine.safetensors", 2, (4, 8))
    x = (280 + 20 * waves(4)[:1].numpy()).astype(np.float32)

    def back(day: str, instant: bool) -> np.ndarray:
        times = np.array([f"{day}T06"], "datetime64[ns]")
        packed = model.compress_fields(x, variable="a", times=times, instant=instant)
        return model.decompress_fields(packed, variable="a", times=times, instant=instant)

    assert np.abs(back("2020-03-25", True) - back("2020-03-25", False)).max() > 1e-4
    np.testing.assert_array_equal(back("2020-07-02", True), back("2020-07-02", False))


def test_anomalies_need_times_and_their_zoom(tmp_path):
    coef = np.zeros((5, n_cells(4)), np.float32)
    coef[0] = 280.0
    model = save(
        tmp_path / "own.safetensors",
        2,
        (4, 4),
        {4: HarmonicClimatology(coef, np.ones(n_cells(4), np.float32))},
    )
    times = np.array(["2000-01-01", "2000-07-01"], "datetime64[ns]")
    x = np.full((2, n_cells(4)), 280.0, np.float32)
    packed = model.compress_fields(x, variable="t2m", times=times)
    assert (packed.offset == 0).all() and (packed.scale == 4).all()
    y = model.decompress_fields(packed, variable="t2m", times=times)
    assert np.abs(y - x).max() < 2.0
    with pytest.raises(UserError, match="need the times"):
        model.compress_fields(x, variable="t2m")
    with pytest.raises(UserError, match="take zoom 4"):
        model.compress_fields(np.zeros((1, n_cells(5)), np.float32), variable="t2m", times=times[:1])
