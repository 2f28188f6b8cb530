"""``fsae train``: weights for an archive of one's own."""

from __future__ import annotations

__all__ = ["train"]

import time
from pathlib import Path
from typing import Annotated

import typer

from fsae_core.cli.output import JsonFlag, emit, progress

train = typer.Typer(help="Train weights; a checkpoint is written every two minutes.", no_args_is_help=True)


@train.callback()
def models() -> None:
    """Train weights; a checkpoint is written every two minutes."""


@train.command()
def autoencoder(
    archive: Annotated[list[str], typer.Option(help="Archive to learn from; may be given several times.")],
    config: Annotated[str, typer.Option(help="Name of a configuration, for example general-64x.")],
    out: Annotated[Path, typer.Option(help="Where the weights go: a file .safetensors.")],
    minutes: Annotated[float, typer.Option(min=0.01, help="Wall time to train for.")] = 10.0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint beside --out.")] = False,
    init: Annotated[
        str | None, typer.Option(help="Start from weights: general, the name of shipped ones, or a file.")
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            min=1e-6, max=0.1, help="Peak of the learning rate; by default 0.006, 0.002 for an archive."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Train a Field-Space Autoencoder, or tune the general weights to an archive (--init general)."""
    from fsae_core.errors import UserError
    from fsae_core.training.autoencoder import train_autoencoder

    if out.suffix != ".safetensors":
        raise UserError(f"{out.name} was given for the weights, which are a file .safetensors: name it so.")
    if not out.parent.is_dir():
        raise UserError(f"The folder {out.parent} of {out.name} does not exist: make it first.")
    started = time.monotonic()
    result = train_autoencoder(
        archive,
        config,
        out,
        minutes=minutes,
        resume=resume,
        init=init,
        device=device,
        seed=seed,
        learning_rate=learning_rate,
        progress=progress("training"),
    )
    emit({"path": out, **result, "seconds": round(time.monotonic() - started, 3)}, as_json)
