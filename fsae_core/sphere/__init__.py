"""Ground floor: geometry on the nested HEALPix sphere, no learning."""

__all__ = [
    "cell_centres",
    "cell_vectors",
    "compose",
    "decompose",
    "inject",
    "lookup",
    "mirror_table",
    "n_cells",
    "prolong",
    "prolongation_matrix",
    "restrict",
    "ring_table",
    "rotation_table",
    "zoom_of",
]

from fsae_core.sphere.healpix import (
    cell_centres,
    cell_vectors,
    lookup,
    mirror_table,
    n_cells,
    ring_table,
    rotation_table,
    zoom_of,
)
from fsae_core.sphere.pyramid import compose, decompose, inject, prolong, prolongation_matrix, restrict
