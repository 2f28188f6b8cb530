"""El Nino: its index from the archive's own temperature over the sea, and its removal by lagged regression.

The index is relative: Nino 3.4 (5S-5N, 170W-120W) minus the mean of the tropical sea (20S-20N), after van
Oldenborgh et al. 2021 (doi:10.1088/1748-9326/abe9ed). What cools or warms all the tropics alike, a volcano
or carbon dioxide, is not in it and so is not removed with it. Near-surface air temperature over the sea
stands in for the sea's surface.
"""

from __future__ import annotations

__all__ = ["EnsoConfig", "nino34", "without_enso"]

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fsae_core.archive.statics import static_fields
from fsae_core.atlas.calendar import Floats, Times, decimal_years, month_starts, slow_part
from fsae_core.atlas.seasons import SeasonalCycle
from fsae_core.sphere.healpix import cell_centres, zoom_of

_SEA = 0.5
"""Largest land share of a cell that counts as sea."""

_FEWEST, _SHORTEST = 24, 2.0
"""Times and years that an index needs at least."""


@dataclass(frozen=True)
class EnsoConfig:
    """lags_months: how far the index leads the fields; bandwidth: years, of what counts as slow."""

    lags_months: tuple[int, ...] = (0, 3, 6)
    bandwidth: float = 10.0


def nino34(field: xr.DataArray) -> NDArray[np.float64] | None:
    """Relative Nino 3.4 of temperatures (time, cell), or anomalies of them, without its seasonal cycle:
    (time,).

    Monthly means, so that days do not blur it, interpolated to the times. None where the cells are too
    large or the record is shorter than two years.
    """
    zoom, times = zoom_of(field.sizes["cell"]), field["time"].values
    lon, lat = cell_centres(zoom)
    sea = static_fields(zoom)["land"] <= _SEA
    tropics = np.flatnonzero(sea & (np.abs(lat) <= 20))
    inside = (np.abs(lat) <= 5) & (lon >= -170) & (lon <= -120)
    box = inside[tropics]
    years = decimal_years(times)
    if not box.any() or len(years) < _FEWEST or years[-1] - years[0] < _SHORTEST:
        return None
    values = np.asarray(field.isel(cell=tropics).values, np.float64)
    series = values[:, box].mean(axis=1) - values.mean(axis=1)
    left = series - SeasonalCycle.fit(series[:, None], times).mean_at(times)[:, 0]
    _, inverse = np.unique(month_starts(times), return_inverse=True)
    counts = np.bincount(inverse)
    monthly = np.bincount(inverse, left) / counts
    return np.interp(years, np.bincount(inverse, years) / counts, monthly)


def without_enso(
    scores: Floats,
    index: NDArray[np.float64],
    times: Times,
    config: EnsoConfig | None = None,
    *,
    fit_on: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float32], float]:
    """Scores (time, d) less their regression on the index at several lags; also the share of their fast
    variance that it explains.

    fit_on: times that the regression is fitted on. Slow changes of scores and index are left alone.
    """
    c = config or EnsoConfig()
    years = decimal_years(times)
    x = np.asarray(scores, np.float64)
    quick = index - slow_part(index[:, None], years, c.bandwidth)[:, 0]
    lagged = np.stack([np.interp(years - lag / 12, years, quick) for lag in c.lags_months], axis=1)
    fast = x - slow_part(x, years, c.bandwidth)
    chosen = np.ones(len(x), bool) if fit_on is None else np.asarray(fit_on, bool)
    chosen = chosen & (years >= years[0] + max(c.lags_months) / 12)
    slope = np.linalg.lstsq(lagged[chosen], fast[chosen], rcond=None)[0]
    fitted = lagged @ slope
    explained = 1 - np.square(fast - fitted)[chosen].sum() / np.square(fast)[chosen].sum()
    return (x - fitted).astype(np.float32), float(explained)
