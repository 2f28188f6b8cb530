"""Files that are there whole or not at all.

A result is written beside its place under a name that ends in ``.partial`` and moved there when complete.
What a killed run left behind is cleared by the next one.
"""

__all__ = ["PARTIAL", "check_target", "writing", "writing_store"]

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fsae_core.archive.zipping import zip_folder
from fsae_core.codec.lock import check_free
from fsae_core.errors import UserError

PARTIAL = ".partial"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def check_target(path: Path, overwrite: bool) -> None:
    """UserError where nothing may be written at this path."""
    if not path.parent.is_dir():
        raise UserError(f"The folder {path.parent} of {path.name} does not exist: make it first.")
    if not path.exists():
        return
    if not overwrite:
        raise UserError(f"{path} exists already: choose another name or allow it to be overwritten.")
    if path.is_dir() and not (path / "zarr.json").is_file() and any(path.iterdir()):
        raise UserError(
            f"{path} is a folder that is not a Zarr store, so it is not replaced: choose another name."
        )


@contextmanager
def writing(target: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a path to write a file or a folder at; it becomes ``target`` when the block ends without an error.

    Raises UserError when the target exists (unless it is a file or a Zarr store and ``overwrite`` is set) or
    its folder does not, or while a run that compresses a whole archive owns the place.
    """
    target = Path(target)
    check_target(target, overwrite)
    partial = target.with_name(target.name + PARTIAL)
    check_free(partial)
    _remove(partial)
    try:
        yield partial
        if target.is_dir():
            shutil.rmtree(target)
        os.replace(partial, target)
    finally:
        _remove(partial)


@contextmanager
def writing_store(target: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """As `writing`, for a Zarr store: gives a folder, which becomes one file if ``target`` ends in .zip."""
    target = Path(target)
    with writing(target, overwrite=overwrite) as partial:
        if target.suffix.lower() != ".zip":
            yield partial
            return
        folder = partial.with_name(partial.name + ".store")
        _remove(folder)
        try:
            yield folder
            zip_folder(folder, partial, pack_text=True)
        finally:
            _remove(folder)
