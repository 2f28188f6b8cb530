"""The state of a simulation at the end of a month: one file beside the archive, there whole or not at all."""

from __future__ import annotations

__all__ = ["read_restart", "remove_restart", "restart_path", "write_restart"]

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.errors import UserError

if TYPE_CHECKING:
    from fsae_core.archive.simulate import Simulation

_HEAD = "head"


def restart_path(archive: Path) -> Path:
    """Where the state of a run lies until it is finished."""
    return archive.with_name(f"{archive.name}.restart")


def write_restart(
    archive: Path, run: Simulation, done: int, state: Mapping[str, NDArray[Any]], again: tuple[str, ...]
) -> None:
    """Keep the state after `done` months, in place of the one before."""
    path = restart_path(archive)
    head = json.dumps({"run": asdict(run), "done": done, "again": again})
    draft = path.with_name(f".{path.name}.partial")
    try:
        with draft.open("wb") as file:
            arrays: dict[str, Any] = {f"state_{key}": value for key, value in state.items()}
            arrays[_HEAD] = np.array(head)
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def read_restart(
    archive: Path, run: Simulation
) -> tuple[int, dict[str, NDArray[Any]] | None, tuple[str, ...]]:
    """Months that are done, the state at their end (None at the very start), and which were run again."""
    path = restart_path(archive)
    if not path.exists():
        return 0, None, ()
    try:
        with np.load(path, allow_pickle=False) as file:
            head = json.loads(str(file[_HEAD]))
            state = {key.removeprefix("state_"): file[key] for key in file.files if key != _HEAD}
            done, again, found = int(head["done"]), tuple(head["again"]), head["run"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path} cannot be read, expected the state that a stopped run left: remove it and {archive}, "
            "then run the command again."
        ) from error
    if found != asdict(run):
        raise UserError(
            f"{path} belongs to another run ({_differences(found, asdict(run))}): give the options of that "
            "run to go on with it, or remove it to start anew."
        )
    return done, state, again


def remove_restart(archive: Path) -> None:
    """A finished run needs none."""
    restart_path(archive).unlink(missing_ok=True)


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key} {found.get(key)} there, {value} here"
        for key, value in wanted.items()
        if found.get(key) != value
    )
