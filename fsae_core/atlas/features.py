"""Compressed fields of an archive, all times in one frame, and what else is known of each time."""

from __future__ import annotations

__all__ = ["CompressedRecord", "compressed_record", "with_model"]

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fsae_core.archive.canonical import data_names, zoom_of_dataset
from fsae_core.archive.timing import is_instant
from fsae_core.atlas.calendar import Times
from fsae_core.codec.choice import FieldModel, levels_of_ratio, pick_model
from fsae_core.codec.layout import INSTANT
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.pyramid import restrict

Single = NDArray[np.float32]
Progress = Callable[[Iterable[Any]], Iterable[Any]]

_VALUES_AT_ONCE = 2**21


@dataclass(frozen=True)
class CompressedRecord:
    """values: (time, coarse cell) in units; times: (time,); global_mean: (time,); zoom_in: of the fields;
    model, sha256: the weights."""

    values: Single
    times: Times
    variable: str
    units: str
    global_mean: NDArray[np.float64]
    zoom_in: int
    ratio: int
    model: str
    sha256: str


def compressed_record(
    ds: xr.Dataset,
    variable: str | None = None,
    ratio: int = 16,
    *,
    model: str | Path | FieldModel = "auto",
    device: str = "auto",
    progress: Progress | None = None,
) -> CompressedRecord:
    """The compressed fields of one variable (t2m or the first by default) of a canonical archive.

    Raises UserError for a variable that is not there, members, missing values, or no fitting weights.
    """
    name = _variable(ds, variable)
    array = ds[name]
    if array.dims != ("time", "cell"):
        raise UserError(
            f"{name} has dimensions {', '.join(map(str, array.dims))}, expected time and cell: choose one "
            "member."
        )
    fitted = pick_model(ds[[name]], ratio, model, device)
    instant = bool(array.attrs.get(INSTANT, is_instant(ds, name)))
    return with_model(array, fitted, ratio, instant=instant, progress=progress)


def with_model(
    array: xr.DataArray,
    model: FieldModel,
    ratio: int,
    *,
    instant: bool = False,
    progress: Progress | None = None,
) -> CompressedRecord:
    """The same for one array (time, cell) and a model at hand.

    General weights give coarse fields in the field's units. An archive's own weights give numbers whose
    meaning turns with the season (or that are no field at all); those are brought into one frame by the
    block means of the field that they stand for, as many numbers as there are in the compressed field.
    """
    zoom_in = zoom_of_dataset(array.to_dataset(name="field"))
    levels = levels_of_ratio(ratio, zoom_in)
    times = array["time"].values
    step = max(1, _VALUES_AT_ONCE // n_cells(zoom_in))
    blocks = [slice(i, i + step) for i in range(0, len(times), step)]
    values, means = [], []
    for block in progress(blocks) if progress else blocks:
        x = np.asarray(array[block].values, np.float32)
        missing = 1 - np.isfinite(x).mean()
        if missing:
            raise UserError(
                f"{array.name} has missing or infinite values in {100 * missing:.2g} % of its cells, but "
                "only complete fields can be compressed: fill them first."
            )
        key: dict[str, Any] = {"variable": str(array.name), "times": times[block], "instant": instant}
        got = model.compress_fields(x, **key)
        if model.card.family == "general" and got.values.shape[-1] == n_cells(zoom_in - levels):
            values.append(np.asarray(got.values, np.float32))
        else:
            values.append(restrict(model.decompress_fields(got, **key), levels))
        means.append(x.mean(axis=-1, dtype=np.float64))
    return CompressedRecord(
        np.concatenate(values),
        times,
        str(array.name),
        str(array.attrs.get("units", "")),
        np.concatenate(means),
        zoom_in,
        ratio,
        str(model.card.name),
        str(model.card.sha256),
    )


def _variable(ds: xr.Dataset, wanted: str | None) -> str:
    names = data_names(ds)
    if not names:
        raise UserError("This archive has no variable on the sphere (with a dimension cell): nothing to map.")
    if wanted is None:
        return names[0]
    if wanted not in names:
        raise UserError(f"There is no variable {wanted} in this archive, which has {', '.join(names)}.")
    return wanted
