"""Field-Space Autoencoders on the HEALPix sphere: archives, models, codec.

Names are loaded when first used: ``import fsae_core`` costs milliseconds and never imports torch. Datasets
have ``ds.fsae`` (see `fsae_core.accessor`) where xarray is imported before this package, or once a name of it
was used.
"""

__all__ = [
    "__version__",
    "UserError",
    "open_archive",
    "load_model",
    "compress",
    "decompress",
    "build_atlas",
    "evaluate",
    "sample_ensemble",
    "super_resolve",
]

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fsae_core.errors import UserError

if TYPE_CHECKING:
    from fsae_core.archive.reader import open_archive
    from fsae_core.atlas.build import build_atlas
    from fsae_core.codec.pipeline import compress, decompress
    from fsae_core.codec.super_resolution import super_resolve
    from fsae_core.diffusion.ensembles import sample_ensemble
    from fsae_core.evaluate.table import evaluate
    from fsae_core.model.checkpoint import load_model

__version__ = "0.1.0"

_HOMES = {
    "open_archive": "fsae_core.archive.reader",
    "load_model": "fsae_core.model.checkpoint",
    "compress": "fsae_core.codec.pipeline",
    "decompress": "fsae_core.codec.pipeline",
    "build_atlas": "fsae_core.atlas.build",
    "evaluate": "fsae_core.evaluate.table",
    "sample_ensemble": "fsae_core.diffusion.ensembles",
    "super_resolve": "fsae_core.codec.super_resolution",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fsae_core' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    import_module("fsae_core.accessor")
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_HOMES))


if "xarray" in sys.modules:
    import_module("fsae_core.accessor")
