"""Closed-form fit of `JointLinear` and of the step to finer cells: seconds of one thread."""

from __future__ import annotations

__all__ = ["JointFit", "fit_directions", "fit_fine_weights"]

from dataclasses import dataclass

import numpy as np

from fsae_core.model.covariance import Floats, taper
from fsae_core.model.joint_linear import JointLinear, JointLinearConfig
from fsae_core.model.linear import two_ring
from fsae_core.sphere.healpix import n_cells, zoom_of


@dataclass(frozen=True)
class JointFit:
    """taper_deg: half-width of the taper on covariances inside a patch; fine_share, fine_taper_deg: how much
    the fine fields' covariance counts beside the coarse ones', which have less small-scale variance, in
    patches smaller than a face: those compress fine fields alone; weights: by variable, how much its
    error counts (1 where it is not named), for patches of zoom 0 and for smaller ones; ridge: of the step
    to finer cells. Chosen on the validation years of the simulated archive."""

    taper_deg: float = 40.0
    fine_share: float = 0.5
    fine_taper_deg: float = 30.0
    weights: tuple[tuple[str, float], ...] = (("t2m", 1.2), ("msl", 1.3), ("pr", 1.1))
    small_weights: tuple[tuple[str, float], ...] = (("t2m", 2.0), ("msl", 1.3), ("pr", 1.1))
    ridge: float = 0.01

    def weight(self, variables: tuple[str, ...], patch_zoom: int) -> Floats:
        """(variables,)"""
        told = dict(self.weights if patch_zoom == 0 else self.small_weights)
        return np.array([told.get(name, 1.0) for name in variables], np.float32)


def fit_directions(
    anomalies: Floats, config: JointLinearConfig, fit: JointFit | None = None, fine: Floats | None = None
) -> JointLinear:
    """Leading directions of the tapered covariance of each patch; anomalies, and those of fine fields
    restricted to the coarse zoom, (time, variables, cells)."""
    fit = fit or JointFit()
    variables = anomalies.shape[1]
    spread = anomalies.std(axis=(0, 2)).astype(np.float32)
    weight = fit.weight(config.variables, config.patch_zoom)
    factor = np.repeat(weight / spread, config.cells)
    patches, rank = n_cells(config.patch_zoom), variables * config.coarse
    directions = np.empty((patches, variables * config.cells, rank), np.float32)
    variance, noise = np.empty((patches, rank), np.float32), np.empty((patches, variables), np.float32)
    for p in range(patches):
        cells = slice(p * config.cells, (p + 1) * config.cells)
        sets = [(anomalies, 1.0, fit.taper_deg)]
        if fine is not None and config.patch_zoom:
            sets = [
                (anomalies, 1 - fit.fine_share, fit.taper_deg),
                (fine, fit.fine_share, fit.fine_taper_deg),
            ]
        matrix = np.zeros((variables * config.cells,) * 2, np.float32)
        for values, share, degrees in sets:
            y = values[:, :, cells].reshape(len(values), -1) * factor
            near = np.tile(taper(config.zoom, degrees, 0.0, cells), (variables, variables))
            matrix += y.T @ y * near * np.float32(share / len(values))
        strength, vectors = np.linalg.eigh(matrix)
        directions[p] = vectors[:, ::-1][:, :rank]
        variance[p] = strength[::-1][:rank]
        left = np.diag(matrix) - (directions[p] ** 2 * variance[p]).sum(axis=1)
        noise[p] = np.maximum(left, 1e-6).reshape(variables, -1).mean(axis=1)
    return JointLinear(
        config, directions=directions, variance=variance, noise=noise, spread=spread, weight=weight
    )


def fit_fine_weights(missed: Floats, coarse: Floats, ridge: float) -> Floats:
    """Regression of what smooth refinement misses on the coarse cell and its neighbours.

    missed (time, fine cells), coarse (time, cells) -> (cells, children, 9), zero mean over the children.
    """
    index, real = two_ring(zoom_of(coarse.shape[1]), 9)
    left = missed.reshape(len(missed), coarse.shape[1], -1)
    left = left - left.mean(axis=-1, keepdims=True)
    around = (coarse[:, index] * real).transpose(1, 2, 0).astype(np.float64)
    gram = around @ around.transpose(0, 2, 1)
    strength = np.einsum("pii->p", gram) / real.sum(axis=1)
    gram[:, range(9), range(9)] += ridge * strength[:, None] + (strength.mean() * 1e-9 + 1e-30)
    weights = np.linalg.solve(gram, around @ left.transpose(1, 0, 2))
    return np.ascontiguousarray(weights.transpose(0, 2, 1)).astype(np.float32)
