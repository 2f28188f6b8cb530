"""What a checkpoint says of the code, the machine and the training that made it."""

from __future__ import annotations

__all__ = ["machine_record", "revision", "training_record"]

import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from fsae_core.training.loop import LoopConfig, Outcome


def machine_record(device: torch.device) -> dict[str, Any]:
    """Where it was trained, and with what."""
    return {
        "device": str(device),
        "torch": torch.__version__,
        "machine": platform.machine(),
        "revision": revision(),
    }


def training_record(
    outcome: Outcome,
    archives: Sequence[str],
    loop: LoopConfig,
    device: torch.device,
    started_from: str | None,
) -> dict[str, Any]:
    """One run of the loop: what it learned from, how long, how well."""
    return {
        "archives": [Path(a).name for a in archives],
        "steps": outcome.steps,
        "minutes": round(outcome.seconds / 60, 2),
        "validation": outcome.validation,
        "history": outcome.history[-60:],
        "started_from": started_from,
        "loop": asdict(loop),
        **machine_record(device),
    }


def revision() -> str | None:
    """The git revision of the code, where it lies in a checkout."""
    where = str(Path(__file__).parent)
    try:
        done = subprocess.run(
            ["git", "-C", where, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
