"""``fsae evaluate --together``: variables compressed together against each of them alone."""

from __future__ import annotations

__all__ = ["measure_together"]

from pathlib import Path

import typer

from fsae_core.cli.output import emit, progress


def measure_together(
    archive: str,
    ratios: tuple[int, ...],
    targets: tuple[Path | None, Path | None],
    device: str,
    as_json: bool,
) -> None:
    """Print the table; targets: where it goes as JSON and as comma-separated values too. UserError as in
    `evaluate_together`."""
    import json

    from fsae_core.archive.reader import open_archive
    from fsae_core.codec.atomic import writing
    from fsae_core.evaluate.plain import plain_json, to_csv
    from fsae_core.evaluate.together import evaluate_together

    table = evaluate_together(open_archive(archive), ratios, device=device, progress=progress("comparing"))
    whole = plain_json({**table.head, "rows": table.rows})
    texts = (json.dumps(whole, indent=1) + "\n", to_csv(table.rows))
    for target, text in zip(targets, texts, strict=True):
        if target:
            with writing(target, overwrite=True) as path:
                path.write_text(text, encoding="utf-8")
    if as_json:
        emit(whole, True)
        return
    emit(plain_json(table.head), False)
    typer.echo(f"{'ratio':>6} {'field':<12}{'way':<14}{'rmse':>12}{'steepest':>12}  units")
    for row in table.rows:
        typer.echo(
            f"{row['ratio']:>6} {row['field']:<12}{row['way']:<14}{row['rmse']:>12.4g}"
            f"{row['rmse_steepest']:>12.4g}  {row['units']}"
        )
