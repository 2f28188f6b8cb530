"""What a checkpoint says of the code that made it."""

from __future__ import annotations

__all__ = ["revision"]

import subprocess
from pathlib import Path


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
