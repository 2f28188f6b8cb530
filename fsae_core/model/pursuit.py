"""Which few of many patterns tell a field best, and how much of each: orthogonal matching pursuit.

Patterns that lie most along what is not told yet are taken, some at a time; after each time all amounts are
fitted anew by least squares (Pati et al. 1993, doi:10.1109/ACSSC.1993.342465). At the end the least useful
are exchanged for better ones a few times, since early choices are made in ignorance of later ones.
"""

from __future__ import annotations

__all__ = ["Patterns", "largest", "pursue"]

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

_ROUNDS = 24
_AT_FIRST = 0.85
"""How much of the room patterns may fill before it is known what says their places."""
_EXCHANGES = (0.3, 0.2, 0.15, 0.1, 0.05, 0.0)
"""What share of the patterns is given up and chosen again, one time after the other."""
_STEPS, _LAST_STEPS = 6, 16
"""Of conjugate gradients, from the amounts before."""


class Patterns(Protocol):
    """Linear maps of n amounts a field, of patterns of about the same norm."""

    def together(self, amounts: Tensor) -> Tensor:
        """(field, n) -> the fields they make, (field, cells)."""
        ...

    def along(self, fields: Tensor) -> Tensor:
        """The adjoint: (field, cells) -> (field, n)."""
        ...


def pursue(patterns: Patterns, fields: Tensor, cost: Callable[[Tensor], Tensor], room: int) -> Tensor:
    """Amounts (field, n), 0 but for as many as there is room for, that tell fields (field, cells) best.

    cost: of chosen patterns, flags (field, n) -> (field,), in numbers.
    """
    left = patterns.along(fields)
    amounts, chosen = torch.zeros_like(left), torch.zeros_like(left, dtype=torch.bool)
    for turn in range(_ROUNDS):
        wanted = torch.full_like(left[:, 0], round(_AT_FIRST * room * (turn + 1) / _ROUNDS))
        chosen = _with_more(chosen, left, wanted)
        amounts, left = _fitted(patterns, fields, amounts, left, chosen, _STEPS)
    for share in _EXCHANGES:
        count = chosen.sum(1)
        wanted = (count * room / cost(chosen).clamp_min(1)).floor()
        kept = largest(amounts.abs(), torch.minimum(((1 - share) * wanted).floor(), count))
        amounts, left = _shortened(patterns, fields, amounts, kept)
        amounts, left = _fitted(patterns, fields, amounts, left, kept, _STEPS)
        chosen = _with_more(kept, left, wanted) if share else kept
        amounts, left = _fitted(patterns, fields, amounts, left, chosen, _STEPS)
    while bool((over := (cost(chosen) - room).clamp_min(0)).any()) and bool(chosen.any()):
        chosen = largest(amounts.abs(), (amounts.ne(0).sum(1) - over.ceil()).clamp_min(0))
        amounts = amounts * chosen
    amounts, left = _shortened(patterns, fields, amounts, chosen)
    return _fitted(patterns, fields, amounts, left, chosen, _LAST_STEPS)[0]


def _with_more(chosen: Tensor, left: Tensor, wanted: Tensor) -> Tensor:
    """With those that lie most along what is left, until there are as many as wanted (field,)."""
    worth = left.abs().masked_fill(chosen, 0.0)
    return chosen | largest(worth, (wanted - chosen.sum(1)).clamp_min(0))


def largest(worth: Tensor, count: Tensor) -> Tensor:
    """Flags (field, n) of so many (field,) of the largest, of which those that are worth nothing are none."""
    most = int(count.max())
    flags = torch.zeros_like(worth, dtype=torch.bool)
    if not most:
        return flags
    values, places = worth.topk(min(most, worth.shape[1]), dim=1)
    rank = torch.arange(values.shape[1], device=worth.device)
    return flags.scatter(1, places, (rank < count[:, None]) & (values > 0))


def _shortened(patterns: Patterns, fields: Tensor, amounts: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    """Without what is not kept; and what lies along all patterns then."""
    amounts = amounts * kept
    return amounts, patterns.along(fields - patterns.together(amounts))


def _fitted(
    patterns: Patterns, fields: Tensor, amounts: Tensor, left: Tensor, chosen: Tensor, steps: int
) -> tuple[Tensor, Tensor]:
    """Least squares of what is chosen, from amounts and what is left along all patterns; both anew.

    Conjugate gradients on the normal equations.
    """
    gradient = left * chosen
    direction, size = gradient, gradient.square().sum(1, keepdim=True)
    least = torch.finfo(size.dtype).tiny
    for _ in range(steps):
        image = patterns.together(direction)
        length = size / image.square().sum(1, keepdim=True).clamp_min(least)
        amounts, left = amounts + length * direction, left - length * patterns.along(image)
        gradient = left * chosen
        smaller = gradient.square().sum(1, keepdim=True)
        direction = gradient + smaller / size.clamp_min(least) * direction
        size = smaller
    return amounts, left
