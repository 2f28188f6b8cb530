"""Rounding of compressed fields as training can bear it, so that a decoder learns to live with coarse steps.

Rounding has no gradient. Either uniform noise of the step's width stands for it, which has the same mean and
spread (Balle et al., arXiv 1611.01704), or values are rounded and gradients pass as if they were not
(straight through; van den Oord et al., arXiv 1711.00937).
"""

from __future__ import annotations

__all__ = ["Rounding", "quantised"]

from enum import StrEnum

import torch
from torch import Tensor


class Rounding(StrEnum):
    """How training rounds."""

    NOISE = "noise"
    STRAIGHT = "straight-through"


def quantised(b: Tensor, step: float, rounding: Rounding = Rounding.STRAIGHT) -> Tensor:
    """Compressed fields in whole steps, or with noise of that width; of the same shape, gradients pass."""
    if rounding == Rounding.NOISE:
        return b + step * (torch.rand_like(b) - 0.5)
    return b + (step * torch.round(b / step) - b).detach()
