"""Block means and the smooth prolongation: what any compressed field on the sphere has to beat."""

from __future__ import annotations

__all__ = ["BlockMean"]

import numpy as np

from fsae_core.evaluate.coded import Floats, Known, Times
from fsae_core.evaluate.latents import RATIOS, WHOLE, Latents, OneLayer
from fsae_core.sphere.healpix import zoom_of
from fsae_core.sphere.pyramid import prolong, restrict


class BlockMean(OneLayer):
    """Means over 4**n cells, back by the mean-preserving smooth prolongation in one step; knows nothing."""

    name = "block-mean"

    def known(self, ratio: int) -> Known:
        return Known()

    def ratios(self, cells: int) -> tuple[int, ...]:
        return (WHOLE, *RATIOS[: zoom_of(cells)])

    def encode(self, x: Floats, times: Times, ratio: int) -> Latents:
        """(time, cell) -> (time, cell / ratio), standardised by the mean and the spread of each field."""
        values = np.asarray(restrict(x, _levels(ratio)), np.float32)
        spread = values.std(axis=-1)
        zoom = zoom_of(values.shape[-1])
        return Latents(values, values.mean(axis=-1), np.where(spread > 0, spread, np.float32(1)), zoom)

    def decode(self, latents: Latents, cells: int, times: Times, ratio: int) -> Floats:
        return np.asarray(prolong(latents.values, _levels(ratio)), np.float32)


def _levels(ratio: int) -> int:
    return (WHOLE, *RATIOS).index(ratio)
