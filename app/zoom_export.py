"""What a visitor of the Zoom page takes home: the super-resolved view as `fsae super-resolve` writes it.

Pure: scenes in, bytes out.
"""

from __future__ import annotations

__all__ = ["super_resolved_netcdf"]

import tempfile
from pathlib import Path
from typing import Any

from app.zoom_scene import Scene
from fsae_core.archive.reader import open_archive
from fsae_core.codec.latlon import write_netcdf
from fsae_core.codec.super_resolution import super_resolve
from fsae_core.sphere.box import Box


def super_resolved_netcdf(
    scene: Scene, box: Box | None, everything: bool, progress: Any = None
) -> tuple[str, bytes]:
    """(file name, bytes) of the cells of a box, or of the whole sphere, at one time or at all.

    progress: as tqdm; stopping it stops the work. Raises UserError for a result that is too large.
    """
    a, archive = scene.asked, scene.archive
    indices = range(len(archive.times)) if everything else [scene.index]
    low = open_archive(archive.cut(a.variable, list(indices)), zoom=a.zoom_in)
    known = {a.variable: scene.resolver}
    fine = super_resolve(low, a.zoom_out, box, model=a.model, progress=progress, resolvers=known)
    with tempfile.TemporaryDirectory(prefix="fsae-export-") as folder:
        path = Path(folder) / "out.nc"
        write_netcdf(fine, path)
        body = path.read_bytes()
    when = f"{len(archive.times)}times" if everything else archive.labels[scene.index].replace(":", "")
    where = "globe" if box is None else "region"
    parts = (_safe(archive.name), a.variable, when, f"zoom{a.zoom_in}to{a.zoom_out}", where)
    return "-".join(part for part in parts if part) + ".nc", body


def _safe(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name)[:60].strip("-.") or "field"
