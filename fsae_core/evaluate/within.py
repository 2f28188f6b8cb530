"""What a finer field is worth in a part of the sphere: its power, and how much of its detail is right."""

from __future__ import annotations

__all__ = ["Detail", "detail", "power_within", "rmse_within"]

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.sphere.healpix import zoom_of
from fsae_core.sphere.pyramid import restrict

Array = NDArray[Any]
Index = NDArray[np.int64]


def rmse_within(truth: Array, fine: Array, cells: Index) -> float:
    """Root of the mean square difference of two fields (cells of a zoom,) over some of the cells."""
    return float(np.sqrt(np.mean(np.square(fine[cells].astype(np.float64) - truth[cells]))))


def power_within(field: Array, cells: Index, coarsest: int = 1) -> dict[int, float]:
    """Variance that each zoom from `coarsest` to the field's own adds in a part of the sphere.

    The mean over `cells` (of the field's zoom) of the squared difference between the block mean of a zoom and
    that of the zoom below; over all cells this is `fsae_core.sphere.spectrum.power_per_zoom`.
    """
    fine, here = np.asarray(field, np.float32), np.asarray(cells, np.int64)
    power: dict[int, float] = {}
    for zoom in range(zoom_of(fine.shape[-1]), max(coarsest, 1) - 1, -1):
        coarse = np.asarray(restrict(fine))
        step = fine[here].astype(np.float64) - coarse[here >> 2]
        power[zoom] = float(np.mean(step * step))
        fine, here = coarse, here >> 2
    return dict(sorted(power.items()))


@dataclass(frozen=True)
class Detail:
    """What a method adds to a plain field, beside what is missing there.

    spread: its standard deviation over that of what is missing (how much). correlation: with it (how right).
    NaN where one of the two does not vary.
    """

    spread: float
    correlation: float


def detail(truth: Array, plain: Array, fine: Array) -> Detail:
    """Of fields (cells,): `fine` adds detail to `plain`, which misses some of `truth`."""
    missed = np.asarray(truth, np.float64) - plain
    made = np.asarray(fine, np.float64) - plain
    if not (missed.std() > 0 and made.std() > 0):
        return Detail(float("nan"), float("nan"))
    right = float(np.corrcoef(made.ravel(), missed.ravel())[0, 1])
    return Detail(float(made.std() / missed.std()), right)
