"""The training loop: Lightning Fabric, AdamW, cosine over the time given, EMA, clipping, checkpoints,
resuming.

A task says what is learned (module, loss, validation); the loop says how. The budget is wall time, since
that is what people have: the learning rate follows the share of it that has passed, across interruptions.
"""

from __future__ import annotations

__all__ = ["LoopConfig", "Outcome", "Task", "fit"]

import json
import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from lightning.fabric import Fabric
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from fsae_core.errors import UserError

Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class LoopConfig:
    """learning_rate at its peak, warm-up in steps, decay of weights with two or more axes (0 for `no_decay`
    names), clip: norm of the gradient, ema: half-life of the averaged weights as a share of the steps so
    far."""

    learning_rate: float = 6e-3
    warmup: int = 30
    weight_decay: float = 0.05
    no_decay: tuple[str, ...] = ("channels",)
    clip: float = 1.0
    ema_share: float = 0.1
    checkpoint_seconds: float = 100.0
    validate_seconds: float = 60.0


class Task(Protocol):
    """module: what is trained; loss: of one batch drawn with `rng`, calling `forward` (the module as Fabric
    wraps it); validate: error of the module on times never trained on, None where there are none."""

    @property
    def module(self) -> nn.Module: ...

    def loss(self, forward: nn.Module, rng: np.random.Generator) -> Tensor: ...

    def validate(self, module: nn.Module) -> float | None: ...


@dataclass(frozen=True)
class Outcome:
    """State: averaged weights; steps, seconds (of training, all runs together); history: (seconds, loss,
    validation)."""

    state: dict[str, Tensor]
    steps: int
    seconds: float
    validation: float | None
    history: list[tuple[float, float, float | None]]


def state_path(out: Path) -> Path:
    """Where the loop keeps what it needs to go on, beside the weights it is making."""
    return out.with_suffix(".state.safetensors")


def _groups(module: nn.Module, config: LoopConfig) -> list[dict[str, Any]]:
    decay: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for name, parameter in module.named_parameters():
        bare = parameter.ndim < 2 or any(word in name for word in config.no_decay)
        (plain if bare else decay).append(parameter)
    return [{"params": decay, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}]


def _save_state(path: Path, tensors: dict[str, Tensor], record: dict[str, Any]) -> None:
    part = path.with_name(path.name + ".part")
    try:
        save_file(
            {k: v.detach().cpu().contiguous() for k, v in tensors.items()}, part, {"loop": json.dumps(record)}
        )
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _load_state(path: Path, device: torch.device) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            record = json.loads(file.metadata()["loop"])
            return {k: file.get_tensor(k) for k in file.keys()}, record  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise UserError(
            f"{path.name} is not a checkpoint of this library or is damaged: remove it and start again."
        ) from error


def fit(
    task: Task,
    out: Path,
    *,
    minutes: float,
    config: LoopConfig = LoopConfig(),
    resume: bool = False,
    seed: int = 0,
    device: str = "auto",
    devices: int | str = 1,
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true",
    progress: Progress | None = None,
) -> Outcome:
    """Train for `minutes` of wall time; the averaged weights come back, nothing is written at `out` itself.

    Beside `out` a checkpoint is kept, at least every two minutes, and removed by the caller when the
    weights are saved. Raises UserError when `resume` finds a checkpoint of another model or a damaged one,
    or the loss is no number.
    """
    torch.manual_seed(seed)
    accelerator = "auto" if device == "auto" else torch.device(device).type
    fabric = Fabric(accelerator=accelerator, devices=devices, precision=precision)
    fabric.launch()
    optimizer = torch.optim.AdamW(_groups(task.module, config), lr=config.learning_rate, betas=(0.9, 0.99))
    forward, optimizer = fabric.setup(task.module, optimizer)
    rng = np.random.default_rng([seed, fabric.global_rank])
    named = dict(task.module.named_parameters())
    average = {k: v.detach().clone() for k, v in task.module.state_dict().items()}
    step, elapsed, history = 0, 0.0, []
    kept = state_path(out)

    if resume and kept.exists():
        tensors, record = _load_state(kept, fabric.device)
        expected = {f"module.{k}" for k in average}
        if not expected <= set(tensors):
            raise UserError(
                f"{kept.name} is a checkpoint of another model: remove it or name the same configuration."
            )
        task.module.load_state_dict({k: tensors[f"module.{k}"] for k in average})
        average = {k: tensors[f"average.{k}"] for k in average}
        for name, parameter in named.items():
            if f"first.{name}" in tensors:
                optimizer.state[parameter] = {
                    "step": torch.tensor(float(record["step"])),
                    "exp_avg": tensors[f"first.{name}"],
                    "exp_avg_sq": tensors[f"second.{name}"],
                }
        step, elapsed = int(record["step"]), float(record["seconds"])
        history = [tuple(row) for row in record["history"]]
        rng.bit_generator.state = record["rng"]

    def keep() -> None:
        if not fabric.is_global_zero:
            return
        tensors = {f"module.{k}": v for k, v in task.module.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in average.items()}
        for name, parameter in named.items():
            moments = optimizer.state.get(parameter, {})
            if "exp_avg" in moments:
                tensors |= {f"first.{name}": moments["exp_avg"], f"second.{name}": moments["exp_avg_sq"]}
        _save_state(
            kept,
            tensors,
            {
                "step": step,
                "seconds": elapsed,
                "history": history,
                "rng": rng.bit_generator.state,
                "loop": asdict(config),
            },
        )

    def averaged(check: Callable[[nn.Module], float | None]) -> float | None:
        present = {k: v.detach().clone() for k, v in task.module.state_dict().items()}
        task.module.load_state_dict(average)
        task.module.eval()
        try:
            with torch.no_grad():
                return check(task.module)
        finally:
            task.module.load_state_dict(present)
            task.module.train()

    budget = 60.0 * minutes
    ticks = iter(progress(range(1000)) if progress else range(1000))
    shown, last_kept, last_checked = 0, elapsed, elapsed
    clock = time.monotonic()
    try:
        while elapsed < budget:
            share = elapsed / budget
            rate = (
                config.learning_rate
                * min(1.0, (step + 1) / config.warmup)
                * 0.5
                * (1 + math.cos(math.pi * share))
            )
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = task.loss(forward, rng)
            value = float(loss.detach())
            if not math.isfinite(value):
                raise UserError(
                    f"The loss became {value} after {step} steps: data or learning rate are at fault; "
                    f"the last checkpoint is {kept.name}."
                )
            optimizer.zero_grad(set_to_none=True)
            fabric.backward(loss)
            fabric.clip_gradients(forward, optimizer, max_norm=config.clip)
            optimizer.step()
            step += 1
            fade = 1.0 - 1.0 / (1.0 + config.ema_share * step)
            with torch.no_grad():
                for name, tensor in task.module.state_dict().items():
                    average[name].lerp_(tensor, 1.0 - fade)
            now = time.monotonic()
            elapsed, clock = elapsed + now - clock, now
            if elapsed - last_checked > config.validate_seconds:
                history.append((round(elapsed, 1), value, averaged(task.validate)))
                last_checked = elapsed
            if elapsed - last_kept > config.checkpoint_seconds:
                keep()
                last_kept = elapsed
            while shown < min(999, int(1000 * elapsed / budget)):
                shown += next(ticks, None) is not None or 1
    except (KeyboardInterrupt, SystemExit):
        keep()
        raise
    keep()
    for _ in ticks:
        pass
    return Outcome(average, step, elapsed, averaged(task.validate), history)
