"""Records with a known season, trend, El Nino and eruption, on few cells."""

import numpy as np
import xarray as xr

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.archive.climatology import annual_phase
from fsae_core.atlas.calendar import decimal_years
from fsae_core.sphere.healpix import cell_centres, n_cells


def months(first="1975-01", last="2010-01"):
    """First days of months, datetime64[ns]."""
    return np.arange(first, last, dtype="datetime64[M]").astype("datetime64[ns]")


def red_noise(rng, shape, memory=0.6):
    """AR(1) along the first axis, unit variance."""
    out = rng.standard_normal(shape)
    for i in range(1, len(out)):
        out[i] = memory * out[i - 1] + np.sqrt(1 - memory**2) * out[i]
    return out


def el_nino(times, rng):
    """A series with peaks every few years, about unit variance."""
    years = decimal_years(times)
    return np.sin(2 * np.pi * years / 3.7 + rng.uniform(0, 6)) + 0.8 * np.sin(
        2 * np.pi * years / 5.3 + rng.uniform(0, 6)
    )


def record(
    zoom=3,
    times=None,
    *,
    warming=0.04,
    dip=0.0,
    dip_start="1991-09",
    nino=0.0,
    noise=0.6,
    seed=0,
    name="t2m",
    patterns=30,
):
    """t2m in K, (time, cell): season by latitude, warming a year everywhere, a cold spell of two years,
    El Nino in the tropical Pacific and, weaker, elsewhere, and large-scale red noise."""
    rng = np.random.default_rng(seed)
    times = months() if times is None else times
    lon, lat = (np.deg2rad(v) for v in cell_centres(zoom))
    years = decimal_years(times)
    phase = annual_phase(times)
    x = 288 - 40 * np.sin(lat) ** 2 + np.outer(-np.cos(phase), 15 * np.sin(lat))
    # The sea is late: spring is not autumn.
    x += np.outer(-np.sin(phase), 8 * np.sin(lat) * np.cos(lon))
    x += warming * (years - years.mean())[:, None]
    start = np.datetime64(dip_start, "M")
    spell = (times.astype("datetime64[M]") >= start) & (times.astype("datetime64[M]") < start + 24)
    x -= dip * spell[:, None]
    # Waves of random direction: neighbouring cells are alike.
    vectors = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    waves = np.cos(rng.normal(0, 3, (patterns, 3)) @ vectors + rng.uniform(0, 6.28, (patterns, 1)))
    x += noise * red_noise(rng, (len(times), patterns)) @ waves / np.sqrt(patterns / 2)
    # As broad as the index' box, and a weaker answer of the whole globe.
    east = np.mod(lon + np.deg2rad(145) + np.pi, 2 * np.pi) - np.pi
    pacific = np.exp(-((lat / 0.25) ** 2) - east**2 / 0.4)
    x += nino * np.outer(el_nino(times, rng), 4 * pacific + 0.3)
    fields = {name: xr.DataArray(x.astype(np.float32), dims=("time", "cell"), coords={"time": times})}
    assert x.shape[1] == n_cells(zoom)
    return canonical_dataset(fields, {"source": "made by a test"})
