"""``fsae evaluate``: the rate-distortion table of an archive on its held-out times."""

from __future__ import annotations

__all__ = ["evaluate"]

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fsae_core.cli.output import JsonFlag, emit, progress, warn
from fsae_core.cli.together import measure_together

if TYPE_CHECKING:
    from fsae_core.evaluate.table import Evaluation

MORE_VALUES = {"allow_extra_args": True}
"""For an option with several values in a row (`--ratios 16 64`), which typer hands over as extra
arguments."""

UNFINISHED = ".unfinished"


def evaluate(
    context: typer.Context,
    archive: Annotated[str, typer.Argument(help="Anything `prepare` reads, or a name from `fsae catalog`.")],
    methods: Annotated[
        list[str] | None,
        typer.Option(help="Some of them, for example fs-ae jpeg2000 sperr+clim; by default all there are."),
    ] = None,
    ratios: Annotated[list[str] | None, typer.Option(help="Of 4 16 64 256; by default all.")] = None,
    variable: Annotated[
        str | None, typer.Option("--variable", "-v", help="By default the archive's first.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the table as JSON; run again, a stopped run goes on.")
    ] = None,
    earlier: Annotated[
        Path | None,
        typer.Option(help="A table made before: rows whose weights are the same are not made again."),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the table as comma-separated values.")] = None,
    together: Annotated[
        bool,
        typer.Option(
            "--together",
            help="Variables compressed together against each alone, at 16 and 64, in another table.",
        ),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of these names.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Compare methods on the held-out times of an archive, at equal floats and at equal bytes.

    Errors are of equal area over all held-out times, with 95 % intervals by block bootstrap over time. +clim
    behind a name means on anomalies from the archive's climatology. What a method knows beforehand (weights,
    climatology, vectors) is counted in no ratio and listed apart.
    """
    from fsae_core.archive.reader import open_archive
    from fsae_core.codec.atomic import writing
    from fsae_core.errors import UserError
    from fsae_core.evaluate.methods import JOINT_METHOD, variable_of
    from fsae_core.evaluate.table import evaluate as measure

    names, sizes = _several(methods, ratios, context.args)
    if earlier and not earlier.is_file():
        raise UserError(f"There is no table at {earlier}: leave --earlier out or name one.")
    for target in (out, csv):
        if target and target.exists() and not overwrite:
            raise UserError(f"{target} exists already: choose another name or pass --overwrite.")
        if target and not target.parent.is_dir():
            raise UserError(f"The folder {target.parent} of {target.name} does not exist: make it first.")
    if together:
        measure_together(archive, sizes if ratios else (16, 64), (out, csv), device, as_json)
        return
    # Together with others needs the others.
    ds = open_archive(archive, variables=None if names and JOINT_METHOD in names else variable)
    unfinished = out.with_name(out.name + UNFINISHED) if out else None

    def keep(table: Evaluation) -> None:
        if unfinished:
            with writing(unfinished, overwrite=True) as path:
                path.write_text(table.to_json(), encoding="utf-8")

    table = measure(
        ds,
        variable_of(ds, variable),
        names,
        sizes,
        archive=str(ds.attrs.get("fsae_name", "")) or Path(archive).name,
        device=device,
        progress=progress("comparing"),
        warn=warn,
        earlier=[found for found in (_earlier(earlier), _earlier(unfinished)) if found],
        on_row=keep,
    )
    for target, text in ((out, table.to_json), (csv, table.to_csv)):
        if target:
            with writing(target, overwrite=overwrite) as path:
                path.write_text(text(), encoding="utf-8")
    if unfinished:
        unfinished.unlink(missing_ok=True)
    if as_json:
        emit({**table.head, "rows": table.rows}, True)
        return
    emit(table.head, False)
    for line in _lines(table.rows):
        typer.echo(line)


def _several(
    methods: list[str] | None, ratios: list[str] | None, more: list[str]
) -> tuple[list[str] | None, tuple[int, ...]]:
    """Extra arguments that are numbers are ratios, the others methods; each may also be given with commas."""
    from fsae_core.codec.choice import RATIOS
    from fsae_core.errors import UserError

    if more and methods is None and ratios is None:
        raise UserError(f"One archive was expected and {more[0]} was found too: give one, options behind it.")
    given = [*(methods or []), *(word for word in more if not word.strip(",").isdigit())]
    numbers = [*(ratios or []), *(word for word in more if word.strip(",").isdigit())]
    names = [name for word in given for name in word.split(",") if name]
    try:
        sizes = tuple(dict.fromkeys(int(part) for word in numbers for part in word.split(",") if part))
    except ValueError as error:
        raise UserError(f"--ratios takes numbers of 4 16 64 256 and found {', '.join(numbers)}.") from error
    return names or None, sizes or RATIOS


def _earlier(path: Path | None) -> dict[str, Any] | None:
    """The table that a stopped run left; None where there is none or it cannot be read."""
    if path is None or not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


_COLUMNS = {
    "method": "{:<16}",
    "axis": "{:<7}",
    "ratio": "{:>6}",
    "ratio_floats": "{:>13}",
    "ratio_bytes": "{:>12}",
    "rmse": "{:>10}",
    "rmse_low": "{:>10}",
    "rmse_high": "{:>10}",
    "psnr_db": "{:>8}",
    "max_error": "{:>10}",
    "dssim": "{:>7}",
    "encode_mb_s": "{:>12}",
    "decode_mb_s": "{:>12}",
}


def _lines(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["".join(form.format(name.replace("_", " ")) for name, form in _COLUMNS.items())]
    for row in rows:
        cells = [form.format(_text(row[name])) for name, form in _COLUMNS.items()]
        lines.append("".join(cells) + (f"  {row['note']}" if row.get("note") else ""))
    return lines


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
