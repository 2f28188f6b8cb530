"""The dashboard: it shows what `fsae_core` computes and computes nothing itself.

In a notebook its pages are widgets: ``import app; app.CompressPage(archive="amip", ratio=16)``.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

__all__ = ["CompressPage", "ComparePage", "ZoomPage", "LatentPage", "EnsemblePage"]

# OpenMP threads that spin while they wait slow every visitor down; torch reads this when it is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")


def __getattr__(name: str) -> Any:
    # The widgets bring Panel along; the server and scripts that import a part of the app need not wait.
    if name in __all__:
        return getattr(importlib.import_module("app.widgets"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
