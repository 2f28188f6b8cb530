"""Reconstructions that are off by no more than was asked for."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.codec.correction import corrected, corrections
from fsae_core.codec.pipeline import compress, decompress
from fsae_core.codec.store import read_store, write_store
from fsae_core.errors import UserError


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    level=st.sampled_from([0.0, 273.15, -1e5, 1e7]),
    spread=st.floats(1e-3, 1e4),
    share=st.floats(1e-3, 10),
)
def test_no_value_is_off_by_more(seed, level, spread, share):
    """Whatever the fields, the reconstruction and the bound; also where that reconstruction differs a bit."""
    rng = np.random.default_rng(seed)
    x = (level + spread * rng.standard_cauchy((2, 48)).clip(-50, 50)).astype(np.float32)
    back = (x + spread * rng.standard_normal((2, 48))).astype(np.float32)
    bound = share * float(x.std()) + 1e-9
    try:
        numbers = corrections(x, back, bound)
    except UserError as error:
        assert "the same on every machine only to" in str(error)
        assert bound < 1e-3 * float(x.std()) + 1e-4 * abs(level)
        return
    elsewhere = back * np.float32(1 + 1e-7) + np.float32(1e-6 * spread) * rng.standard_normal(x.shape)
    for reconstruction in (back, elsewhere.astype(np.float32)):
        fields = corrected(reconstruction, numbers, bound)
        assert fields.dtype == np.float32
        assert abs(fields.astype(np.float64) - x).max() <= bound


@pytest.mark.parametrize("name", ["s.zarr", "s.zip"])
@pytest.mark.parametrize("bound", [0.05, 1.0, 50.0])
def test_through_a_store(archive, block_mean, tmp_path, name, bound):
    small = compress(archive, 64, model=block_mean(64), variables=["t2m"], max_error=bound)
    assert small["t2m_correction"].dims == ("time", "field_cell")
    write_store(small, tmp_path / name)
    xr.testing.assert_identical(read_store(tmp_path / name), small)
    x = archive["t2m"].values.astype(np.float64)
    for ds in (
        decompress(read_store(tmp_path / name), model=block_mean(64)),
        xr.open_dataset(tmp_path / name, engine="fsae", model=block_mean(64)),
    ):
        assert abs(ds["t2m"].values - x).max() <= bound
    coarse = decompress(small, model=block_mean(64), zoom=2)["t2m"].values
    assert abs(coarse - x.reshape(5, 192, 16).mean(-1)).max() <= bound


def test_a_looser_bound_takes_fewer_bytes(archive, block_mean, tmp_path):
    sizes = [
        write_store(
            compress(archive, 64, model=block_mean(64), variables=["t2m"], max_error=bound),
            tmp_path / f"{i}.zip",
        ).bytes
        for i, bound in enumerate((0.1, 0.5, 5.0, None))
    ]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 1.5 * sizes[1]


def test_the_networks_own_differences_stay_within_the_margin():
    """Fields decoded one by one or together, by a shipped network: their last digits differ."""
    from fsae_core.archive.reader import open_archive

    ds = open_archive("era5-week")[["t2m", "crs"]].isel(time=[20, 21, 22])
    bound = 0.2
    small = compress(ds, 64, max_error=bound)
    x = ds["t2m"].values.astype(np.float64)
    together = decompress(small)["t2m"].values
    alone = np.concatenate([decompress(small.isel(time=[i]))["t2m"].values for i in range(3)])
    assert abs(together - x).max() <= bound and abs(alone - x).max() <= bound
    assert abs(decompress(compress(ds, 64))["t2m"].values - x).max() > 5 * bound


@pytest.mark.parametrize("bound", [0.0, -1.0, float("nan"), float("inf")])
def test_bounds_that_cannot_be(archive, block_mean, bound):
    with pytest.raises(UserError, match=r"largest error of .* expected a number above 0"):
        compress(archive, 16, model=block_mean(16), variables=["t2m"], max_error=bound)


def test_bounds_of_several_variables_or_too_fine(archive, block_mean):
    with pytest.raises(UserError, match="t2m, msl, but each has its own units"):
        compress(archive, 16, model=block_mean(16), max_error=1.0)
    with pytest.raises(UserError, match="the same on every machine only to"):
        compress(archive, 16, model=block_mean(16), variables=["msl"], max_error=1e-3)
    constant = canonical_dataset({"t2m": archive["t2m"] * 0 + 280}, {})
    back = decompress(compress(constant, 16, model=block_mean(16), max_error=0.01), model=block_mean(16))
    assert abs(back["t2m"].values - 280).max() <= 0.01


@pytest.mark.parametrize("wrong", ["no bound", "no corrections", "other cells", "no number"])
def test_corrections_that_contradict_themselves(archive, block_mean, wrong):
    small = compress(archive, 16, model=block_mean(16), variables=["t2m"], max_error=1.0)
    if wrong == "no bound":
        del small["t2m"].attrs["fsae_max_error"]
    elif wrong == "no corrections":
        small = small.drop_vars("t2m_correction")
    elif wrong == "other cells":
        small = small.isel(field_cell=slice(100))
    else:
        small["t2m"].attrs["fsae_max_error"] = "much"
    with pytest.raises(UserError, match="is not a sound compressed store"):
        decompress(small, model=block_mean(16))
