"""Corrections of a reconstruction, so that no value is off by more than a bound.

What the decoder misses is rounded to whole steps of somewhat less than twice the bound. The rest of the bound
is left for float32 and for networks whose last digits depend on machine, threads and batches.
"""

from __future__ import annotations

__all__ = ["check_bound", "corrected", "correction_step", "corrections"]

import numpy as np
from numpy.typing import NDArray

from fsae_core.errors import UserError

Floats = NDArray[np.float32]

_MARGIN = 1 / 16  # of the bound
_DRIFT = 1e-5  # of the field's spread: ten times what was seen between batches and threads


def correction_step(max_error: float) -> float:
    """The step of corrections that keep this bound. UserError for a bound that is not a number above 0."""
    check_bound(max_error)
    return 2 * max_error * (1 - _MARGIN)


def check_bound(max_error: float) -> None:
    """UserError for a bound that is not a number above 0."""
    if not (np.isfinite(max_error) and max_error > 0):
        raise UserError(
            f"A largest error of {max_error:g} was asked for, expected a number above 0: choose another."
        )


def corrections(x: Floats, back: Floats, max_error: float) -> NDArray[np.int32]:
    """Whole steps (time, cell) that lead from ``back`` to within the bound of ``x``.

    Raises UserError for a bound finer than networks are the same everywhere.
    """
    step = correction_step(max_error)
    spread = float(x.std(axis=-1).max(initial=0))
    finest = float(_DRIFT * spread + 4 * np.spacing(np.float32(abs(x).max(initial=0)))) / _MARGIN
    if max_error < finest:
        raise UserError(
            f"A largest error of {max_error:g} was asked for, but reconstructions are the same on every "
            f"machine only to {finest:.2g} here: choose that or more."
        )
    return np.rint((x.astype(np.float64) - back) / step).astype(np.int32)


def corrected(back: Floats, numbers: NDArray[np.int32], max_error: float) -> Floats:
    """The reconstruction with its corrections."""
    return (back + numbers * correction_step(max_error)).astype(np.float32)
