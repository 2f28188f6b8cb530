"""The atlas of an archive: its compressed fields on a map, and which times stand out and why.

`build_atlas` makes one, `read_atlas` and `write_atlas` keep it in one Parquet file, `shipped_atlas` gives
the one of the simulated archive. `open_complete` opens records with gaps, `composite` compares groups of
times.
"""

from __future__ import annotations

__all__ = [
    "COLUMNS",
    "ERUPTIONS",
    "Atlas",
    "AtlasConfig",
    "Composite",
    "Eruption",
    "Placed",
    "build_atlas",
    "composite",
    "eruptions_between",
    "open_complete",
    "read_atlas",
    "shipped_atlas",
    "write_atlas",
]

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fsae_core.atlas.atlas import COLUMNS, Atlas, AtlasConfig, Placed
    from fsae_core.atlas.build import build_atlas
    from fsae_core.atlas.composites import Composite, composite
    from fsae_core.atlas.eruptions import ERUPTIONS, Eruption, eruptions_between
    from fsae_core.atlas.file import read_atlas, shipped_atlas, write_atlas
    from fsae_core.atlas.records import open_complete

_HOMES = {
    "atlas": ("COLUMNS", "Atlas", "AtlasConfig", "Placed"),
    "build": ("build_atlas",),
    "composites": ("Composite", "composite"),
    "eruptions": ("ERUPTIONS", "Eruption", "eruptions_between"),
    "file": ("read_atlas", "shipped_atlas", "write_atlas"),
    "records": ("open_complete",),
}


def __getattr__(name: str) -> Any:
    # Names are loaded when first used: the command line and the page start without xarray or scikit-learn.
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"fsae_core.atlas.{module}"), name)
    raise AttributeError(f"module 'fsae_core.atlas' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
