"""Chunks that a store promises and does not have."""

from __future__ import annotations

__all__ = ["missing_chunks"]

import math
import zipfile
from pathlib import Path
from typing import Any


def missing_chunks(arrays: dict[Any, tuple[tuple[int, ...], tuple[int, ...]]], path: Path) -> int:
    """Chunks that the metadata promise and the store does not have (Zarr reads those as fill values).

    arrays: by name, shape and shape of the chunks.
    """
    if path.is_dir():
        files = [file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()]
    else:
        with zipfile.ZipFile(path) as archive:
            files = archive.namelist()
    root = min((f for f in files if f.endswith("zarr.json")), key=len).removesuffix("zarr.json")
    missing = 0
    for name, (shape, chunks) in arrays.items():
        expected = math.prod(-(-size // chunk) for size, chunk in zip(shape, chunks, strict=True))
        key = f"{root}{name}/c"
        missing += expected - sum(file == key or file.startswith(f"{key}/") for file in files)
    return missing
