"""A model without weights (block means down, smooth prolongation up) and an archive to use it on."""

from types import SimpleNamespace

import numpy as np
import xarray as xr

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.sphere.healpix import cell_centres, n_cells
from fsae_core.sphere.pyramid import prolong, restrict


class BlockMean:
    """Speaks the codec's protocol; fields keep their own mean and spread, as with the general weights."""

    def __init__(self, ratio=16, variables=None, zooms=(0, 9)):
        self.levels = {4: 1, 16: 2, 64: 3, 256: 4}[ratio]
        self.card = SimpleNamespace(
            trained_on=lambda archive, times: np.zeros(len(times), bool),
            name=f"block-mean-{ratio}x",
            family="general",
            ratio=ratio,
            variables=variables,
            zooms=zooms,
            sha256="0" * 64,
            bytes=0,
        )

    def compress_fields(self, x, *, variable, times, instant):
        assert x.dtype == np.float32 and (times is None or times.shape == x.shape[:1])
        spread = x.std(-1)
        return SimpleNamespace(
            values=restrict(x, self.levels), offset=x.mean(-1), scale=np.where(spread > 0, spread, 1)
        )

    def decompress_fields(self, compressed, *, variable, times, instant):
        return prolong(compressed.values, compressed.zoom_in - compressed.zoom)


def small_archive() -> xr.Dataset:
    """Temperature and pressure, five times at zoom 4, smooth with a little noise."""
    rng = np.random.default_rng(1)
    lon, lat = np.deg2rad(cell_centres(4))
    phase = np.arange(5)[:, None]
    shape = np.cos(lat) ** 2 + 0.2 * np.sin(lat) + 0.3 * np.sin(3 * lon + phase) * np.cos(lat) ** 3
    noise = rng.standard_normal((5, n_cells(4)))
    times = np.arange("2008-07-01", "2008-07-06", dtype="datetime64[D]").astype("datetime64[ns]")
    fields = {
        "t2m": (240 + 50 * shape + 0.2 * noise).astype(np.float32),
        "msl": (100_000 + 3000 * shape + 20 * noise).astype(np.float32),
    }
    return canonical_dataset(
        {k: xr.DataArray(v, dims=("time", "cell"), coords={"time": times}) for k, v in fields.items()},
        {"source": "made by a test"},
    )
