"""A small archive whose variables hang together, and joint weights fitted to it."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import xarray as xr

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.sphere.flow import gradient
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.pyramid import prolong
from fsae_core.training.joint import train_joint

NAMES = ("t2m", "u10", "v10", "msl", "pr")


@lru_cache(maxsize=1)
def windy_archive() -> xr.Dataset:
    """Zoom 3, every third day of 2000-2004: wind blows along the isobars (no Coriolis force changes sign
    here), and it rains where pressure is low."""
    rng = np.random.default_rng(5)
    times = np.arange("2000-01-01", "2005-01-01", 3, "datetime64[D]").astype("datetime64[ns]")
    coarse = rng.normal(size=(len(times), n_cells(1)))
    finer = rng.normal(size=(len(times), n_cells(2)))
    pressure = 600 * prolong(coarse, 2) + 150 * prolong(finer, 1)
    east, north = gradient(pressure)
    season = np.cos(2 * np.pi * np.arange(len(times)) / 122)[:, None]
    mild = prolong(rng.normal(size=(len(times), n_cells(1))), 2)
    fields = {
        "t2m": 280 + 5 * season + 2 * mild - pressure / 600,
        "u10": -1e5 / 6 * north,
        "v10": 1e5 / 6 * east,
        "msl": 101_300 + pressure,
        "pr": np.maximum(2 - pressure / 300, 0) ** 2,
    }
    units = {"t2m": "K", "u10": "m s-1", "v10": "m s-1", "msl": "Pa", "pr": "mm day-1"}
    arrays = {
        name: xr.DataArray(
            fields[name].astype(np.float32),
            dims=("time", "cell"),
            coords={"time": times},
            attrs={"units": units[name]},
        )
        for name in NAMES
    }
    ds = canonical_dataset(arrays, {"fsae_name": "windy", "fsae_climatology": "windy"}, [])
    ds.attrs["fsae_name"] = "windy"
    return ds


def windy_weights(folder: Path) -> Path:
    """Linear maps alone, both ratios."""
    out = folder / "joint-windy.safetensors"
    train_joint([windy_archive()], out, minutes=0)
    return out
