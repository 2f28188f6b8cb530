"""A small archive with a split of its own: ten days at zoom 4, the last two of them held out."""

import numpy as np
import pytest
import xarray as xr

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.sphere.healpix import cell_centres, n_cells


@pytest.fixture
def ten_days() -> xr.Dataset:
    """Smooth temperature that drifts east, with a little noise that is new each day."""
    rng = np.random.default_rng(3)
    lon, lat = np.deg2rad(cell_centres(4))
    phase = np.arange(10)[:, None] / 3
    field = 250 + 45 * np.cos(lat) ** 2 + 6 * np.sin(3 * lon + phase) * np.cos(lat) ** 2
    values = (field + 0.3 * rng.standard_normal((10, n_cells(4)))).astype(np.float32)
    times = np.arange("2001-05-01", "2001-05-11", dtype="datetime64[D]").astype("datetime64[ns]")
    array = xr.DataArray(values, dims=("time", "cell"), coords={"time": times}, attrs={"units": "K"})
    return canonical_dataset({"t2m": array}, {"source": "made by a test"})
