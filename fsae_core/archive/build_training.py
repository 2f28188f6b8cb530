"""The archives that the shipped weights learn from, as canonical stores; they are not shipped themselves."""

from __future__ import annotations

__all__ = ["TRAINING_ARCHIVES", "build_training"]

from pathlib import Path

import xarray as xr

from fsae_core.archive.reader import open_archive
from fsae_core.archive.writer import write_archive
from fsae_core.errors import UserError

TRAINING_ARCHIVES = ("gfs-wind", "gfs-prmsl", "ec-earth", "amip", "amip-hr")
"""Together with era5-week, which is shipped. GFS temperature stays out: it is for tests."""


def build_training(source: Path, out: Path) -> Path:
    """GFS wind and pressure (zoom 8), EC-Earth temperature (zoom 7) and the simulated daily archive:
    1979-2006 at zoom 4, May 1992 to December 1993 at zoom 5. The years 2007 to 2013 are test years and stay
    out."""
    folder = out / "training"
    folder.mkdir(parents=True, exist_ok=True)
    real, simulated = source / "real", source / "amip"
    parts = {
        "gfs-wind": ([real / "gfs0p25_wind_2020070200.grib"], 8),
        "gfs-prmsl": ([real / "gfs0p25_prmsl_2020070200.grib"], 8),
        "ec-earth": ([real / "ecearth_tas_monthly_2000_512x256.nc"], 7),
        "amip": ([simulated / f"amip_T31_{year}.nc" for year in range(1979, 2007)], 4),
        "amip-hr": ([simulated / f"amip_T63_{year}.nc" for year in (1992, 1993)], 5),
    }
    for name, (files, zoom) in parts.items():
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            raise UserError(f"{missing[0]} was not found in {source}; see assets/README.md for the sources.")
        datasets = [open_archive(file, zoom=zoom) for file in files]
        joined = xr.concat(datasets, "time", data_vars="minimal", coords="minimal", compat="override")
        joined.attrs = {**datasets[0].attrs, "fsae_name": name}
        if name.startswith("amip"):
            joined.attrs |= {"fsae_simulated": 1, "fsae_climatology": "amip"}
        write_archive(joined, folder / f"{name}.zarr")
    return folder
