"""Variables compressed together against each of them alone: the same times, floats and cells.

Ways: `joint` (all in one), `alone` (the same weights, one variable at a time), `single` (the weights that
`fsae compress` takes for one variable) and, of the joint one, `without X`, where X is not there but as many
floats are kept. Fields: the variables, and of a wind its speed, vorticity and divergence, derived from what
came back.
"""

from __future__ import annotations

__all__ = ["DERIVED", "STEEPEST", "TogetherTable", "evaluate_together"]

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fsae_core.archive.canonical import zoom_of_dataset
from fsae_core.archive.statics import static_fields
from fsae_core.archive.timing import is_instant
from fsae_core.codec.choice import JOINT, pick_model
from fsae_core.codec.together import is_joint
from fsae_core.errors import UserError
from fsae_core.evaluate.coast import mean_by_coast
from fsae_core.evaluate.places import mean_by_steepness, steepness
from fsae_core.sphere.flow import vorticity_divergence, wind_speed
from fsae_core.sphere.healpix import n_cells
from fsae_core.training.splits import Split, split_of

DERIVED = {"speed": "m s-1", "vorticity": "s-1", "divergence": "s-1"}
STEEPEST = 0.05
"""Share of all cells where the orography is steepest."""
_VALUES = 2**22

Floats = NDArray[np.float32]
Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class TogetherTable:
    """head: archive, times, weights; rows: one a ratio, field and way, see `_row`."""

    head: dict[str, Any]
    rows: list[dict[str, Any]]


def evaluate_together(
    ds: xr.Dataset,
    ratios: Sequence[int] = (16, 64),
    *,
    model: str = JOINT,
    singles: Mapping[tuple[str, int], Any] | None = None,
    masks: bool = True,
    device: str = "auto",
    progress: Progress | None = None,
) -> TogetherTable:
    """Measure on the test times of a canonical archive's split.

    model: of the joint weights, a name or file; singles: models by variable and ratio in place of those that
    `fsae compress` would take; masks: whether the ways without a variable are measured too. Raises UserError
    where no joint weights fit or the archive has no test times.
    """
    times = ds["time"].values
    rows_of_test = np.flatnonzero(Split.mask(times, split_of(ds).test))
    if not rows_of_test.size:
        raise UserError(f"The archive has no time in {' to '.join(split_of(ds).test)}: nothing to test on.")
    held = ds.isel(time=rows_of_test)
    names = _names(ds, model, ratios, device)
    zoom, found = zoom_of_dataset(ds), []
    weights: dict[str, str] = {}
    step = max(1, _VALUES // (n_cells(zoom) * len(names)))
    jobs = [(r, slice(i, i + step)) for r in ratios for i in range(0, len(rows_of_test), step)]
    sums: dict[tuple[int, str, str], NDArray[np.float64]] = {}
    for ratio, rows in progress(jobs) if progress else jobs:
        joint = pick_model(ds[names], ratio, model, device)
        own = {
            n: (singles or {}).get((n, ratio)) or pick_model(ds[[n]], ratio, "auto", device) for n in names
        }
        weights |= {f"joint {ratio}": joint.card.name} | {f"{n} {ratio}": m.card.name for n, m in own.items()}
        part = held.isel(time=rows)
        fields = {n: part[n].values.astype(np.float32) for n in names}
        stamps, instant = part["time"].values, bool(is_instant(ds, names[0]))
        truth = _with_derived(fields)
        for way, recon in _ways(joint, own, fields, stamps, instant, masks):
            for field, values in _with_derived(recon).items():
                square = np.square(values.astype(np.float64) - truth[field]).sum(axis=0)
                key = (ratio, field, way)
                sums[key] = sums.get(key, 0.0) + square
    for (ratio, field, way), total in sums.items():
        found.append(_row(ratio, field, way, total / len(rows_of_test), ds))
    head = {
        "archive": ds.attrs.get("fsae_name"),
        "zoom": zoom,
        "times": len(rows_of_test),
        "variables": names,
        "weights": weights,
        "split": split_of(ds).as_dict(),
    }
    return TogetherTable(head, found)


def _names(ds: xr.Dataset, model: str, ratios: Sequence[int], device: str) -> list[str]:
    """The variables of the archive that the joint weights know."""
    here = [str(n) for n in ds.data_vars if n != "crs"]
    for name in here:
        try:
            fitted = pick_model(ds[[name]], ratios[0], model, device)
        except UserError:
            continue
        if is_joint(fitted):
            return [v for v in fitted.card.variables if v in here]
    raise UserError(
        f"No joint weights fit this archive, which has {', '.join(here) or 'no variable'}: they are for zoom "
        "4 and 5 of the simulated archive, and for t2m, u10, v10, msl and tp."
    )


def _ways(
    joint: Any,
    own: Mapping[str, Any],
    fields: dict[str, Floats],
    times: NDArray[np.datetime64],
    instant: bool,
    masks: bool,
) -> Iterable[tuple[str, dict[str, Floats]]]:
    told = {"times": times, "instant": instant}
    packed = joint.compress_joint(fields, **told)
    yield "joint", {n: x for n, x in joint.decompress_joint(packed, **told).items() if n in fields}
    for way, models in (("alone", dict.fromkeys(fields, joint)), ("single", own)):
        yield (
            way,
            {
                n: models[n].decompress_fields(
                    models[n].compress_fields(x, variable=n, **told), variable=n, **told
                )
                for n, x in fields.items()
            },
        )
    for absent in fields if masks and len(fields) > 1 else ():
        left = {n: x for n, x in fields.items() if n != absent}
        found = joint.masked(left, **told)
        yield f"without {absent}", {n: found[n] for n in left}


def _with_derived(fields: Mapping[str, Floats]) -> dict[str, Floats]:
    out = dict(fields)
    if "u10" in fields and "v10" in fields:
        u, v = fields["u10"], fields["v10"]
        out["speed"] = wind_speed(u, v)
        out["vorticity"], out["divergence"] = vorticity_divergence(u, v)
    return out


def _row(ratio: int, field: str, way: str, square: NDArray[np.float64], ds: xr.Dataset) -> dict[str, Any]:
    """RMSE over all cells and over the steepest, by distance to the coast in km (the sea is negative), and
    by quantile of the orography's gradient."""
    steep = steepness(static_fields(zoom_of_dataset(ds))["orography"])
    steepest = steep >= np.quantile(steep, 1 - STEEPEST)
    return {
        "ratio": ratio,
        "field": field,
        "way": way,
        "units": DERIVED.get(field) or ds[field].attrs.get("units"),
        "rmse": float(np.sqrt(square.mean())),
        "rmse_steepest": float(np.sqrt(square[steepest].mean())),
        "rmse_by_coast": {f"{low:g} to {high:g}": value**0.5 for low, high, value in mean_by_coast(square)},
        "rmse_by_steepness": _pairs(*mean_by_steepness(square)),
    }


def _pairs(places: NDArray[Any], squares: NDArray[Any]) -> list[list[float]]:
    return [[float(a), float(b) ** 0.5] for a, b in zip(places, squares, strict=True)]
