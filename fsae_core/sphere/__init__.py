"""Ground floor: geometry on the nested HEALPix sphere, no learning."""

__all__ = [
    "LatLonGrid",
    "cell_centres",
    "cell_vectors",
    "compose",
    "decompose",
    "inject",
    "lookup",
    "mirror_table",
    "n_cells",
    "power_per_degree",
    "power_per_zoom",
    "prolong",
    "prolongation_matrix",
    "regrid",
    "regrid_weights",
    "restrict",
    "ring_table",
    "rotation_table",
    "to_latlon",
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
from fsae_core.sphere.regrid import LatLonGrid, regrid, regrid_weights, to_latlon
from fsae_core.sphere.spectrum import power_per_degree, power_per_zoom
