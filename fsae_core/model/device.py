"""Where to compute."""

from __future__ import annotations

__all__ = ["pick_device"]

import torch

from fsae_core.errors import UserError


def pick_device(device: str = "auto") -> torch.device:
    """Auto: cuda, then mps, then cpu.

    UserError for a device that is not here.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"The device {device} is not available here: choose auto or cpu.") from error
    return chosen
