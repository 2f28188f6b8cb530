"""Loops that numba compiles when they are first called, for what numpy and torch do in too many passes."""

from __future__ import annotations

__all__ = ["kernel"]

from collections.abc import Callable
from typing import Any


def kernel(run: Callable[..., Any], *, exact: bool = False) -> Callable[..., Any]:
    """Compiled, and kept on disk where there is a place for it. exact: sums of floats keep their order, as
    they need not where only speed counts; whole numbers always give the same."""
    from numba import njit

    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": not exact}
    compiles: Callable[..., Any] = njit
    try:
        return compiles(run, cache=True, **options)
    except RuntimeError:  # no folder that numba may write to
        return compiles(run, **options)
