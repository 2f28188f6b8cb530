"""Ground floor: geometry on the nested HEALPix sphere, no learning.

`healpix` (cells, neighbours, symmetries), `pyramid` (restrict, prolong, decompose, compose), `regrid` (from
lat/lon grids to cells and back), `spectrum` (power per degree and per zoom).
"""

__all__ = ["healpix", "pyramid", "regrid", "spectrum"]

from fsae_core.sphere import healpix, pyramid, regrid, spectrum
