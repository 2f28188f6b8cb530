"""A day of the high-resolution archive through ``fsae compress`` and ``fsae decompress``, each a process.

The RMSE that ``compress`` prints must be the one that healpy and numpy find between the archive as it is
shipped and the store that ``decompress`` writes, both read here with zarr alone.
"""

import json
import subprocess
import sys
from pathlib import Path

import healpy as hp
import numpy as np
import pytest
import zarr

from fsae_core.assets import asset_path

FSAE = [sys.executable, "-c", "import sys; from fsae_core.cli import main; sys.exit(main())"]
pytestmark = [pytest.mark.bench, pytest.mark.quick]


def fsae(*arguments: object) -> dict:
    done = subprocess.run([*FSAE, *map(str, arguments), "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def values_of(path: Path, variable: str) -> tuple[np.ndarray, np.ndarray]:
    """(days since 1970, values in K) of a store, decoded by hand."""
    store = zarr.storage.ZipStore(path, mode="r") if path.is_file() else zarr.storage.LocalStore(path)
    group = zarr.open_group(store, mode="r")
    array, time = group[variable], group["time"]
    values = np.asarray(array[:], dtype=np.float64)
    packed = dict(array.attrs)
    values = values * packed.get("scale_factor", 1.0) + packed.get("add_offset", 0.0)
    unit, _, origin = str(time.attrs["units"]).partition(" since ")
    step = np.timedelta64(1, {"days": "D", "hours": "h", "minutes": "m", "seconds": "s"}[unit])
    return np.datetime64(origin.replace(" ", "T")[:19]) + np.asarray(time[:]) * step, values


@pytest.mark.parametrize("ratio", [4, 16, 64, 256])
def test_printed_rmse_is_the_rmse(tmp_path, ratio):
    original = asset_path("archives", "amip-hr.zarr.zip")
    times, truth = values_of(original, "t2m")
    assert truth.shape[1] == hp.nside2npix(32)
    k = int(np.argmin(abs(times - np.datetime64("2008-07-15"))))
    day = str(times[k])[:10]

    small, back = tmp_path / "day.zarr.zip", tmp_path / "back.zarr"
    printed = fsae("compress", "amip-hr", small, "--ratio", ratio, "--start", day, "--end", day)
    fsae("decompress", small, back)
    when, recon = values_of(back, "t2m")
    assert when.tolist() == times[k : k + 1].tolist() and recon.shape == (1, truth.shape[1])

    # The term l = m = 0 of healpy's transform of the squared error, in ring order, is its mean.
    square = hp.reorder((recon[0] - truth[k]) ** 2, n2r=True)
    by_healpy = np.sqrt(hp.map2alm(square, lmax=0, iter=0)[0].real / np.sqrt(4 * np.pi))
    by_numpy = np.sqrt(np.mean((recon[0] - truth[k]) ** 2))
    on_disk = small.stat().st_size
    print(
        f"amip-hr t2m {day}, {ratio}x floats, {printed['ratio_bytes']:.1f}x bytes, {printed['model']}: "
        f"RMSE printed {printed['rmse']:.5f} K, healpy {by_healpy:.5f} K, numpy {by_numpy:.5f} K"
    )
    assert printed["rmse"] == pytest.approx(by_healpy, rel=1e-3)
    assert printed["rmse"] == pytest.approx(by_numpy, rel=1e-3)
    assert printed["ratio_floats"] == ratio
    assert printed["ratio_bytes"] == pytest.approx(4 * truth.shape[1] / on_disk, rel=1e-9)
