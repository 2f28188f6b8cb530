"""Which cells lie in a box of longitudes and latitudes."""

from __future__ import annotations

__all__ = ["Box", "box_cells", "check_box"]

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fsae_core.errors import UserError
from fsae_core.sphere.healpix import cell_centres, lookup

Box: TypeAlias = tuple[float, float, float, float]
"""West, south, east, north in degrees; west > east crosses the 180th meridian (as in GeoJSON)."""


def check_box(box: Box) -> tuple[float, float]:
    """Degrees of longitude and of latitude that the box spans; UserError when it is none."""
    told = " ".join(f"{value:g}" for value in box)
    if len(box) != 4 or not np.isfinite(box).all():
        raise UserError(
            f"The region {told} was found; expected four numbers: west, south, east and north in degrees."
        )
    west, south, east, north = box
    if not (-180 <= west <= 360 and -180 <= east <= 360 and -90 <= south <= 90 and -90 <= north <= 90):
        raise UserError(
            f"The region {told} is not on the globe; expected longitudes from -180 to 360 and latitudes from "
            "-90 to 90, in the order west, south, east, north."
        )
    if south >= north:
        raise UserError(
            f"The region {told} runs from {south:g} up to {north:g} degrees north; expected south below "
            "north, in the order west, south, east, north."
        )
    width = 360.0 if abs(east - west) >= 360 else (east - west) % 360
    if width == 0 or (west > east and width > 180):
        raise UserError(
            f"The region {told} runs from {west:g} east to {east:g} degrees, {width:g} degrees wide; "
            "expected west before east, or a box across the 180th meridian at most half the globe wide: swap "
            "them, or give -180 and 180 for all longitudes."
        )
    return width, north - south


def box_cells(box: Box, zoom: int) -> NDArray[np.int64]:
    """Nested indices (cells,), ascending, of the cells of `zoom` whose centres lie in the box.

    A box smaller than a cell gives the cell at its middle. Raises UserError when the box is none.
    """
    width, height = check_box(box)
    west, south = box[:2]
    lon, lat = cell_centres(zoom)
    cells = np.flatnonzero((lat >= south) & (lat <= box[3]) & ((lon - west) % 360 <= width))
    if len(cells) == 0:
        cells = np.atleast_1d(lookup(west + width / 2, south + height / 2, zoom))
    return cells
