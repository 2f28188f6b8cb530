"""From noise to fields: the probability flow integrated in few evaluations of a velocity.

The path is `z = cos a e + sin a y` for an angle a from 0 (noise e) to pi / 2 (field y); the velocity is the
expectation of `cos a y - sin a e` given z, and `sin a z + cos a v` is that of y. On Gaussian fields whose
modes have spreads from 1/e to e, 8 / 16 / 24 evaluations get a mode's spread wrong by 4.2 / 1.1 / 0.5 percent
in the mean with Heun's steps and by 7.8 / 1.6 / 0.9 with DPM-Solver++(2M) (`tests/diffusion`).
"""

from __future__ import annotations

__all__ = ["SAMPLERS", "Stopped", "dpm_solver", "heun", "sample"]

import math
from collections.abc import Callable
from itertools import pairwise

from torch import Tensor

from fsae_core.errors import UserError
from fsae_core.model.denoiser import QUARTER

Velocity = Callable[[Tensor, float], Tensor]


class Stopped(Exception):  # noqa: N818 (it is no error)
    """Raised inside a sampler when its `stop` said so."""


def _checked(velocity: Velocity, stop: Callable[[], bool] | None) -> Velocity:
    def asked(z: Tensor, angle: float) -> Tensor:
        if stop is not None and stop():
            raise Stopped
        return velocity(z, angle)

    return asked


def heun(
    velocity: Velocity, noise: Tensor, evaluations: int, stop: Callable[[], bool] | None = None
) -> Tensor:
    """Heun's second-order steps, two evaluations each, on even angles."""
    ask = _checked(velocity, stop)
    steps = max(1, evaluations // 2)
    width = QUARTER / steps
    z = noise
    for k in range(steps):
        first = ask(z, k * width)
        second = ask(z + width * first, (k + 1) * width)
        z = z + width / 2 * (first + second)
    return z


def dpm_solver(
    velocity: Velocity, noise: Tensor, evaluations: int, stop: Callable[[], bool] | None = None
) -> Tensor:
    """DPM-Solver++(2M) (Lu et al., arXiv 2211.01095), one evaluation a step, on even angles."""
    ask = _checked(velocity, stop)
    angles = [QUARTER * k / evaluations for k in range(evaluations + 1)]
    z, before, last = noise, None, math.inf
    for now, following in pairwise(angles):
        field = math.sin(now) * z + math.cos(now) * ask(z, now)
        first, end = now == 0.0, following == angles[-1]
        # exp(-h), h the step in log signal to noise; infinite at both ends of the path.
        shrink = 0.0 if first or end else math.tan(now) / math.tan(following)
        step = math.inf if shrink == 0.0 else -math.log(shrink)
        aim = field
        if before is not None and not end and math.isfinite(last):
            share = step / (2 * last)
            aim = (1 + share) * field - share * before
        ratio = 0.0 if end else math.cos(following) / math.cos(now)
        z = ratio * z + math.sin(following) * (1 - shrink) * aim
        before, last = field, step
    return z


SAMPLERS = {"heun": heun, "dpm++": dpm_solver}


def sample(
    name: str,
    velocity: Velocity,
    noise: Tensor,
    evaluations: int,
    stop: Callable[[], bool] | None = None,
) -> Tensor:
    """Run the sampler of that name; UserError for another one or fewer than two evaluations."""
    if name not in SAMPLERS:
        raise UserError(f"There is no sampler named {name}: choose one of {', '.join(SAMPLERS)}.")
    if evaluations < 2:
        raise UserError(
            f"{evaluations} evaluations were asked for, 2 or more are needed: 16 is a good number."
        )
    return SAMPLERS[name](velocity, noise, evaluations, stop)
