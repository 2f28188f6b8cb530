"""``fsae train``: weights for an archive of one's own."""

from __future__ import annotations

__all__ = ["train"]

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from fsae_core.cli.output import JsonFlag, emit, progress

train = typer.Typer(help="Train weights; a checkpoint is written every two minutes.", no_args_is_help=True)


Archives = Annotated[list[str], typer.Option(help="Archive to learn from; may be given several times.")]
Out = Annotated[Path, typer.Option(help="Where the weights go: a file .safetensors.")]
Minutes = Annotated[float, typer.Option(min=0.01, help="Wall time to train for.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint beside --out.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Seed = Annotated[int, typer.Option(help="Of everything that is drawn.")]


def _run(
    trainer: Callable[..., dict[str, Any]],
    archive: list[str],
    config: str,
    out: Path,
    as_json: bool,
    **options: Any,
) -> None:
    from fsae_core.errors import UserError

    if out.suffix != ".safetensors":
        raise UserError(f"{out.name} was given for the weights, which are a file .safetensors: name it so.")
    if not out.parent.is_dir():
        raise UserError(f"The folder {out.parent} of {out.name} does not exist: make it first.")
    started = time.monotonic()
    result = trainer(archive, config, out, **options, progress=progress("training"))
    emit({"path": out, **result, "seconds": round(time.monotonic() - started, 3)}, as_json)


@train.callback()
def models() -> None:
    """Train weights; a checkpoint is written every two minutes."""


@train.command()
def autoencoder(
    archive: Archives,
    config: Annotated[str, typer.Option(help="Name of a configuration, for example general-64x.")],
    out: Out,
    minutes: Minutes = 10.0,
    resume: Resume = False,
    init: Annotated[
        str | None, typer.Option(help="Start from weights: general, the name of shipped ones, or a file.")
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            min=1e-6, max=0.1, help="Peak of the learning rate; by default 0.006, 0.002 for an archive."
        ),
    ] = None,
    step: Annotated[
        float,
        typer.Option(
            min=0.0, max=1.0, help="Round compressed fields while training, in units of a field's spread."
        ),
    ] = 0.0,
    rounding: Annotated[
        str, typer.Option(help="With --step: noise (as wide) or straight-through.")
    ] = "noise",
    variable: Annotated[
        list[str] | None, typer.Option(help="With --config joint: learn these; may be given several times.")
    ] = None,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: JsonFlag = False,
) -> None:
    """Train a Field-Space Autoencoder, or tune the general weights to an archive (--init general)."""
    from fsae_core.training.autoencoder import train_autoencoder

    options: dict[str, Any] = {"init": init, "device": device, "seed": seed, "learning_rate": learning_rate}
    options |= {"step": step, "rounding": rounding, "variables": variable}
    _run(train_autoencoder, archive, config, out, as_json, minutes=minutes, resume=resume, **options)


@train.command("cnn-vae")
def cnn_vae(
    archive: Archives,
    config: Annotated[str, typer.Option(help="Name of a configuration: general-64x, archive-64x and so on.")],
    out: Out,
    minutes: Minutes = 10.0,
    resume: Resume = False,
    init: Annotated[
        str | None, typer.Option(help="Start from weights: the name of shipped ones or a file.")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=1e-6, max=0.1, help="Peak of the learning rate.")
    ] = None,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: JsonFlag = False,
) -> None:
    """Train the convolutional baseline that the Field-Space Autoencoder is measured against."""
    from fsae_core.training.cnn_vae import train_cnn_vae

    options = {"init": init, "device": device, "seed": seed, "learning_rate": learning_rate}
    _run(train_cnn_vae, archive, config, out, as_json, minutes=minutes, resume=resume, **options)


@train.command()
def diffusion(
    archive: Archives,
    out: Out,
    config: Annotated[str, typer.Option(help="flow (flow matching) or edm (its noise levels).")] = "flow",
    minutes: Annotated[float, typer.Option(min=0.0, help="Wall time for the network; 0 for none.")] = 2.0,
    resume: Resume = False,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: JsonFlag = False,
) -> None:
    """Train Compressed Field Diffusion: a closed-form emulator, and a network on what it leaves.

    Archives: the coarse one of days, and perhaps the fine one. val_rmse is the error of the velocity on
    validation times over that of the closed form alone.
    """
    from fsae_core.training.diffusion import train_diffusion

    options = {"device": device, "seed": seed}
    _run(train_diffusion, archive, config, out, as_json, minutes=minutes, resume=resume, **options)
