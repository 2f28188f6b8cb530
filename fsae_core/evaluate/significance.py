"""Whether a change of the mean stands out: t-tests cell by cell, and how many of them may be believed.

Ensembles have members on the first axis, (member, ...). Of very many tests some are small by chance, so the
cells that count are chosen by the false discovery rate (Wilks 2016, doi:10.1175/BAMS-D-15-00267.1).
"""

from __future__ import annotations

__all__ = ["discovered", "paired_p_values", "two_sample_p_values"]

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fsae_core.errors import UserError

Floats = NDArray[np.float64]


def _members(ensemble: ArrayLike) -> Floats:
    e = np.asarray(ensemble, dtype=np.float64)
    if len(e) < 2:
        raise UserError(f"{len(e)} members were given, at least 2 are needed for a test.")
    return e


def _two_sided(t: Floats, freedom: ArrayLike) -> Floats:
    from scipy.stats import t as student  # late: it takes a while

    return np.asarray(2.0 * student.sf(np.abs(t), freedom), dtype=np.float64)


def _over(change: Floats, error: Floats) -> Floats:
    """t; where nothing varies, 0 without a change and infinite with one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((change == 0) & (error == 0), 0.0, change / error)


def paired_p_values(one: ArrayLike, other: ArrayLike) -> Floats:
    """Two-sided p of the mean of one - other (member, ...), members in pairs, (...). UserError below two."""
    a, b = _members(one), _members(other)
    if a.shape != b.shape:
        raise UserError(f"Pairs were expected, but shapes are {a.shape} and {b.shape}: give alike ensembles.")
    d = a - b
    return _two_sided(_over(d.mean(axis=0), d.std(axis=0, ddof=1) / np.sqrt(len(d))), len(d) - 1)


def two_sample_p_values(one: ArrayLike, other: ArrayLike) -> Floats:
    """Two-sided p of the difference of two means as if members had nothing in common, (...): Welch's test.

    Where both ensembles share their random numbers it asks whether the change stands out of the weather.
    UserError below two members.
    """
    a, b = _members(one), _members(other)
    va, vb = a.var(axis=0, ddof=1) / len(a), b.var(axis=0, ddof=1) / len(b)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.square(va + vb) / (np.square(va) / (len(a) - 1) + np.square(vb) / (len(b) - 1))
    freedom = np.where(np.isfinite(freedom), freedom, len(a) + len(b) - 2)
    return _two_sided(_over(a.mean(axis=0) - b.mean(axis=0), np.sqrt(va + vb)), freedom)


def discovered(p_values: ArrayLike, rate: float = 0.1) -> NDArray[np.bool_]:
    """Which tests (n,) are believed at a false discovery rate (Benjamini and Hochberg 1995).

    As fields on the sphere are correlated, a rate of 0.1 is a test of the whole field at about 0.05 (Wilks
    2016): where no cell is left, the field as a whole did not change significantly.
    """
    p = np.asarray(p_values, dtype=np.float64)
    ordered = np.sort(p)
    below = np.flatnonzero(ordered <= rate * np.arange(1, p.size + 1) / p.size)
    if not below.size:
        return np.zeros(p.shape, bool)
    return np.asarray(p <= ordered[below[-1]])
