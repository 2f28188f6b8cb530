"""Climatologies of a whole archive, fitted on training times and kept in a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from fsae_core.archive.climatology import HarmonicClimatology
from fsae_core.archive.climatology_file import fit_climatologies, load_climatologies, save_climatologies
from fsae_core.archive.reader import open_archive
from fsae_core.errors import UserError

TRAIN = slice("1979", "2004")


@pytest.fixture(scope="module")
def amip() -> xr.Dataset:
    return open_archive("amip", variables=("t2m", "pr"), zoom=2)


def test_pieces_give_what_the_whole_gives(amip: xr.Dataset) -> None:
    whole = fit_climatologies(amip, TRAIN)
    assert list(whole) == ["t2m", "pr"]
    pieces = [amip.sel(time=slice("1995", "2013")), amip.sel(time=slice("1979", "1994"))]
    again = fit_climatologies(pieces, TRAIN)
    assert np.array_equal(again["t2m"].coef, whole["t2m"].coef)
    assert np.array_equal(
        HarmonicClimatology.fit(amip["pr"].sel(time=TRAIN)).std,
        fit_climatologies(amip, TRAIN, ["pr"])["pr"].std,
    )
    with pytest.raises(UserError, match="a time twice"):
        fit_climatologies([amip, pieces[0]], TRAIN)


def test_the_seasons_are_on_their_hemispheres(amip: xr.Dataset) -> None:
    from fsae_core.sphere.healpix import lookup

    clim = fit_climatologies(amip, TRAIN, ["t2m"])["t2m"]
    january, july = clim.mean_at(np.array(["2001-01-15", "2001-07-15"], "datetime64[D]"))
    siberia, patagonia = lookup(100.0, 60.0, 2), lookup(-68.0, -45.0, 2)
    assert july[siberia] > january[siberia] + 15
    assert january[patagonia] > july[patagonia] + 1


def test_through_a_file(amip: xr.Dataset, tmp_path: Path) -> None:
    fitted = fit_climatologies(amip, TRAIN)
    path = save_climatologies(tmp_path / "c.safetensors", fitted)
    loaded = load_climatologies(path)
    assert set(loaded) == {"t2m", "pr"}
    for name, clim in fitted.items():
        assert np.array_equal(loaded[name].coef, clim.coef)
        assert np.array_equal(loaded[name].std, clim.std)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="cannot be read as a climatology"):
        load_climatologies(path)
