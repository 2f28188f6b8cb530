"""How the variance of a field is spread over scales: per degree of spherical harmonics and per zoom."""

from __future__ import annotations

__all__ = ["power_per_degree", "power_per_zoom"]

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fsae_core.errors import UserError
from fsae_core.sphere.healpix import ring_to_nest, zoom_of
from fsae_core.sphere.pyramid import inject, restrict


def power_per_degree(
    field: ArrayLike, zoom: int | None = None, lmax: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Degrees l (lmax + 1,) and angular power C_l (..., lmax + 1) of nested fields (..., n_cells), by healpy.

    The global mean is left out, so C_0 = 0 and sum((2 l + 1) C_l) / (4 pi) is the variance up to `lmax`, by
    default 2 * 2**zoom: beyond that the cells do not resolve harmonics well. Raises UserError when a value is
    missing or `zoom` is not the field's.
    """
    import healpy

    cells = np.asarray(field, dtype=np.float64)
    own = zoom_of(cells.shape[-1] if cells.ndim else 0)
    if zoom is not None and zoom != own:
        raise UserError(
            f"Zoom {zoom} was named, but {cells.shape[-1]} cells were found, which is zoom {own}."
        )
    if not np.isfinite(cells).all():
        raise UserError(
            "The field has missing values, so it has no spectrum; fill them or choose another field."
        )
    top = 2 * 2**own if lmax is None else int(lmax)
    ringed = cells[..., ring_to_nest(own)]
    ringed = ringed - ringed.mean(axis=-1, keepdims=True)
    maps = ringed.reshape(-1, ringed.shape[-1])
    power = np.stack([healpy.anafast(m, lmax=top, iter=3, pol=False) for m in maps])
    power[:, 0] = 0.0
    return np.arange(top + 1), power.reshape(*cells.shape[:-1], top + 1)


def power_per_zoom(field: ArrayLike) -> dict[int, NDArray[np.float64]]:
    """Variance that each zoom adds to nested fields (..., n_cells): {zoom: (...)}.

    At zoom 0 the variance of the face means, at each finer zoom that of cells around the means of the zoom
    below. These are block means, unlike in `decompose`: levels are orthogonal and add up to the variance.
    """
    fine = np.asarray(field, dtype=np.float64)
    power: dict[int, NDArray[np.float64]] = {}
    for zoom in range(zoom_of(fine.shape[-1] if fine.ndim else 0), 0, -1):
        coarse = restrict(fine)
        power[zoom] = np.mean((fine - inject(coarse)) ** 2, axis=-1)
        fine = coarse
    power[0] = np.var(fine, axis=-1)
    return dict(sorted(power.items()))
