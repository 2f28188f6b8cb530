"""Which grids are taken, and what is said to the others."""

import numpy as np
import pytest

from fsae_core.errors import UserError
from fsae_core.sphere.regrid import LatLonGrid, regrid, regrid_weights, to_latlon

LON, LAT = np.arange(0, 360, 5.0), np.arange(-87.5, 90, 5.0)


@pytest.mark.parametrize(
    ("lon", "lat", "message"),
    [
        (np.radians(LON), np.radians(LAT), "look like radians"),
        (np.arange(-20, 45, 1.0), LAT, "around the whole globe"),
        (LON[:-1], LAT, "around the whole globe"),
        (LON, np.arange(30, 70, 1.0), "from pole to pole"),
        (LON, np.arange(-60, 91, 5.0), "from pole to pole"),
        (LON, LAT + 10, "Latitude 97.5"),
        (LON, np.append(LAT, LAT[-1]), "not in order"),
        (LON, np.sort(np.append(LAT, 1.0)), "Latitude steps"),
        (np.where(LON == 5, 7, LON), LAT, "around the whole globe"),
        (LON, np.where(LAT == 2.5, np.nan, LAT), "finite"),
        (LON[:, None] + 0 * LAT, LAT, "unstructured"),
        (LON, [0.0], "at least two"),
    ],
)
def test_other_grids_are_refused_in_a_sentence(lon: np.ndarray, lat: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message):
        LatLonGrid(lon, lat)


def test_wrong_calls_are_refused_in_a_sentence() -> None:
    of = LatLonGrid(LON, LAT)
    with pytest.raises(UserError, match="transpose"):
        regrid(np.zeros(of.shape[::-1]), of, 2)
    with pytest.raises(UserError, match="Regridding by 'nearest'"):
        regrid_weights(of, 2, "nearest")
    with pytest.raises(UserError, match="Zoom 11"):
        regrid_weights(of, 11)
    with pytest.raises(UserError, match="Sampling method 'cubic'"):
        to_latlon(np.zeros(48), [0.0], [0.0], "cubic")
    with pytest.raises(UserError, match="is no HEALPix sphere"):
        to_latlon(np.zeros(50), [0.0], [0.0])


def test_grids_compare_by_their_coordinates() -> None:
    assert LatLonGrid(LON, LAT) == LatLonGrid(LON, LAT)
    assert hash(LatLonGrid(LON, LAT)) == hash(LatLonGrid(LON, LAT))
    assert LatLonGrid(LON, LAT) != LatLonGrid(LON, LAT[::-1])
    assert LatLonGrid(LON, LAT).step_deg == pytest.approx(5.0)
