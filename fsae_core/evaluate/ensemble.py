"""How far an ensemble can be trusted: scores against what came true.

Ensembles have members on the first axis, (member, ..., cell); truths (..., cell). Cells are of equal area, so
that plain means over cells are area means.
"""

from __future__ import annotations

__all__ = [
    "climatology_members",
    "crps",
    "effective_share",
    "eof_patterns",
    "flat_share",
    "pattern_scaling",
    "power_over",
    "power_ratio",
    "quantile_error",
    "rank_counts",
    "score_against_archive",
    "spread_skill",
    "teleconnection",
]

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from fsae_core.archive.climatology import annual_phase
from fsae_core.archive.forcing import co2_ppm
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import cell_centres, zoom_of

Floats = NDArray[np.float64]


def _checked(ensemble: ArrayLike, truth: ArrayLike, least: int) -> tuple[NDArray, NDArray]:
    e, t = np.asarray(ensemble), np.asarray(truth)
    if e.ndim != t.ndim + 1 or e.shape[1:] != t.shape:
        raise UserError(
            f"An ensemble of shape {e.shape} and a truth of shape {t.shape} were given: expected members "
            "on the ensemble's first axis and else the same shape."
        )
    if len(e) < least:
        raise UserError(f"{len(e)} members were given, at least {least} are needed for this score.")
    return e, t


def crps(ensemble: ArrayLike, truth: ArrayLike) -> Floats:
    """Fair continuous ranked probability score (...,), in units; unbiased for any number of members.

    mean |x_i - y| - sum_ij |x_i - x_j| / (2 M (M - 1)), Ferro 2014, doi:10.1002/qj.2270. UserError below two
    members.
    """
    e, t = _checked(ensemble, truth, 2)
    m = len(e)
    ordered = np.sort(e.astype(np.float64), axis=0)
    weights = 2.0 * np.arange(1, m + 1) - m - 1
    apart = np.tensordot(weights, ordered, axes=1) / (m * (m - 1))
    return np.abs(ordered - t).mean(axis=0) - apart


def spread_skill(ensemble: ArrayLike, truth: ArrayLike) -> float:
    """Root mean variance times sqrt((M + 1) / M), over the RMSE of the mean: 1 where members and truth are
    alike (Fortin et al. 2014, doi:10.1175/JHM-D-14-0008.1). UserError below two members."""
    e, t = _checked(ensemble, truth, 2)
    m = len(e)
    wide = e.astype(np.float64)
    error = np.mean(np.square(wide.mean(axis=0) - t))
    return float(np.sqrt((m + 1) / m * wide.var(axis=0, ddof=1).mean() / error))


def rank_counts(ensemble: ArrayLike, truth: ArrayLike, bins: int | None = None) -> NDArray[np.int64]:
    """How often the truth (time, cell) has each rank among the members, (cell, bins).

    bins: a divisor of members + 1, which is the default; neighbouring ranks are put together.
    """
    e, t = _checked(ensemble, truth, 1)
    ranks = (e < t).sum(axis=0)
    count = len(e) + 1
    bins = bins or count
    if count % bins:
        raise UserError(f"{bins} bins do not divide {count} ranks: choose a divisor.")
    merged = ranks // (count // bins)
    return np.stack([(merged == b).sum(axis=0) for b in range(bins)], axis=-1)


def effective_share(series: ArrayLike, lags: int) -> Floats:
    """Independent values per value of series (time, cell), from their autocorrelations up to so many lags."""
    x = np.asarray(series, dtype=np.float64)
    x = x - x.mean(axis=0)
    power = np.square(x).mean(axis=0)
    total = np.ones(x.shape[1])
    for lag in range(1, lags + 1):
        total += 2 * (1 - lag / len(x)) * np.maximum((x[lag:] * x[:-lag]).mean(axis=0) / power, 0.0)
    return 1.0 / total


def flat_share(counts: NDArray[np.int64], effective: ArrayLike = 1.0, level: float = 0.95) -> float:
    """Share of the area whose rank histogram (cell, bins) lies inside the band of a flat one.

    Chi-square test per cell; effective: independent values per value, since truths that follow one another
    are alike and share their rank (`effective_share`).
    """
    from scipy.stats import chi2

    expected = counts.sum(axis=-1, keepdims=True) / counts.shape[-1]
    statistic = (np.square(counts - expected) / expected).sum(axis=-1) * np.asarray(effective)
    return float(np.mean(statistic <= chi2.ppf(level, counts.shape[-1] - 1)))


def power_ratio(fields: ArrayLike, reference: ArrayLike) -> dict[int, float]:
    """Mean power of each zoom of anomalies (..., cell) over that of a reference: {zoom: ratio}."""
    from fsae_core.sphere.spectrum import power_per_zoom  # late: it brings healpy

    own, other = power_per_zoom(fields), power_per_zoom(reference)
    return power_over(
        [{z: float(p.mean()) for z, p in own.items()}], {z: float(p.mean()) for z, p in other.items()}
    )


def power_over(members: Sequence[Mapping[int, float]], reference: Mapping[int, float]) -> dict[int, float]:
    """Mean of the members' powers by zoom over that of a reference, at the zooms that both have."""
    return {
        zoom: float(np.mean([one[zoom] for one in members]) / power)
        for zoom, power in reference.items()
        if all(zoom in one for one in members)
    }


def quantile_error(
    ensemble: ArrayLike, truth: ArrayLike, levels: tuple[float, ...] = (0.05, 0.5, 0.95)
) -> dict[float, float]:
    """RMSE over cells between quantile maps of all draws (sample, cell) and of the truths (time, cell)."""
    e = np.asarray(ensemble).reshape(-1, np.shape(ensemble)[-1])
    found, sought = np.quantile(e, levels, axis=0), np.quantile(np.asarray(truth), levels, axis=0)
    return {q: float(np.sqrt(np.mean((a - b) ** 2))) for q, a, b in zip(levels, found, sought, strict=True)}


def eof_patterns(fields: ArrayLike, count: int = 3, north_of: float | None = None) -> tuple[Floats, Floats]:
    """Leading EOFs (count, cell) of anomalies (sample, cell), unit norm, and their shares of variance.

    north_of: only cells beyond that latitude (20 for an AO-like first pattern); the others are 0.
    """
    x = np.asarray(fields, dtype=np.float64)
    x = x - x.mean(axis=0)
    if north_of is not None:
        x = x * (cell_centres(zoom_of(x.shape[-1]))[1] > north_of)
    _, s, vt = np.linalg.svd(x, full_matrices=False)
    return vt[:count], s[:count] ** 2 / np.square(s).sum()


def teleconnection(fields: ArrayLike, index: ArrayLike) -> Floats:
    """Change of anomalies (sample, cell) for one standard deviation of an index (sample,), (cell,)."""
    x, i = np.asarray(fields, dtype=np.float64), np.asarray(index, dtype=np.float64)
    i = (i - i.mean()) / i.std()
    return i @ (x - x.mean(axis=0)) / len(i)


def climatology_members(
    train_times: ArrayLike,
    times: ArrayLike,
    members: int,
    *,
    window_days: float = 10.0,
    seed: int = 0,
) -> NDArray[np.int64]:
    """Climatology as an ensemble: which training times stand for each time, (member, time).

    Drawn at random, each once, among those within a window of the day of the year.
    """
    rng = np.random.default_rng(seed)
    phase, sought = annual_phase(np.asarray(train_times)), annual_phase(np.atleast_1d(np.asarray(times)))
    reach = 2 * np.pi * window_days / 365.2425
    chosen = []
    for one in sought:
        near = np.flatnonzero(np.abs((phase - one + np.pi) % (2 * np.pi) - np.pi) <= reach)
        if len(near) < members:
            raise UserError(
                f"{len(near)} training times lie within {window_days:g} days of the year, {members} are "
                "needed: take fewer members or a wider window."
            )
        chosen.append(rng.choice(near, size=members, replace=False))
    return np.stack(chosen, axis=1)


def pattern_scaling(train: ArrayLike, train_times: ArrayLike, times: ArrayLike) -> Floats:
    """Linear pattern scaling: what CO2 adds to training anomalies (time, cell) brought to other times.

    Per cell a straight line in CO2 by least squares; (time', cell) at `times`, from the mean of training.
    """
    x, c = np.asarray(train, dtype=np.float64), co2_ppm(train_times)
    centred = c - c.mean()
    slope = centred @ (x - x.mean(axis=0)) / (centred @ centred)
    return (co2_ppm(times) - c.mean())[:, None] * slope


def score_against_archive(ds: xr.Dataset) -> dict[str, float] | None:
    """CRPS (K) and spread/skill of a drawn ensemble against the shipped simulated archives.

    Anomalies from the climatology of each zoom are compared at zoom 4: month means with the monthly archive,
    days with those of the fine one. None where there is no truth of these times, or one member only.
    """
    from fsae_core.archive.reader import open_archive
    from fsae_core.model.archive_model import ArchiveModel
    from fsae_core.model.checkpoint import load_model
    from fsae_core.sphere.pyramid import restrict

    times, values = ds["time"].values, ds["t2m"].transpose("member", "time", "cell").values
    monthly = len(times) == 1 and times[0] == times[0].astype("datetime64[M]").astype(times.dtype)
    archive = open_archive("amip" if monthly else "amip-hr", variables="t2m")
    # A drawn month carries the date of its first day, the archive's means that of their middle.
    unit = "datetime64[M]" if monthly else "datetime64[ns]"
    wanted, known = (stamps.astype(unit) for stamps in (times, archive["time"].values))
    found = np.searchsorted(known, wanted)
    inside = found < archive.sizes["time"]
    if len(values) < 2 or not inside.all() or (known[found] != wanted).any():
        return None
    model = load_model("amip-16x", device="cpu")
    assert isinstance(model, ArchiveModel)  # these weights are an archive's
    maps = model.climatologies
    truth = archive["t2m"].transpose("time", "cell").values[found]
    stamps = archive["time"].values[found]

    def anomaly(fields: NDArray) -> NDArray:
        zoom = zoom_of(fields.shape[-1])
        return np.asarray(restrict(fields - maps[zoom].mean_at(stamps), zoom - 4))

    e, t = anomaly(values), anomaly(truth)
    return {"crps": float(crps(e, t).mean()), "spread_skill": spread_skill(e, t)}
