"""Empirical orthogonal functions (PCA over time), fitted on training times only."""

from __future__ import annotations

__all__ = ["Eof"]

import numpy as np

from fsae_core.errors import UserError
from fsae_core.evaluate.coded import Floats, Known, Times
from fsae_core.evaluate.latents import RATIOS, Latents, OneLayer
from fsae_core.sphere.healpix import zoom_of


class Eof(OneLayer):
    """The mean of the training fields (time, cell) and their leading vectors: as many coefficients as floats.

    Training times give no more vectors than there are of them, less one for the mean: where that is fewer
    than the floats asked for, the field has fewer floats. Raises UserError for fewer than two training
    times.
    """

    name = "eof"

    def __init__(self, training: Floats) -> None:
        if len(training) < 2:
            raise UserError(
                f"eof needs two training times at least and {len(training)} were found: choose another "
                "method or an archive with training times."
            )
        self.mean = training.mean(axis=0, dtype=np.float64)
        self.vectors = _leading((training - self.mean).astype(np.float64), training.shape[-1] // RATIOS[0])

    def known(self, ratio: int) -> Known:
        count = min(len(self.vectors), self.mean.size // ratio)
        note = None
        if count < self.mean.size // ratio:
            note = (
                f"{count} coefficients in place of {self.mean.size // ratio}: "
                "the training times give no more."
            )
        return Known(parameters=(count + 1) * self.mean.size, note=note)

    def ratios(self, cells: int) -> tuple[int, ...]:
        return RATIOS[: zoom_of(cells)]

    def encode(self, x: Floats, times: Times, ratio: int) -> Latents:
        basis = self.vectors[: x.shape[-1] // ratio]
        values = ((x - self.mean) @ basis.T).astype(np.float32)
        # float16 holds 65504: coefficients of a field in pascals are larger.
        size = np.maximum(np.sqrt(np.mean(values**2, axis=-1)), np.float32(1e-20))
        return Latents(values, np.zeros(len(x), np.float32), size.astype(np.float32), shrinking=True)

    def decode(self, latents: Latents, cells: int, times: Times, ratio: int) -> Floats:
        basis = self.vectors[: latents.values.shape[-1]]
        return (latents.values.astype(np.float64) @ basis + self.mean).astype(np.float32)


def _leading(away: np.ndarray, most: int) -> np.ndarray:
    """Orthonormal leading vectors (k, cell) of departures (time, cell), by the smaller of the two Gram
    matrices."""
    from scipy.linalg import eigh

    times, cells = away.shape
    most = min(most, cells, times - 1)
    if times <= cells:
        power, states = eigh(away @ away.T, subset_by_index=(times - most, times - 1))
    else:
        power, states = eigh(away.T @ away, subset_by_index=(cells - most, cells - 1))
    kept = power > 1e-12 * power[-1]
    states = states[:, kept][:, ::-1]
    if times > cells:
        return np.ascontiguousarray(states.T)
    vectors = states.T @ away
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
