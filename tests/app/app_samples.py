"""A small archive, as a visitor could bring it."""

import numpy as np
import xarray as xr

from fsae_core.archive.reader import open_archive
from fsae_core.sphere.healpix import cell_centres


def smooth_field(zoom: int, turn: float = 0.0) -> np.ndarray:
    lon, lat = np.radians(cell_centres(zoom))
    wave = 5 * np.cos(3 * lon + turn) * np.cos(lat) ** 3
    return (285 + 30 * np.cos(2 * lat) + wave).astype(np.float32)


def make_dataset(zoom: int = 3, times: int = 3) -> xr.Dataset:
    """Canonical: t2m that differs from north to south and from time to time."""
    values = np.stack([smooth_field(zoom, 0.3 * i) for i in range(times)])
    ds = xr.Dataset(
        {"t2m": (("time", "cell"), values, {"units": "K"})},
        coords={"time": np.arange(times).astype("timedelta64[D]") + np.datetime64("2020-01-01", "ns")},
        attrs={"healpix_nside": 2**zoom, "healpix_order": "nest"},
    )
    return open_archive(ds, order="nest", name="made here")
