"""Files that live for a while: uploads and what is made to be saved.

All lie in one folder of the process, in the system's for temporary files (TMPDIR), and are gone when it ends.
"""

from __future__ import annotations

__all__ = ["forget", "no_room", "place", "room"]

import atexit
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fsae_core.errors import UserError

_LEAST = 2**20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
_roots: dict[int, Path] = {}  # by process: one that was forked has a folder of its own


def place(kind: str) -> Path:
    """A new empty folder. UserError where none can be made."""
    try:
        root = _roots.get(os.getpid())
        if root is None:
            root = _roots[os.getpid()] = Path(tempfile.mkdtemp(prefix="fsae-"))
            atexit.register(forget)
        return Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=root))
    except OSError as error:
        raise no_room() from error


@contextmanager
def room(kind: str) -> Iterator[Path]:
    """A folder for as long as it lasts. UserError where there is none, or where it gets full meanwhile."""
    folder = place(kind)
    try:
        yield folder
    except (OSError, RuntimeError) as error:  # netCDF4 says a full disk in both ways
        if getattr(error, "errno", None) in _FULL or shutil.disk_usage(folder).free < _LEAST:
            raise no_room() from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def no_room() -> UserError:
    """What a visitor is told when a file cannot be kept."""
    return UserError("This server has no room for files just now: try again later, or tell who runs it.")


def forget() -> None:
    """Delete what this process has made."""
    root = _roots.pop(os.getpid(), None)
    if root is not None:
        shutil.rmtree(root, ignore_errors=True)
