"""build_atlas: from an archive to its atlas."""

from __future__ import annotations

__all__ = ["Findings", "build_atlas", "eruption_rows", "findings"]

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fsae_core import __version__
from fsae_core.archive.canonical import data_names
from fsae_core.atlas.atlas import COLUMNS, Atlas, AtlasConfig, components_used
from fsae_core.atlas.calendar import Floats, Times, decimal_years, month_numbers
from fsae_core.atlas.displacement import Displacement, displacement
from fsae_core.atlas.enso import nino34, without_enso
from fsae_core.atlas.eruptions import aftermath, eruptions_between, null_pool
from fsae_core.atlas.features import CompressedRecord, compressed_record
from fsae_core.atlas.novelty import novelty
from fsae_core.atlas.space import FeatureSpace
from fsae_core.atlas.stages import Stages
from fsae_core.atlas.tsne import draw_map
from fsae_core.errors import UserError

if TYPE_CHECKING:
    from fsae_core.codec.choice import FieldModel

Progress = Callable[[Iterable[Any]], Iterable[Any]]

_SHORTEST = 5.0
"""Years; a shorter record does not tell years apart, so it has no displacement."""

_LEAST_SLOPE = 0.1
"""Years that the neighbours' mean moves for a year; noise has -0.1 to 0.06 and does not tell the year."""


@dataclass(frozen=True)
class Findings:
    """Displacement with and without El Nino (None where there is none), share of fast variance that El Nino
    explains, novelty and its p."""

    plain: Displacement | None
    no_enso: Displacement | None
    explained: float | None
    novelty: NDArray[np.float64]
    p_novelty: NDArray[np.float64]


def build_atlas(
    ds: xr.Dataset,
    *,
    variable: str | None = None,
    config: AtlasConfig | None = None,
    model: FieldModel | None = None,
    device: str = "auto",
    progress: Progress | None = None,
    keep: Path | None = None,
) -> Atlas:
    """The atlas of one variable (t2m or the first) of a canonical archive (time, cell) without gaps.

    model: in place of the one that the configuration names. progress wraps iterables as tqdm does. keep: a
    folder for what is finished, so that a stopped build goes on; remove it when the atlas is written.
    Raises UserError as `compressed_record`, and for fewer than four times.
    """
    c = config or AtlasConfig()
    if ds.sizes.get("time", 0) < 4:
        raise UserError(
            f"The archive has {ds.sizes.get('time', 0)} times, an atlas needs four at least: choose a longer "
            "one."
        )
    record = compressed_record(
        ds, variable, c.ratio, model=model or c.model, device=device, progress=progress
    )
    stages = Stages(keep, _signature(record, c))
    times = record.times
    raw = FeatureSpace.fit(record.values, times, c.map_components, deseasonalise=False)
    free = FeatureSpace.fit(record.values, times, c.map_components, deseasonalise=True)
    scores, scores_free = raw.scores(record.values, times), free.scores(record.values, times)
    maps = stages.get("map", lambda: {"places": draw_map(scores, c.map)})
    maps_free = stages.get("map_deseasonalised", lambda: {"places": draw_map(scores_free, c.map)})
    source = _temperature(ds, record)
    index = None if source is None else nino34(ds[source])
    found = findings(scores_free, times, index, c, stages=stages, progress=progress)
    table = _table(record, maps["places"], maps_free["places"], index, found)
    about = {
        "version": __version__,
        "archive": str(ds.attrs.get("fsae_name", "")),
        "title": str(ds.attrs.get("title", "")),
        "simulated": bool(ds.attrs.get("fsae_simulated", 0)),
        "history": str(ds.attrs.get("history", "")),
        "variable": record.variable,
        "units": record.units,
        "zoom_in": record.zoom_in,
        "model": record.model,
        "sha256": record.sha256,
        "season_fitted_on": "all times",
        "nino34": None if index is None else f"relative, from {source} over the sea",
        "enso_share": found.explained,
        "slope": None if found.plain is None else found.plain.slope,
        "slope_no_enso": None if found.no_enso is None else found.no_enso.slope,
        "surrogates": None if found.plain is None else len(found.plain.null),
        "eruptions": eruption_rows(found, times),
    }
    expected = None if found.plain is None else found.plain.expected
    return Atlas(table, c, raw, free, scores, scores_free, about, expected)


def findings(
    scores: Floats,
    times: Times,
    index: NDArray[np.float64] | None,
    config: AtlasConfig,
    *,
    stages: Stages | None = None,
    progress: Progress | None = None,
) -> Findings:
    """Displacement and novelty of deseasonalised scores (time, d), of which the leading components are
    used.

    The null is made of times that no eruption of the catalogue touches, where they are half of the record.
    """
    c, kept = config, stages or Stages(None, "")
    years = decimal_years(times)
    x = np.asarray(scores)[:, : components_used(c, len(times))]
    novel = kept.get("novelty", lambda: dict(zip(("value", "p"), novelty(x, years, c.novelty), strict=True)))
    if years[-1] - years[0] < _SHORTEST or not _told_apart(years, c):
        return Findings(None, None, None, novel["value"], novel["p"])
    pool = null_pool(times)

    def of(values: Floats, name: str) -> Displacement:
        def make() -> dict[str, Any]:
            got = displacement(values, years, c.displacement, pool=pool, progress=progress)
            return {
                "years": got.years,
                "p": got.p,
                "null": got.null,
                "expected": got.expected,
                "slope": got.slope,
            }

        arrays = kept.get(name, make)
        slope = float(arrays["slope"])
        return Displacement(arrays["years"], arrays["p"], arrays["null"], slope, arrays["expected"])

    plain = of(x, "displacement")
    if plain.slope < _LEAST_SLOPE:
        return Findings(None, None, None, novel["value"], novel["p"])
    if index is None:
        return Findings(plain, None, None, novel["value"], novel["p"])
    cleared, explained = without_enso(x, index, times, c.enso, fit_on=pool)
    return Findings(plain, of(cleared, "displacement_no_enso"), explained, novel["value"], novel["p"])


def _told_apart(years: NDArray[np.float64], config: AtlasConfig) -> bool:
    """Whether every time has enough others that are far enough away to be its neighbours."""
    c = config.displacement
    near = np.searchsorted(years, years + c.apart, "right") - np.searchsorted(years, years - c.apart, "left")
    return bool((len(years) - near).min() >= 2 * c.neighbours)


def eruption_rows(found: Findings, times: Times) -> list[dict[str, Any]]:
    """For each eruption within the record: mean displacement of the 24 months from three months after it,
    its one-sided p and the null's 2.5 % quantile, with El Nino in and taken out."""
    rows = []
    for eruption in eruptions_between(times):
        window = aftermath(eruption, times)
        if not window.any():
            continue
        row: dict[str, Any] = {
            "name": eruption.name,
            "date": eruption.date,
            "peak_aod": eruption.peak_aod,
            "times": int(window.sum()),
            "note": eruption.note,
        }
        for suffix, got in (("", found.plain), ("_no_enso", found.no_enso)):
            mean, p, low = (None, None, None) if got is None else got.window(window)
            row |= {f"displacement{suffix}": mean, f"p{suffix}": p, f"quantile{suffix}": low}
        rows.append(row)
    return rows


def _table(
    record: CompressedRecord,
    places: Floats,
    places_free: Floats,
    index: NDArray[np.float64] | None,
    found: Findings,
) -> Any:
    import pandas as pd

    times = record.times
    missing = np.full(len(times), np.nan)

    def of(got: Displacement | None) -> tuple[Floats, Floats]:
        return (missing, missing) if got is None else (got.years, got.p)

    columns: dict[str, Any] = {
        "time": times.astype("datetime64[ns]"),
        "x": places[:, 0],
        "y": places[:, 1],
        "month": month_numbers(times).astype(np.int8),
        "year": (times.astype("datetime64[Y]").astype(int) + 1970).astype(np.int16),
        "novelty": found.novelty,
        "p_novelty": found.p_novelty,
        "global_mean": record.global_mean,
        "nino34": missing if index is None else index,
        "x_deseasonalised": places_free[:, 0],
        "y_deseasonalised": places_free[:, 1],
    }
    columns["displacement"], columns["p_displacement"] = of(found.plain)
    columns["displacement_no_enso"], columns["p_displacement_no_enso"] = of(found.no_enso)
    frame = pd.DataFrame({name: columns[name] for name in COLUMNS})
    single = [name for name in COLUMNS if frame[name].dtype == np.float64]
    return frame.astype(dict.fromkeys(single, np.float32))


def _temperature(ds: xr.Dataset, record: CompressedRecord) -> str | None:
    """The variable that Nino 3.4 is read from: t2m, else the mapped one where it is a temperature."""
    names = data_names(ds)
    if "t2m" in names:
        return "t2m"
    attrs = ds[record.variable].attrs
    words = " ".join(str(attrs.get(k, "")) for k in ("standard_name", "long_name")) + record.variable
    return record.variable if record.units == "K" or "temp" in words.lower() else None


def _signature(record: CompressedRecord, config: AtlasConfig) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(record.values).tobytes())
    digest.update(np.ascontiguousarray(record.times.astype("datetime64[ns]").astype(np.int64)).tobytes())
    return json.dumps([__version__, record.sha256, config.as_dict(), digest.hexdigest()], default=str)
