"""``fsae train diffusion``: weights that draw ensembles of an archive's fields."""

from __future__ import annotations

__all__ = ["diffusion"]

import time
from pathlib import Path
from typing import Annotated

import typer

from fsae_core.cli.output import JsonFlag, emit, progress


def diffusion(
    archive: Annotated[
        list[str],
        typer.Option(help="The coarse archive of days, and perhaps the fine one; may be given twice."),
    ],
    out: Annotated[Path, typer.Option(help="Where the weights go: a file .safetensors.")],
    config: Annotated[str, typer.Option(help="flow (flow matching) or edm (its noise levels).")] = "flow",
    minutes: Annotated[float, typer.Option(min=0.0, help="Wall time for the network; 0 for none.")] = 2.0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint beside --out.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Train Compressed Field Diffusion: a closed-form emulator, and a network on what it leaves.

    val_rmse is the error of the velocity on validation times over that of the closed form alone.
    """
    from fsae_core.archive.reader import open_archive
    from fsae_core.errors import UserError
    from fsae_core.training.diffusion import train_diffusion
    from fsae_core.training.flow import FlowConfig

    if out.suffix != ".safetensors":
        raise UserError(f"{out.name} was given for the weights, which are a file .safetensors: name it so.")
    if not out.parent.is_dir():
        raise UserError(f"The folder {out.parent} of {out.name} does not exist: make it first.")
    if config not in ("flow", "edm"):
        raise UserError(f"There is no configuration {config} of the diffusion model: choose flow or edm.")
    started = time.monotonic()
    result = train_diffusion(
        [open_archive(name, variables="t2m") for name in archive],
        out,
        minutes=minutes,
        resume=resume,
        device=device,
        seed=seed,
        flow=FlowConfig(angles="uniform" if config == "flow" else "edm"),
        progress=progress("training"),
    )
    emit({"path": out, **result, "seconds": round(time.monotonic() - started, 3)}, as_json)
