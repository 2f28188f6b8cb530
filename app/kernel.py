"""The kernel of a notebook: whether there is one, and Panel's scripts in it."""

from __future__ import annotations

__all__ = ["in_kernel", "load_once"]

import sys
from typing import Any


def in_kernel() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and hasattr(shell, "kernel")


def load_once() -> None:
    """Panel's scripts for the notebook, where nobody has loaded them yet: from this machine, so that a
    notebook works without the internet."""
    import panel as pn

    if in_kernel() and not pn.extension._loaded:
        pn.extension(inline=True)
