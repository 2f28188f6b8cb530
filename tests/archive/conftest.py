"""Small files of every kind, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import eccodes
import numpy as np
import pytest
from archive_samples import smooth


@pytest.fixture
def write_grib(tmp_path: Path) -> Callable[..., Path]:
    """Writes GRIB 2 messages: each a dict of keys, on a regular 5 degree grid, north up."""

    def write(messages: list[dict[str, object]], file: str = "field.grib") -> Path:
        path = tmp_path / file
        lat = np.linspace(90, -90, 37)
        lon = np.arange(0, 360, 5.0)
        with path.open("wb") as out:
            for keys in messages:
                handle = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
                grid = {
                    "Ni": lon.size,
                    "Nj": lat.size,
                    "latitudeOfFirstGridPointInDegrees": 90.0,
                    "latitudeOfLastGridPointInDegrees": -90.0,
                    "longitudeOfFirstGridPointInDegrees": 0.0,
                    "longitudeOfLastGridPointInDegrees": 355.0,
                    "iDirectionIncrementInDegrees": 5.0,
                    "jDirectionIncrementInDegrees": 5.0,
                }
                for key, value in {**grid, "dataDate": 20010116, "dataTime": 0, **keys}.items():
                    eccodes.codes_set(handle, key, value)
                values = smooth(lon[None, :], lat[:, None])
                if keys.get("shortName") == "msl":
                    values = values * 100 + 75_000
                if keys.get("shortName") == "tp":
                    values = values / 1000
                eccodes.codes_set_values(handle, values.ravel())
                eccodes.codes_write(handle, out)
                eccodes.codes_release(handle)
        return path

    return write
