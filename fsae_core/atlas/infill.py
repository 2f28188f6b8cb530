"""Gaps of an observed record, filled from the patterns of the record itself.

Each gap gets its expected value given the known cells of its time, where fields are leading empirical
orthogonal functions of the best observed times plus noise (reduced space optimal interpolation, Kaplan et
al. 1997, doi:10.1029/97JC01734). How much noise is found by hiding, in well observed times, what gappy
times lack: cells around a region that is missing err together, so there are fewer independent values than
cells. What is filled has less spread than what is missing: it says what the rest of the field makes likely,
no more.
"""

from __future__ import annotations

__all__ = ["Filled", "infill"]

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsae_core.archive.climatology import harmonic_basis
from fsae_core.atlas.calendar import Floats, Times
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import ring_table, zoom_of

Cells = NDArray[np.intp]
Single = NDArray[np.float32]
Mask = NDArray[np.bool_]

_PATTERNS = 40
_NOISE = (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0)
_ROUNDS = 3
_TRIALS = 120
_MOST_NEVER = 0.02
_LEAST_REST = 1e-3
"""Of a cell's variance: without any noise, patterns that are mere rounding would be trusted."""


@dataclass(frozen=True)
class Filled:
    """values: (time, cell) float32 without gaps; share: of values filled; rmse: of what was hidden in well
    observed times, beside its spread about the season, in the field's units."""

    values: Single
    share: float
    rmse: float
    spread: float


def infill(x: Floats, times: Times, *, seed: int = 0) -> Filled:
    """Fill the NaN of fields (time, cell), nested cells.

    Cells that never have a value take their neighbours' mean. Raises UserError where a time has no value at
    all, or more than 2 % of the cells.
    """
    known = np.isfinite(x)
    if known.all():
        return Filled(np.asarray(x, np.float32), 0.0, 0.0, 0.0)
    share = float(1 - known.mean())
    empty = int((~known.any(axis=1)).sum())
    if empty:
        raise UserError(
            f"{empty} times of the record have no value at all, so nothing says what to fill them with: "
            "leave these times out."
        )
    never = np.flatnonzero(~known.any(axis=0))
    if never.size > _MOST_NEVER * x.shape[1]:
        raise UserError(
            f"{never.size} of {x.shape[1]} cells have no value at any time, too many to guess: choose a "
            "variable that covers the sphere."
        )
    x = np.asarray(x, np.float32).copy()
    x[:, never], known[:, never] = 0.0, True
    if known.all():
        return Filled(_from_ring(x, never), share, float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    level = _seasons(x, known, times)
    anomaly = np.where(known, x - level, 0.0).astype(np.float32)
    rmse, spread, noise = _trial(anomaly, known, rng)
    base = _best_observed(known)
    patterns = _patterns(anomaly[base], known[base], noise, rng)
    values = np.where(known, x, _expected(anomaly, known, *patterns, noise) + level).astype(np.float32)
    return Filled(_from_ring(values, never), share, rmse, spread)


def _from_ring(x: Single, cells: Cells) -> Single:
    """Give these cells the mean of their neighbours, spreading inwards where they lie together."""
    ring = ring_table(zoom_of(x.shape[1]))
    todo = set(cells.tolist())
    while todo:
        ready = {c: [n for n in ring[c] if n >= 0 and n not in todo] for c in todo}
        for cell, around in ready.items():
            if around:
                x[:, cell] = x[:, around].mean(axis=1)
        todo -= {c for c, around in ready.items() if around}
    return x


def _seasons(x: Single, known: Mask, times: Times) -> Single:
    """Mean and two harmonics of each cell, held back where few times are known: (time, cell)."""
    basis = harmonic_basis(times)
    values = np.where(known, x, 0.0).astype(np.float64)
    gram = np.einsum("ti,tj,tc->cij", basis, basis, known.astype(np.float64), optimize=True)
    right = basis.T @ values
    ridge = np.diag([0.0, 1.0, 1.0, 1.0, 1.0])
    coefficients = np.linalg.solve(gram + ridge, right.T[:, :, None])[:, :, 0]
    return (basis @ coefficients.T).astype(np.float32)


def _best_observed(known: Mask) -> NDArray[np.intp]:
    """Rising indices of the half of the times with the fewest gaps, and of all that are as good as
    those."""
    shares = known.mean(axis=1)
    return np.flatnonzero(shares >= np.median(shares) - 0.005)


def _patterns(
    anomaly: Single, known: Mask, noise: float, rng: np.random.Generator
) -> tuple[Single, Floats, float]:
    """Leading functions (cell, pattern), their variance (pattern,), and the variance a cell has beside
    them."""
    field = anomaly.copy()
    count = max(1, min(_PATTERNS, min(field.shape) // 3))
    basis = np.linalg.qr(rng.standard_normal((field.shape[1], count)).astype(np.float32))[0]
    for step in range(_ROUNDS):
        for _ in range(4):
            basis = np.linalg.qr(field.T @ (field @ basis))[0]
        scores = field @ basis
        values, turn = np.linalg.eigh((scores.T @ scores).astype(np.float64) / len(field))
        basis = basis @ turn.astype(np.float32)
        total = float(np.square(field).sum(axis=1, dtype=np.float64).mean())
        rest = (total - values.sum()) / max(field.shape[1] - count, 1)
        rest = max(float(rest), _LEAST_REST * total / field.shape[1], 1e-30)
        if step < _ROUNDS - 1:
            field = np.where(known, anomaly, _expected(anomaly, known, basis, values, rest, noise))
    return basis, values, rest


def _expected(
    anomaly: Single, known: Mask, basis: Single, variance: Floats, rest: float, noise: float
) -> Single:
    """What the functions say at the gaps, given the known cells; 0 elsewhere: (time, cell)."""
    out = np.zeros_like(anomaly)
    prior = np.diag(noise * rest / np.maximum(variance, 1e-6 * rest))
    for row in np.flatnonzero(~known.all(axis=1)):
        there = known[row]
        part = basis[there]
        gram = (part.T @ part).astype(np.float64) + prior
        scores = np.linalg.solve(gram, (part.T @ anomaly[row, there]).astype(np.float64))
        out[row, ~there] = basis[~there] @ scores.astype(np.float32)
    return out


def _trial(anomaly: Single, known: Mask, rng: np.random.Generator) -> tuple[float, float, float]:
    """RMSE of filling the gaps of gappy times in well observed ones, what is filled's spread, and the noise
    factor that does it best."""
    base = _best_observed(known)
    tried = np.sort(rng.choice(base, min(_TRIALS, max(1, base.size // 4)), replace=False))
    rest = np.setdiff1d(base, tried)
    gappy = np.flatnonzero(~known.all(axis=1))
    # Times lend their gaps in proportion to how many they have: that is where most of the filling is done.
    weight = (~known[gappy]).sum(axis=1).astype(float)
    lent = known[rng.choice(gappy, tried.size, p=weight / weight.sum())]
    hidden = known[tried] & ~lent
    truth = anomaly[tried][hidden]
    if not truth.size or rest.size < 2:
        return float("nan"), float("nan"), _NOISE[2]
    seen = np.where(lent, anomaly[tried], 0.0).astype(np.float32)
    errors = {}
    for noise in _NOISE:
        patterns = _patterns(anomaly[rest], known[rest], noise, rng)
        guess = _expected(seen, known[tried] & lent, *patterns, noise)[hidden]
        errors[noise] = float(np.sqrt(np.mean((guess - truth) ** 2)))
    best = min(errors, key=errors.__getitem__)
    return errors[best], float(np.sqrt(np.mean(truth**2))), best
