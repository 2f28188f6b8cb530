"""Samplers against the closed form: on Gaussian fields the expected velocity is known."""

import math

import pytest
import torch

from fsae_core.diffusion.samplers import SAMPLERS, Stopped, sample
from fsae_core.errors import UserError

SPREAD = torch.exp(torch.linspace(-1, 1, 21))


def velocity(z, angle):
    """Of noise N(0, 1) and fields N(0, SPREAD^2): E[cos a y - sin a e | z]."""
    c, s = math.cos(angle), math.sin(angle)
    return c * s * (SPREAD**2 - 1) / (c * c + s * s * SPREAD**2) * z


@pytest.mark.parametrize(
    ("name", "evaluations", "percent"),
    [
        ("heun", 8, 4.5),
        ("heun", 16, 1.2),
        ("heun", 24, 0.55),
        ("dpm++", 8, 8.0),
        ("dpm++", 16, 1.8),
        ("dpm++", 24, 1.0),
    ],
)
def test_error_of_a_mode_s_spread(name, evaluations, percent):
    end = sample(name, velocity, torch.ones(21), evaluations)
    assert 100 * float((end / SPREAD - 1).abs().mean()) < percent


@pytest.mark.parametrize(("name", "within"), [("heun", 1e-6), ("dpm++", 0.015)])
def test_without_velocity_nothing_moves(name, within):
    """So that the closed form alone is drawn exactly by Heun's steps, whose default this is."""
    z = torch.randn(3, 7, generator=torch.Generator().manual_seed(0))
    end = sample(name, lambda z, angle: torch.zeros_like(z), z, 16)
    torch.testing.assert_close(end, z, rtol=within, atol=1e-6)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_known_field_is_reached(name):
    """All fields are one field y: the velocity aims at it and the path ends there."""
    y = torch.linspace(-2, 2, 5)

    def aim(z, angle):
        c, s = math.cos(angle), math.sin(angle)
        return c * y - s * (z - s * y) / c if c > 1e-6 else torch.zeros_like(z)

    end = sample(name, aim, torch.randn(4, 5, generator=torch.Generator().manual_seed(1)), 200)
    torch.testing.assert_close(end, y.expand(4, 5), atol=0.02, rtol=0)


@pytest.mark.parametrize("name", SAMPLERS)
def test_stop_takes_effect_within_one_evaluation(name):
    asked = []

    def counted(z, angle):
        asked.append(angle)
        return velocity(z, angle)

    with pytest.raises(Stopped):
        sample(name, counted, torch.ones(21), 16, stop=lambda: len(asked) >= 3)
    assert len(asked) == 3


def test_what_cannot_be_sampled_is_refused():
    with pytest.raises(UserError, match="no sampler named euler"):
        sample("euler", velocity, torch.ones(21), 16)
    with pytest.raises(UserError, match="1 evaluations"):
        sample("heun", velocity, torch.ones(21), 1)
