"""Spherical harmonics up to as many real coefficients as floats."""

from __future__ import annotations

__all__ = ["Harmonics"]

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fsae_core.evaluate.coded import Floats, Known, Times
from fsae_core.evaluate.latents import RATIOS, Latents, OneLayer
from fsae_core.sphere.healpix import nest_to_ring, ring_to_nest, zoom_of

_MOST = 2
"""In bytes twice as many coefficients as at ratio 4 are tried too, up to about the finest degree of the
cells."""


class Harmonics(OneLayer):
    """Real orthonormal coefficients by rising degree, inside the last degree by rising order; healpy.

    The global mean travels as the offset, so the coefficients begin at degree 1 (and are kept as departures
    from it); three iterations of the analysis.
    """

    name = "sht"

    def known(self, ratio: int) -> Known:
        return Known()

    def ratios(self, cells: int) -> tuple[int, ...]:
        return (_MOST, *RATIOS[: zoom_of(cells)])

    def encode(self, x: Floats, times: Times, ratio: int) -> Latents:
        import healpy

        count = x.shape[-1] // ratio
        lmax, place, imaginary, weight = _order(count)
        ring = ring_to_nest(zoom_of(x.shape[-1]))
        mean = x.mean(axis=-1, dtype=np.float64).astype(np.float32)
        rows = np.empty((len(x), count))
        for i, field in enumerate(x.astype(np.float64) - mean[:, None]):
            alm = healpy.map2alm(field[ring], lmax=lmax, iter=3, pol=False)[place]
            rows[i] = np.where(imaginary, alm.imag, alm.real) * weight
        size = np.maximum(np.sqrt(np.mean(rows**2, axis=-1)), 1e-20).astype(np.float32)
        return Latents((rows + mean[:, None]).astype(np.float32), mean, size, shrinking=True)

    def decode(self, latents: Latents, cells: int, times: Times, ratio: int) -> Floats:
        import healpy

        zoom = zoom_of(cells)
        lmax, place, imaginary, weight = _order(latents.values.shape[-1])
        recon = np.empty((len(latents.values), cells), np.float32)
        for i, mean in enumerate(latents.offset.astype(np.float64)):
            parts = (latents.values[i].astype(np.float64) - mean) / weight
            alm = np.zeros(healpy.Alm.getsize(lmax), np.complex128)
            alm.real[place[~imaginary]] = parts[~imaginary]
            alm.imag[place[imaginary]] = parts[imaginary]
            field = healpy.alm2map(alm, 2**zoom, lmax=lmax, pol=False)
            recon[i] = mean + field[nest_to_ring(zoom)]
        return recon


@lru_cache(maxsize=16)
def _order(count: int) -> tuple[int, NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]:
    """Highest degree; for each of ``count`` coefficients its place in healpy's array, whether it is the
    imaginary part, and the factor that makes it orthonormal."""
    import healpy

    lmax = int(np.ceil(np.sqrt(count + 1))) - 1
    degree = np.concatenate([np.full(2 * l + 1, l) for l in range(1, lmax + 1)])[:count]
    number = np.concatenate([np.arange(2 * l + 1) for l in range(1, lmax + 1)])[:count]
    order = (number + 1) // 2  # 0, 1, 1, 2, 2 ...: real before imaginary
    place = healpy.Alm.getidx(lmax, degree, order)
    return lmax, place, (number > 0) & (number % 2 == 0), np.where(order > 0, np.sqrt(2.0), 1.0)
