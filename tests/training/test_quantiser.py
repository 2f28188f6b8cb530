"""Rounding that training can bear."""

import numpy as np
import pytest
import torch

from fsae_core.model.autoencoder import AutoencoderConfig, Conditions, FieldSpaceAutoencoder
from fsae_core.model.compression import surface_tensor
from fsae_core.model.quantiser import Rounding, quantised
from fsae_core.sphere.healpix import n_cells
from fsae_core.training.autoencoder import AutoencoderTask
from fsae_core.training.fields import FieldPool, FieldSet

SMALL = AutoencoderConfig(levels=2, width=16, hidden=24, attention=8, exchange=4, bases=4, surface_zoom=4)


def test_straight_through_rounds_and_lets_gradients_pass():
    b = torch.linspace(-1, 1, 41, requires_grad=True)
    got = quantised(b, 0.3, Rounding.STRAIGHT)
    np.testing.assert_allclose(got.detach(), 0.3 * np.round(b.detach().numpy() / 0.3), atol=1e-6)
    (got * torch.arange(41.0)).sum().backward()
    assert torch.equal(b.grad, torch.arange(41.0))


def test_noise_is_as_wide_as_the_step_and_lets_gradients_pass():
    torch.manual_seed(0)
    b = torch.zeros(100_000, requires_grad=True)
    got = quantised(b, 0.3, Rounding.NOISE)
    off = got.detach()
    assert off.abs().max() <= 0.15 and off.std() == pytest.approx(0.3 / 12**0.5, rel=0.01)
    got.sum().backward()
    assert torch.equal(b.grad, torch.ones_like(b))


@pytest.mark.parametrize("rounding", list(Rounding))
def test_the_decoder_sees_what_is_rounded_and_the_encoder_still_learns(rounding, monkeypatch):
    torch.manual_seed(0)
    network, zoom = FieldSpaceAutoencoder(SMALL), 4
    x = torch.randn(6, n_cells(zoom))
    sets = [FieldSet("t2m", zoom, x.half(), np.zeros(6, "datetime64[ns]"), False, 1.0)]
    step = 0.25
    task = AutoencoderTask(
        network, FieldPool(sets, lambda zoom: 1.0, 4 * n_cells(zoom)), sets, torch.device("cpu"),
        step=step, rounding=rounding,
    )  # fmt: skip
    seen, decode = [], network.decode
    monkeypatch.setattr(network, "decode", lambda b, *a, **k: seen.append(b.detach()) or decode(b, *a, **k))
    loss = task.loss(network, np.random.default_rng(0))
    loss.backward()
    for name in ("encoder.read.weight", "compression.weight", "decompression.weight"):
        assert network.get_parameter(name).grad.abs().sum() > 0, name
    off = (seen[0] / step - torch.round(seen[0] / step)).abs().max()
    assert off < 1e-4 if rounding == Rounding.STRAIGHT else off > 0.3
    seen.clear()
    judged = task.validate(network.eval())
    assert judged > 0
    for b in seen:  # validation rounds, as a store does
        assert (b / step - torch.round(b / step)).abs().max() < 1e-4


def test_rounding_is_of_the_network_alone():
    network = FieldSpaceAutoencoder(SMALL).eval()
    x, conditions = torch.randn(2, n_cells(4)), Conditions(surface_tensor(4, "cpu"))
    y, b = network(x, conditions, 0, lambda b: quantised(b, 0.5))
    assert torch.equal(b, quantised(network.encode(x, conditions), 0.5))
    assert torch.allclose(y, network.decode(b, conditions), atol=1e-6)
