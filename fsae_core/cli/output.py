"""What commands print: results on stdout (readable, or one JSON object last), progress on stderr."""

from __future__ import annotations

__all__ = ["JsonFlag", "LevelOption", "VariableOption", "emit", "progress", "warn"]

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object, last, on stdout.")]
VariableOption = Annotated[
    list[str] | None,
    typer.Option("--variable", "-v", help="Only this one (t2m, z500, t@850); may be given several times."),
]
LevelOption = Annotated[
    float | None,
    typer.Option(
        help="Of variables that have several: hPa where these are pressures, else as the file counts."
    ),
]


def emit(result: Mapping[str, Any], as_json: bool) -> None:
    """Print a result. In JSON a value that is not finite is null: a bad value is never 0."""
    if as_json:
        typer.echo(json.dumps(_plain(result), allow_nan=False))
        return
    for line in _lines(_plain(result), ""):
        typer.echo(line)


def warn(sentence: str) -> None:
    """A sentence on stderr that does not stop the command."""
    typer.echo(sentence, err=True)


def progress(title: str) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """A wrapper of iterables that shows on stderr how far they are, once they take longer than a moment."""
    from tqdm import tqdm

    def wrap(iterable: Iterable[Any]) -> Iterable[Any]:
        interval = 0.2 if sys.stderr.isatty() else 5.0
        return tqdm(iterable, desc=title, file=sys.stderr, delay=0.5, mininterval=interval, leave=False)

    return wrap


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _lines(value: Mapping[str, Any], indent: str) -> list[str]:
    lines: list[str] = []
    for key, item in value.items():
        label = f"{indent}{key.replace('_', ' ')}:"
        if isinstance(item, dict) and item:
            lines += [label, *_lines(item, indent + "  ")]
        elif isinstance(item, list) and item and isinstance(item[0], dict):
            lines.append(label)
            for entry in item:
                first, *rest = _lines(entry, indent + "    ")
                lines += [f"{indent}  - {first.lstrip()}", *rest]
        else:
            lines.append(f"{label} {_text(item)}")
    return lines


def _text(item: Any) -> str:
    if item is None:
        return "-"
    if isinstance(item, float):
        return f"{item:.4g}"
    if isinstance(item, list):
        return ", ".join(_text(entry) for entry in item)
    return str(item)
