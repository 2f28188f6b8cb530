"""Rows as JSON and as comma-separated values: few digits, and null for what is no number."""

from __future__ import annotations

__all__ = ["plain_json", "to_csv"]

import csv
import io
import math
from collections.abc import Iterable, Mapping
from typing import Any

DIGITS = 6


def plain_json(value: Any) -> Any:
    """Numbers to six significant digits, None for NaN and infinity, mappings with text keys, lists."""
    if isinstance(value, Mapping):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def to_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """A header and a line a row; ``worst`` becomes worst_time, worst_lon ..., a list of pairs a column a
    place."""
    flat = [_flat(plain_json(row)) for row in rows]
    columns = list(dict.fromkeys(key for row in flat for key in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}_{part}": item for part, item in value.items()}
        elif isinstance(value, list):
            flat |= {f"{key}_{place:g}": item for place, item in value}
        else:
            flat[key] = value
    return flat
