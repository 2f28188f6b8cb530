"""A Zarr store's folder as one zip, the same bytes for the same data."""

from __future__ import annotations

__all__ = ["zip_folder"]

import zipfile
from pathlib import Path


def zip_folder(folder: Path, file: Path, *, pack_text: bool = False) -> None:
    """Write all files below ``folder`` to ``file``: in order of name, of one date, readable by all.

    Chunks are packed already and only stored; ``pack_text`` deflates the metadata.
    """
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            member = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
            member.external_attr = 0o644 << 16
            text = pack_text and path.suffix == ".json"
            archive.writestr(member, path.read_bytes(), zipfile.ZIP_DEFLATED if text else zipfile.ZIP_STORED)
