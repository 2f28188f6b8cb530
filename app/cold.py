"""The first visitor of a process loads torch and the readers; others wait until that is done.

Modules that several threads import at once may be seen half made.
"""

from __future__ import annotations

__all__ = ["alone_at_first", "is_warm"]

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_COLD = threading.RLock()
_WARM = threading.Event()


def alone_at_first(work: Callable[[], T]) -> T:
    """Do the work; until some has been done without an error, only one at a time."""
    if _WARM.is_set():
        return work()
    with _COLD:
        done = work()
        _WARM.set()
        return done


def is_warm() -> bool:
    """Whether a first picture has been made."""
    return _WARM.is_set()
