"""The rate-distortion table of an archive: every method, on both axes, on held-out times only."""

from __future__ import annotations

__all__ = ["Evaluation", "evaluate"]

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from fsae_core import __version__
from fsae_core.archive.canonical import zoom_of_dataset
from fsae_core.errors import UserError
from fsae_core.evaluate.anomaly import OnAnomalies
from fsae_core.evaluate.bootstrap import block_length
from fsae_core.evaluate.coded import Axis, Known, Method, OutOfReach
from fsae_core.evaluate.latents import RATIOS
from fsae_core.evaluate.methods import METHODS, method_named, variable_of
from fsae_core.evaluate.plain import plain_json, to_csv
from fsae_core.evaluate.row import NOTHING, scores
from fsae_core.training.splits import Split, split_of

Row = dict[str, Any]
Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Evaluation:
    """head: archive, variable, zoom, units, times, split, weights, version and what else holds for every
    row; rows: one a method, axis and ratio."""

    head: Row
    rows: list[Row]

    def to_json(self) -> str:
        """One object, the head's keys and ``rows``, a row a line; numbers to six digits, what is not finite
        null."""
        head = plain_json(self.head)
        rows = ",\n".join(json.dumps(plain_json(row), separators=(",", ":")) for row in self.rows)
        return json.dumps(head, separators=(",", ":"))[:-1] + ',"rows":[\n' + rows + "\n]}\n"

    def to_csv(self) -> str:
        """The rows as comma-separated values with a header; what has parts gets a column a part."""
        return to_csv(self.rows)


def evaluate(
    ds: xr.Dataset,
    variable: str | None = None,
    methods: Sequence[str] | None = None,
    ratios: Sequence[int] = RATIOS,
    *,
    axes: Sequence[Axis] = ("floats", "bytes"),
    archive: str | None = None,
    device: str = "auto",
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
    earlier: Mapping[str, Any] | Sequence[Mapping[str, Any]] = (),
    on_row: Callable[[Evaluation], None] | None = None,
) -> Evaluation:
    """Measure methods on the test times of a canonical archive's split, all of them by default.

    ``axes``: in which ratios are asked for; ``archive``: its name, the dataset's own by default;
    ``progress`` wraps an iterable as tqdm does; ``warn`` takes a sentence for each method that is left out,
    and for weights that learned from a test time; ``earlier``: a table made before, or some, by a stopped
    run or with other weights: rows are taken where the head is the same and so are the weights that the
    method takes, of the last one that has them; ``on_row`` sees the table after each row. Raises UserError
    for an archive without test times, missing values, and names and ratios that there are not.
    """
    name = variable_of(ds, variable)
    tell = warn or (lambda sentence: None)
    truth, times, split = _held_out(ds, name)
    wrong = [ratio for ratio in ratios if ratio not in RATIOS]
    if wrong:
        raise UserError(
            f"Ratio {wrong[0]} was asked for, fields are compared at 4, 16, 64 and 256: choose of these."
        )
    chosen = _methods(ds, name, methods, device, tell)
    table = Evaluation(_head(ds, name, archive, times, split, chosen, truth), [])
    _tell_of_training(chosen, ratios, str(ds.attrs.get("fsae_name", "")), times, tell)
    before: dict[tuple[str, str, int], Row] = {}
    for one in [earlier] if isinstance(earlier, Mapping) else earlier:
        before |= _kept(one, plain_json(table.head), chosen)
    jobs = [(m, axis, ratio) for m in chosen for axis in m.axes if axis in axes for ratio in ratios]
    for method, axis, ratio in progress(jobs) if progress else jobs:
        row = before.get((method.name, axis, ratio))
        table.rows.append(row or _row(method, axis, ratio, truth, times, table.head["bootstrap"]["block"]))
        if on_row:
            on_row(table)
    return table


def _kept(earlier: Mapping[str, Any], head: Row, methods: list[Method]) -> dict[tuple[str, str, int], Row]:
    """Rows of a table made before that are as they would be now, by method, axis and ratio."""
    told = {"rows", "weights", "climatology"}
    if {k: v for k, v in earlier.items() if k not in told} != {
        k: v for k, v in head.items() if k not in told
    }:
        return {}
    weights, kept = earlier.get("weights", {}), set()
    for method in methods:
        needed = [pair for ratio in RATIOS for pair in _known(method, ratio).weights]
        same = all(weights.get(name) == sha for name, sha in needed)
        if isinstance(method, OnAnomalies):
            source = method.climatology.source
            same = earlier.get("climatology") == source and (
                "weights" not in source or weights == head["weights"]
            )
        if same:
            kept.add(method.name)
    rows = [row for row in earlier.get("rows", ()) if row["method"] in kept]
    return {(row["method"], row["axis"], row["ratio"]): dict(row) for row in rows}


def _held_out(ds: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray, Split]:
    split = split_of(ds)
    keep = Split.mask(ds["time"].values, split.test)
    if not keep.any():
        raise UserError(
            f"This archive has no time in its test period ({split.test[0]} to {split.test[1]}): methods are "
            "compared on held-out times only, so give an archive of three days or more."
        )
    truth = ds[name].values[keep].astype(np.float32)
    if not np.isfinite(truth).all():
        raise UserError(
            f"{name} has missing or infinite values, only complete fields can be compared: fill them."
        )
    return truth, ds["time"].values[keep], split


def _methods(
    ds: xr.Dataset, name: str, asked: Sequence[str] | None, device: str, tell: Callable[[str], None]
) -> list[Method]:
    if asked is not None:
        return [method_named(method, ds, name, device) for method in dict.fromkeys(asked)]
    found = []
    for method in METHODS:
        try:
            found.append(method_named(method, ds, name, device))
        except UserError as error:
            tell(f"{method} is left out: {error}")
    return found


def _head(
    ds: xr.Dataset,
    name: str,
    archive: str | None,
    times: np.ndarray,
    split: Split,
    methods: list[Method],
    truth: np.ndarray,
) -> Row:
    # Of all ratios: in bytes a field may be sent through any of them.
    weights = dict(pair for method in methods for ratio in RATIOS for pair in _known(method, ratio).weights)
    climatologies = [m.climatology.source for m in methods if isinstance(m, OnAnomalies)]
    return {
        "archive": archive or str(ds.attrs.get("fsae_name", "")),
        "variable": name,
        "zoom": zoom_of_dataset(ds),
        "units": ds[name].attrs.get("units", "1"),
        "times": [str(t.astype("datetime64[s]")) for t in times],
        "split": split.as_dict(),
        "weights": weights,
        "version": __version__,
        "simulated": bool(ds.attrs.get("fsae_simulated", 0)),
        "climatology": climatologies[0] if climatologies else None,
        "bootstrap": {"block": block_length(truth), "confidence": 0.95},
    }


def _known(method: Method, ratio: int) -> Known:
    try:
        return method.known(ratio)
    except OutOfReach:
        return Known()


def _tell_of_training(
    methods: list[Method],
    ratios: Sequence[int],
    archive: str,
    times: np.ndarray,
    tell: Callable[[str], None],
) -> None:
    cards = {card.name: card for m in methods for ratio in ratios for card in _known(m, ratio).cards}
    for card in cards.values():
        learned = int(card.trained_on(archive, times).sum())
        if learned:
            tell(
                f"The weights {card.name} were trained on {learned} of these {len(times)} times: there the "
                "errors are smaller than on new ones."
            )


def _row(method: Method, axis: Axis, ratio: int, truth: np.ndarray, times: np.ndarray, block: int) -> Row:
    cells, megabytes = truth.shape[-1], truth.nbytes / 1e6
    row: Row = {
        "method": method.name,
        "axis": axis,
        "ratio": ratio,
        "ratio_floats": None,
        "ratio_bytes": None,
    }
    row |= NOTHING | {"encode_mb_s": None, "decode_mb_s": None, "parameters": None, "minutes": None}
    try:
        method.code(truth[:1], times[:1], axis=axis, ratio=ratio)  # what is made once must not be timed
        coded = method.code(truth, times, axis=axis, ratio=ratio)
        known = method.known(ratio)
    except OutOfReach as error:
        return row | {"note": str(error)}
    note = coded.note or known.note
    row |= {"note": note} if note else {}
    return row | {
        "ratio_floats": cells / coded.floats if coded.floats else None,
        "ratio_bytes": 4 * cells / coded.bytes if coded.bytes else None,
        **scores(truth, coded.recon, times, block),
        "encode_mb_s": megabytes / coded.encode_s if coded.encode_s > 0 else None,
        "decode_mb_s": megabytes / coded.decode_s if coded.decode_s > 0 else None,
        "parameters": known.parameters,
        "minutes": known.minutes,
    }
