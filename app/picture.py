"""One field, or the speed of a wind, compressed and brought back. Pure: no user interface here."""

from __future__ import annotations

__all__ = ["WINDS", "Picture", "make_picture", "round_trip"]

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from app.block_mean import BlockMean
from app.fitting import JOINT, coded_with, shipped_model
from app.leaf_outlines import LeafOutlines
from app.sphere_view import Field
from app.wind_arrows import Wind
from fsae_core.codec.choice import pick_model
from fsae_core.codec.detail_code import encode_details
from fsae_core.codec.entropy import encode_latents
from fsae_core.codec.layout import STEP, places_name
from fsae_core.codec.pipeline import compress, decompress
from fsae_core.evaluate.metrics import ErrorSums, rmse, rmse_by_latitude
from fsae_core.sphere.healpix import zoom_of
from fsae_core.sphere.kept import count_kept, split_cells
from fsae_core.sphere.leaves import at_leaves, leaf_zooms, spread
from fsae_core.sphere.pyramid import restrict

if TYPE_CHECKING:
    from app.store import Archive

WINDS = {"u10": "v10", "v10": "u10"}
"""The other component of a wind."""


@dataclass(frozen=True)
class Picture:
    """One field, compressed and brought back.

    compressed: the compressed field, on the sphere at its coarse zoom, as it would be stored; of an adaptive
    one the means over the cells that it tells apart (leaves), at the field's own zoom. numbers: that it has,
    for each component.
    by_latitude: (degrees north, RMSE) of 36 bands; plain_by_latitude: the same of block means of that size.
    plain_rmse: RMSE of block mean and smooth prolongation at the same ratio.
    bytes_stored: the compressed field as a store codes it, with its offset and scale; store metadata apart.
    wind, recon_wind: of a speed, what its arrows show; for a speed sums, rmse and fields are those of the
    speed, and numbers and bytes those of both components.
    """

    truth: Field
    recon: Field
    error: Field
    compressed: Field
    offset: float
    scale: float
    sums: ErrorSums
    by_latitude: tuple[np.ndarray, np.ndarray]
    plain_rmse: float
    plain_by_latitude: tuple[np.ndarray, np.ndarray]
    bytes_stored: int
    numbers: int = 0
    leaves: LeafOutlines | None = None
    wind: Wind | None = None
    recon_wind: Wind | None = None


def make_picture(
    archive: Archive, variable: str, index: int, method: str, ratio: int, speed: bool
) -> Picture:
    """See `Archive.picture`."""
    parts = tuple(sorted((variable, WINDS[variable]))) if speed else (variable,)
    small, back = round_trip(archive.cut(coded_with(archive, parts, method), [index]), method, ratio)
    plain = back
    if method != "block-mean":
        plain = round_trip(archive.cut(parts, [index]), "block-mean", ratio)[1]

    def field(ds: xr.Dataset) -> np.ndarray:
        cells = [np.asarray(ds[name].values, np.float32).reshape(-1) for name in parts]
        return np.hypot(*cells) if speed else cells[0]

    truth = archive.cut(parts, [index])
    values, recon, smooth = (field(ds) for ds in (truth, back, plain))
    numbers, leaves = small[parts[0]].size, None
    if places_name(parts[0]) in small.variables:
        # What is told of it without the network's expectation: means over the cells that are told apart.
        places = small[places_name(parts[0])].values.ravel()
        numbers = int(count_kept(places[None], archive.zoom)[0])
        zooms = leaf_zooms(split_cells(places[None], archive.zoom), 1)
        levels = [restrict(recon[None], archive.zoom - zoom) for zoom in range(archive.zoom + 1)]
        coarse = spread(at_leaves(levels, zooms), zooms, archive.zoom)[0]
        leaves = None if speed else LeafOutlines(zooms[0], archive.zoom)
    else:
        coarse = field(small)
    offset, scale = (float(small[f"{parts[0]}_{part}"].values.reshape(-1)[0]) for part in ("offset", "scale"))
    wind = recon_wind = None
    if speed:
        u, v = (archive.values(name, index) for name in parts)
        wind = Wind(u, v)
        u, v = (back[name].values.reshape(-1) for name in parts)
        recon_wind = Wind(u, v, wind.strong)
    return Picture(
        truth=Field(values),
        recon=Field(recon),
        error=Field(recon - values),
        compressed=Field(coarse),
        offset=offset,
        scale=scale,
        sums=ErrorSums().add(values, recon),
        by_latitude=rmse_by_latitude(values, recon),
        plain_rmse=rmse(values, smooth),
        plain_by_latitude=rmse_by_latitude(values, smooth),
        bytes_stored=sum(_stored(small, name) for name in parts) // len(parts),
        numbers=numbers,
        leaves=leaves,
        wind=wind,
        recon_wind=recon_wind,
    )


def _stored(small: xr.Dataset, variable: str) -> int:
    """Bytes of one compressed field as a store codes it."""
    coarse = small[variable].values.reshape(1, -1)
    offset, scale = (np.atleast_1d(small[f"{variable}_{part}"].values) for part in ("offset", "scale"))
    step = float(small[variable].attrs[STEP])
    if places_name(variable) in small.variables:
        places = small[places_name(variable)].values.reshape(1, -1)
        standard = (coarse.astype(np.float64) - offset[:, None]) / scale[:, None]
        return len(encode_details(standard, places, int(small.attrs["fsae_zoom_in"]), step, (offset, scale)))
    return len(encode_latents(coarse, offset, scale, step, zoom_of(coarse.shape[-1])))


def round_trip(
    ds: xr.Dataset, method: str, ratio: int, progress: Any = None
) -> tuple[xr.Dataset, xr.Dataset]:
    """(compressed, decompressed) dataset."""
    if method == "block-mean":
        model: Any = BlockMean(ratio)
    elif method == JOINT:
        model = pick_model(ds, ratio, JOINT)
    else:
        model = shipped_model(f"{method}-{ratio}x")
    small = compress(ds, ratio, model=model, progress=progress)
    return small, decompress(small, model=model, progress=progress)
