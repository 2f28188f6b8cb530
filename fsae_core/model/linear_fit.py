"""Closed-form fit of `LinearFieldCodec` from anomalies: minutes of one thread, no gradient descent.

What is done and why (validation errors are in the ablation table of the archive's weights):
- sample covariances of few maps are noisy at long distance: they are multiplied by a taper with a floor;
- variance and patterns turn with the season: correlations of anomalies divided by their seasonal spread are
  averaged over a window of days blended with the whole year, then multiplied by the spread of the day;
- scarce fine fields have more small scales: their (shorter-tapered) covariance is mixed in;
- the fine field is a ridge regression on the decoded coarse anomalies around, fitted on the few fine maps.
"""

from __future__ import annotations

__all__ = ["LinearFit", "fit_linear_codec"]

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from fsae_core.errors import UserError
from fsae_core.model.covariance import (
    Floats,
    SeasonalSpread,
    block_directions,
    cells_zoom,
    day_weights,
    default_subspace,
    leading,
    rotate,
    taper,
)
from fsae_core.model.linear import LinearCodecConfig, LinearFieldCodec, two_ring
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.pyramid import prolong, restrict


@dataclass(frozen=True)
class LinearFit:
    """Settings of the fit; the defaults were tuned on validation times of the simulated archive."""

    seasons: int = 12  # nodes a year; 1 switches the seasonal basis off
    kernel_days: float = 30.0
    all_year: float = 0.3  # share of the whole year in each window
    taper_deg: float = 75.0
    taper_floor: float = 0.3
    fine_taper_deg: float = 30.0
    fine_share: float = 0.2  # of the fine fields' covariance in the all-year basis; half of it in the nodes
    patch_taper_deg: float = 15.0
    patch_zoom: int = 1  # 0 is better still, with four times the numbers
    neighbours: int | None = None  # None: 25 for the two finest bottlenecks, 9 for the others
    ridge: float | None = None  # None: 0.003 on true coarse fields, 0.03 on decoded ones
    subspace: int | None = None
    dense_cells: int = 6144  # beyond, covariances of cells do not fit: samples are decomposed instead


@dataclass
class _Samples:
    values: Floats
    phase: NDArray[np.float64]
    share: float
    all_year: float
    half_width: float
    floor: float


def _completed(basis: Floats, directions: Floats) -> Floats:
    """Fill an orthonormal basis up with block means where the maps were too few for all its columns."""
    missing = directions.shape[1] - basis.shape[1]
    if missing <= 0:
        return basis
    rest = directions - basis @ (basis.T @ directions)
    u, _, _ = np.linalg.svd(rest, full_matrices=False)
    return np.concatenate([basis, u[:, :missing]], axis=1)


class _Covariance:
    """Covariance of the coarse anomalies at one phase (or all year): its leading basis and its products."""

    def __init__(self, sets: list[_Samples], fit: LinearFit) -> None:
        self.sets, self.fit = sets, fit
        self.cells = sets[0].values.shape[1]
        self.zoom = cells_zoom(sets[0].values)
        self.dense = self.cells <= fit.dense_cells
        self.spread = SeasonalSpread(sets[0].values, sets[0].phase, fit.kernel_days)
        self._tapers: dict[tuple[float, float], Floats] = {}

    def _taper(self, s: _Samples) -> Floats:
        key = (s.half_width, s.floor)
        if key not in self._tapers:
            self._tapers[key] = taper(self.zoom, *key)
        return self._tapers[key]

    def rows(self, centre: float | None) -> list[Floats]:
        """Weighted samples whose outer products sum to the covariance without tapers."""
        found = []
        for s in self.sets:
            if centre is None:
                weights = np.full(len(s.values), s.share / len(s.values), dtype=np.float32)
                found.append(s.values * np.sqrt(weights)[:, None])
            else:
                weights = s.share * day_weights(s.phase, centre, self.fit.kernel_days, s.all_year)
                scaled = s.values / self.spread.at(s.phase)
                found.append(scaled * np.sqrt(weights)[:, None] * self.spread.at(centre))
        return found

    def matrix(self, centre: float | None) -> Floats:
        """Tapered covariance (cells, cells)."""
        total = np.zeros((self.cells, self.cells), dtype=np.float32)
        for s, rows in zip(self.sets, self.rows(centre), strict=True):
            total += (rows.T @ rows) * self._taper(s)
        return total

    def basis(self, rank: int) -> tuple[Floats, Floats]:
        """All-year leading basis (cells, rank) rotated towards block means."""
        directions = block_directions(self.cells, rank) if _is_field(rank) else None
        if self.dense:
            matrix = self.matrix(None)
            reach = matrix @ directions if directions is not None else None
            basis = leading(matrix, rank)
        else:
            rows = np.concatenate(self.rows(None))
            _, s, vt = np.linalg.svd(rows, full_matrices=False)
            kept = int(min(rank, (s > s[0] * 1e-6).sum()))
            reach = rows.T @ (rows @ directions) if directions is not None else None
            basis = np.ascontiguousarray(vt[:kept].T)
        fill = directions if directions is not None else np.eye(self.cells, rank, dtype=np.float32)
        basis = _completed(basis, fill)
        return basis, basis if reach is None else rotate(basis, basis.T @ reach)

    def node(self, centre: float, basis: Floats, floats: int) -> Floats:
        """Seasonal basis inside the subspace, (subspace, floats), rotated towards block means."""
        directions = block_directions(self.cells, floats)
        if self.dense:
            matrix = self.matrix(centre)
            inner, reach = basis.T @ (matrix @ basis), basis.T @ (matrix @ directions)
        else:
            rows = np.concatenate(self.rows(centre))
            seen = rows @ basis
            inner, reach = seen.T @ seen, seen.T @ (rows @ directions)
        node = leading(inner.astype(np.float32), floats)
        return rotate(node, node.T @ reach)


def _is_field(floats: int) -> bool:
    zoom = round(np.log2(floats / 12) / 2) if floats >= 12 else -1
    return zoom >= 0 and n_cells(zoom) == floats


def _patches(fine: Floats, config: LinearCodecConfig, fit: LinearFit) -> Floats:
    """Leading directions of the tapered covariance inside each patch, (patches, cells, floats)."""
    count = n_cells(config.patch_zoom)
    size, floats = fine.shape[1] // count, n_cells(config.coarse_zoom) // count
    directions = block_directions(size, floats)
    found = np.empty((count, size, floats), dtype=np.float32)
    zoom = cells_zoom(fine)
    for p in range(count):
        cells = slice(p * size, (p + 1) * size)
        tile = fine[:, cells]
        matrix = (tile.T @ tile / np.float32(len(tile))) * taper(zoom, fit.patch_taper_deg, 0.0, cells)
        reach: Floats = (matrix @ directions).astype(np.float32)
        basis = leading(matrix, floats)
        found[p] = rotate(basis, basis.T @ reach)
    return found


def _detail_weights(fine: Floats, coarse: Floats, config: LinearCodecConfig, ridge: float) -> Floats:
    """Regression of what smooth prolongation misses in each coarse cell, (cells, children, neighbours)."""
    index, real = two_ring(config.coarse_zoom, config.neighbours)
    levels = (config.fine_zoom or 0) - config.coarse_zoom
    missed = fine - prolong(coarse, levels)
    missed = missed.reshape(len(fine), coarse.shape[1], -1)
    missed = missed - missed.mean(axis=-1, keepdims=True)
    around = (coarse[:, index] * real).transpose(1, 2, 0).astype(np.float64)
    gram = around @ around.transpose(0, 2, 1)
    m = config.neighbours
    strength = np.einsum("pii->p", gram) / real.sum(axis=1)
    gram[:, range(m), range(m)] += ridge * strength[:, None] + (strength.mean() * 1e-9 + 1e-30)
    weights = np.linalg.solve(gram, around @ missed.transpose(1, 0, 2))
    return np.ascontiguousarray(weights.transpose(0, 2, 1)).astype(np.float32)


def _checked(anomalies: ArrayLike, phase: ArrayLike, what: str) -> tuple[Floats, NDArray[np.float64]]:
    x, p = np.asarray(anomalies, dtype=np.float32), np.asarray(phase, dtype=np.float64)
    if x.ndim != 2 or p.shape != x.shape[:1] or len(x) < 2:
        raise UserError(
            f"{what}: shapes {x.shape} and {p.shape} were found, (time >= 2, cell) and (time,) expected."
        )
    if not np.isfinite(x).all():
        raise UserError(f"{what}: missing values were found in the anomalies; fill or leave out those times.")
    cells_zoom(x)
    return x, p


def fit_linear_codec(
    coarse: ArrayLike,
    phase: ArrayLike,
    fine: ArrayLike | None,
    fine_phase: ArrayLike | None,
    bottleneck_zoom: int,
    *,
    fit: LinearFit | None = None,
    basis: ArrayLike | None = None,
) -> LinearFieldCodec:
    """Fit one bottleneck on anomalies `coarse` (time, cell) and, if there are any, `fine` (time, finer cell).

    `phase` (time,) is the annual phase in radians. `basis` (coarse cells, subspace), orthonormal, is shared
    by several bottlenecks: hand over the one of the bottleneck just below the coarse zoom to store it once.
    Raises UserError for shapes, zooms or missing values that do not fit.
    """
    fit = fit or LinearFit()
    x, p = _checked(coarse, phase, "Coarse anomalies")
    zoom = cells_zoom(x)
    sets = [_Samples(x, p, 1.0, fit.all_year, fit.taper_deg, fit.taper_floor)]
    y: Floats | None = None
    if fine is not None:
        y, q = _checked(fine, [] if fine_phase is None else fine_phase, "Fine anomalies")
        levels = cells_zoom(y) - zoom
        if levels < 1:
            raise UserError(
                f"Fine anomalies of zoom {zoom + levels} are not finer than the coarse ones ({zoom})."
            )
        sets.append(_Samples(restrict(y, levels), q, fit.fine_share, 0.5, fit.fine_taper_deg, 0.0))
    by_patch, floats = bottleneck_zoom == zoom, n_cells(bottleneck_zoom)
    seasons = 1 if by_patch or bottleneck_zoom == zoom - 1 else max(1, fit.seasons)
    rank = (fit.subspace or default_subspace(zoom)) if seasons > 1 else floats
    shared = None if basis is None or seasons == 1 else np.asarray(basis, dtype=np.float32)
    config = LinearCodecConfig(
        coarse_zoom=zoom,
        bottleneck_zoom=bottleneck_zoom,
        fine_zoom=None if y is None else cells_zoom(y),
        subspace=0 if by_patch else rank if shared is None else shared.shape[1],
        seasons=seasons,
        neighbours=fit.neighbours or (25 if bottleneck_zoom >= zoom - 1 else 9),
        patch_zoom=min(fit.patch_zoom, zoom),
    )
    codec = LinearFieldCodec(config)
    if by_patch and y is not None:
        codec.patches.copy_(torch.from_numpy(_patches(y, config, fit)))
    else:
        share = fit.fine_share / (2.0 if seasons > 1 else 1.0)
        for s, part in zip(sets, (1 - share if y is not None else 1.0, share), strict=False):
            s.share = part
        covariance = _Covariance(sets, fit)
        if shared is None:
            plain, rotated = covariance.basis(rank)
            shared = rotated if seasons == 1 else plain
        codec.basis.copy_(torch.from_numpy(shared))
        for m in range(seasons if seasons > 1 else 0):
            node = covariance.node((m + 0.5) * 2 * np.pi / seasons, shared, floats)
            codec.nodes[m] = torch.from_numpy(node)
    if y is not None:
        with torch.no_grad():
            seen = torch.from_numpy(sets[1].values)
            if not by_patch:
                turn = torch.from_numpy(sets[1].phase)
                seen = codec.decode(codec.encode(seen, turn), turn, zoom)
        ridge = fit.ridge if fit.ridge is not None else 0.003 if by_patch else 0.03
        codec.fine_weights.copy_(torch.from_numpy(_detail_weights(y, seen.numpy(), config, ridge)))
    return codec
