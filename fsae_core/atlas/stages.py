"""What a long build has finished already, kept beside its result until that is there."""

from __future__ import annotations

__all__ = ["Stages"]

import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fsae_core.errors import UserError

Arrays = Mapping[str, Any]


class Stages:
    """Keeps named sets of arrays in a folder; another signature than last time starts afresh.

    folder: None keeps nothing. A stage that was cut off while it was written is made again.
    """

    def __init__(self, folder: Path | None, signature: str) -> None:
        self.folder = folder
        if folder is None:
            return
        mark = folder / "signature"
        digest = hashlib.sha256(signature.encode()).hexdigest()
        if folder.exists() and not (mark.is_file() and mark.read_text() == digest):
            if not mark.is_file() and any(folder.iterdir()):
                raise UserError(f"{folder} holds something else: remove it or choose another name.")
            shutil.rmtree(folder)
        folder.mkdir(exist_ok=True)
        mark.write_text(digest)

    def get(self, name: str, make: Callable[[], Arrays]) -> dict[str, Any]:
        """The arrays of this stage: from the folder, else made and kept."""
        if self.folder is None:
            return dict(make())
        path = self.folder / f"{name}.npz"
        try:
            with np.load(path, allow_pickle=False) as kept:
                return {key: kept[key] for key in kept.files}
        except (OSError, ValueError, zipfile.BadZipFile):  # absent, or cut off while it was written
            arrays = dict(make())
        draft = path.with_suffix(".partial")
        with draft.open("wb") as file:
            np.savez(file, **arrays)
        os.replace(draft, path)
        return arrays
