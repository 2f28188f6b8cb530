"""The shipped assets can be made again from their sources, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fsae_core.archive.build import BUILDERS, main
from fsae_core.archive.reader import open_archive
from fsae_core.archive.writer import TARGET_CHUNK
from fsae_core.assets import asset_path

FILES = {
    "era5-week": "archives/era5-week.zarr.zip",
    "amip": "archives/amip.zarr.zip",
    "amip-hr": "archives/amip-hr.zarr.zip",
    "relief": "static/relief.zarr.zip",
}
LIMITS_MB = {"era5-week": 8.0, "amip": 12.0, "amip-hr": 3.0, "relief": 2.0}


@pytest.mark.parametrize("name", FILES)
def test_small_enough_to_ship(name: str) -> None:
    assert asset_path(FILES[name]).stat().st_size <= LIMITS_MB[name] * 1e6


@pytest.mark.parametrize("name", ["amip-hr", "relief"])
def test_rebuilding_gives_the_shipped_values(name: str, shared_data: Path, tmp_path: Path) -> None:
    assert main([name, "--source", str(shared_data), "--out", str(tmp_path)]) == 0
    rebuilt, shipped = open_archive(tmp_path / FILES[name]), open_archive(asset_path(FILES[name]))
    assert rebuilt.attrs == shipped.attrs
    for variable in shipped.data_vars:
        assert np.array_equal(rebuilt[variable].values, shipped[variable].values)


@pytest.mark.parametrize("name", BUILDERS)
def test_a_missing_source_is_said(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--source", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "was not found in" in capsys.readouterr().err


def test_chunks_hold_whole_spheres() -> None:
    import zarr

    for name in ("era5-week", "amip", "amip-hr"):
        group = zarr.open_group(zarr.storage.ZipStore(asset_path(FILES[name]), mode="r"), mode="r")
        for variable, array in group.arrays():
            if array.ndim == 2:
                assert array.chunks[-1] == array.shape[-1], variable
                assert 5e5 < np.prod(array.chunks) * array.dtype.itemsize <= 2 * TARGET_CHUNK, variable
