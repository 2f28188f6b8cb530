"""A folder that belongs to one run: its lock lives in the kernel and ends with the process that holds it."""

from __future__ import annotations

__all__ = ["check_free", "owned"]

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fsae_core.errors import UserError

_OWNER = "owner.json"


def _try_lock(handle: int) -> bool:
    """Whether the lock is ours now. Where there is no flock (Windows) nothing can be held."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(folder: Path, handle: int) -> bool:
    """Whether the name still means the folder that was opened: its owner may have finished in between."""
    try:
        return os.path.samestat(os.stat(folder), os.fstat(handle))
    except FileNotFoundError:
        return False


def _refusal(folder: Path) -> UserError:
    by = ""
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads((folder / _OWNER).read_text())
        by = f" (process {int(told['pid'])} on {str(told['host'])[:80]})"
    return UserError(
        f"{folder.name} belongs to another run that is still at work{by}: wait for it, stop it, or choose "
        "another name."
    )


def check_free(folder: Path) -> None:
    """UserError where a run that is still alive owns the folder. What is no folder is free."""
    try:
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:
        return
    try:
        if not _try_lock(handle):
            raise _refusal(folder)
    finally:
        os.close(handle)


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Make the folder, or take over what a dead run left, and own it until the block ends.

    Raises UserError while another run owns it.
    """
    while True:
        folder.mkdir(exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
        try:
            if not _try_lock(handle):
                raise _refusal(folder)
            if not _is_still(folder, handle):
                continue
            owner = {"pid": os.getpid(), "host": socket.gethostname()}
            (folder / _OWNER).write_text(json.dumps(owner))
            yield
            return
        finally:
            os.close(handle)
