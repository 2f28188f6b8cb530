"""The velocity network and the task that trains it."""

import numpy as np
import pytest
import torch

from fsae_core.errors import UserError
from fsae_core.model.climate import climate_at
from fsae_core.model.denoiser import QUARTER, Denoiser, DenoiserConfig, query_of
from fsae_core.model.gaussian import GaussianConfig, GaussianEmulator
from fsae_core.training.diffusion import latents_of
from fsae_core.training.flow import DiffusionTask, FlowConfig, Windows

SMALL = DenoiserConfig(zoom=2, token_levels=1, width=16, hidden=16, exchange=4, embedding=16)
CELLS = 192


def times(count):
    return np.datetime64("1990-01-01T12", "h") + np.timedelta64(72, "h") * np.arange(count)


def windows(count=60, seed=0, runs=None):
    """Fields with a positive third moment, which no Gaussian has."""
    noise = np.random.default_rng(seed).normal(size=(count, CELLS))
    y = (noise**2 - 1) / np.sqrt(2)
    runs = np.zeros(count, int) if runs is None else runs
    return Windows(y.astype(np.float32), climate_at(times(count)), runs)


def task(flow=None):
    torch.manual_seed(0)
    emulator = GaussianEmulator(GaussianConfig(2))
    flow = flow or FlowConfig(frames=4, windows=4, singles=16)
    return DiffusionTask(Denoiser(SMALL), emulator, [windows()], windows(seed=1), torch.device("cpu"), flow)


def test_untrained_network_is_the_closed_form():
    net = Denoiser(SMALL)
    z = torch.randn(1, 3, CELLS)
    assert net(z, torch.full((1,), 0.4), query_of(climate_at(times(3)))).abs().max() == 0
    assert task().validate(Denoiser(SMALL)) == pytest.approx(1.0)


def test_every_parameter_learns():
    it = task()
    optimizer = torch.optim.Adam(it.module.parameters(), lr=1e-2)
    before = {k: v.detach().clone() for k, v in it.module.named_parameters()}
    rng = np.random.default_rng(0)
    for _ in range(12):
        loss = it.loss(it.module, rng)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    still = [k for k, v in it.module.named_parameters() if torch.equal(v, before[k])]
    assert not still


def test_frames_see_each_other_and_conditions_matter():
    torch.manual_seed(1)
    net = Denoiser(SMALL)
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.2)
    climate = climate_at(times(5))
    z, angle = torch.randn(1, 5, CELLS), torch.full((1,), 0.7)
    one = net(z, angle, query_of(climate))
    other = z.clone()
    other[0, 4] += 1.0
    assert (net(other, angle, query_of(climate))[0, 0] - one[0, 0]).abs().max() > 1e-4
    assert (net(z, angle, query_of(climate.having(co2=500.0))) - one).abs().max() > 1e-4
    unknown = climate.having(co2=float("nan"))
    assert torch.isfinite(net(z, angle, query_of(unknown))).all()
    torch.testing.assert_close(
        net(z, angle, query_of(climate.having(co2=500.0)).unknown()),
        net(z, angle, query_of(climate).unknown()),
    )
    assert net(z, angle + QUARTER / 3, query_of(climate)).shape == one.shape


def test_windows_never_cross_a_gap():
    runs = np.repeat([0, 1, 2], [10, 3, 7])
    found = windows(20, runs=runs)
    assert found.starts(4).tolist() == [0, 1, 2, 3, 4, 5, 6, 13, 14, 15, 16]
    y, query = found.take(np.array([13]), 4)
    torch.testing.assert_close(y[0], found.y[13:17])
    np.testing.assert_allclose(query.phase[0].numpy(), found.climate.phase[13:17], rtol=1e-6)


def test_angles_lie_on_the_path():
    for name in ("uniform", "edm"):
        angles = task(FlowConfig(angles=name))._angles(500, np.random.default_rng(0))
        assert float(angles.min()) >= 0 and float(angles.max()) <= QUARTER
        assert float(angles.std()) > 0.2


def test_an_archive_without_weights_of_its_own_is_refused():
    from block_mean import small_archive

    with pytest.raises(UserError, match="no weights for the archive"):
        latents_of(small_archive(), 3)
