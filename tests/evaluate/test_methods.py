"""Methods by name, on a small archive and on real fields with the shipped weights."""

import numpy as np
import pytest
import xarray as xr

from fsae_core.archive.climatology import HarmonicClimatology
from fsae_core.archive.reader import open_archive
from fsae_core.codec.pipeline import compress, decompress
from fsae_core.errors import UserError
from fsae_core.evaluate.anomaly import climatology_of
from fsae_core.evaluate.methods import METHODS, method_named, window_of
from fsae_core.model.checkpoint import load_model
from fsae_core.training.splits import Split, split_of

PLAIN = [name for name in METHODS if not name.startswith(("fs-ae", "cnn-vae"))]


@pytest.fixture(scope="module")
def week():
    ds = open_archive("era5-week", variables="t2m")
    keep = np.flatnonzero(Split.mask(ds["time"].values, split_of(ds).test))[:2]
    return ds, ds["t2m"].values[keep], ds["time"].values[keep]


def test_the_names_of_the_contract():
    plain = [
        "fs-ae",
        "cnn-vae",
        "block-mean",
        "eof",
        "sht",
        "jpeg2000",
        "sperr",
        "sperr-3d",
        "sz3",
        "zfp",
        "bitround",
    ]
    assert set(METHODS) == {"fs-ae-adaptive", "fs-ae-joint", *plain, *(f"{name}+clim" for name in plain)}


@pytest.mark.parametrize("name", PLAIN)
def test_every_method_meets_its_ratio(ten_days, name):
    method = method_named(name, ten_days)
    x, times = ten_days["t2m"].values[8:], ten_days["time"].values[8:]
    for axis in method.axes:
        ratio = 4 if "bitround" in name else 16
        coded = method.code(x, times, axis=axis, ratio=ratio)
        assert method.name == name and coded.recon.shape == x.shape and coded.recon.dtype == np.float32
        assert np.sqrt(np.mean((coded.recon - x) ** 2)) < 6
        if axis == "bytes":
            assert coded.bytes <= 4 * x.shape[-1] / ratio
        else:
            assert coded.floats <= x.shape[-1] / ratio


@pytest.mark.parametrize("name", ["jpeg2000", "sperr-3d", "sz3", "block-mean"])
def test_known_fields_are_cheaper_as_anomalies(ten_days, name):
    x, times = ten_days["t2m"].values[8:], ten_days["time"].values[8:]
    error = {}
    for full in (name, f"{name}+clim"):
        coded = method_named(full, ten_days).code(x, times, axis="bytes", ratio=64)
        error[full] = np.sqrt(np.mean((coded.recon - x) ** 2))
    assert error[f"{name}+clim"] < error[name]


def test_the_climatology_never_sees_a_test_time(ten_days):
    changed = ten_days.copy(deep=True)
    test = Split.mask(ten_days["time"].values, split_of(ten_days).test)
    changed["t2m"].values[test] += 100
    before, after = (climatology_of(ds, "t2m") for ds in (ten_days, changed))
    times = ten_days["time"].values
    np.testing.assert_array_equal(before.at(times), after.at(times))
    train = Split.mask(times, split_of(ten_days).train)
    np.testing.assert_allclose(before.at(times)[0], ten_days["t2m"].values[train].mean(0), rtol=1e-6)
    assert "no season" in before.source and f"{train.sum()} training times" in before.source
    np.testing.assert_array_equal(
        method_named("eof", ten_days).transform.vectors, method_named("eof", changed).transform.vectors
    )


def test_a_long_archive_has_a_season_and_one_without_training_times_takes_that_of_the_weights():
    long = open_archive("amip", variables="t2m")
    found = climatology_of(long, "t2m")
    train = Split.mask(long["time"].values, split_of(long).train)
    expected = HarmonicClimatology.fit(long["t2m"], train)
    np.testing.assert_array_equal(
        found.at(long["time"].values[:3]), expected.mean_at(long["time"].values[:3])
    )
    assert found.parameters == 5 * 3072
    year = open_archive("amip-hr")
    found = climatology_of(year, "t2m")
    assert "weights" in found.source
    np.testing.assert_array_equal(
        found.at(year["time"].values[:1]),
        load_model("amip-4x", "cpu").climatologies[5].mean_at(year["time"].values[:1]),
    )
    with pytest.raises(UserError, match="two training times"):
        method_named("eof", year)


@pytest.mark.parametrize("ratio", [16, 64])
def test_fs_ae_in_floats_is_what_compress_gives_at_a_fine_step(week, ratio):
    ds, x, times = week
    coded = method_named("fs-ae", ds, "t2m", "cpu").code(x, times, axis="floats", ratio=ratio)
    part = ds.sel(time=times).assign_attrs(ds.attrs)
    part["t2m"].attrs["fsae_instant"] = 1
    back = decompress(compress(part, ratio, device="cpu", step=2**-12), device="cpu")
    # A fine step, and where the processor has units for it bfloat16 inside the blocks.
    np.testing.assert_allclose(coded.recon, back["t2m"].values, rtol=0, atol=0.4)
    assert np.sqrt(np.mean((coded.recon - back["t2m"].values) ** 2)) < 0.03
    assert coded.floats == x.shape[-1] / ratio


def test_fs_ae_in_bytes(week):
    ds, x, times = week
    method = method_named("fs-ae", ds, "t2m", "cpu")
    error = {}
    asked = (("fs-ae", 64), ("fs-ae", 256), ("fs-ae+clim", 64), ("jpeg2000", 64), ("sperr", 256))
    for name, ratio in asked:
        coded = method_named(name, ds, "t2m", "cpu").code(x[:1], times[:1], axis="bytes", ratio=ratio)
        assert coded.bytes <= 4 * x.shape[-1] / ratio
        error[name, ratio] = np.sqrt(np.mean((coded.recon - x[:1]) ** 2))
    assert error["fs-ae", 64] < error["jpeg2000", 64]
    assert error["fs-ae", 256] < error["sperr", 256]
    assert error["fs-ae+clim", 64] < error["fs-ae", 64]
    known = method.known(64)
    assert known.weights == (("general-64x", load_model("general-64x").card.sha256),)
    assert known.minutes > 0 and known.parameters > 1e5


def test_names_and_variables_that_are_not_there(ten_days):
    with pytest.raises(UserError, match="choose one of fs-ae, "):
        method_named("mp3", ten_days)
    with pytest.raises(UserError, match="which has t2m"):
        method_named("sperr", ten_days, "snow")
    with pytest.raises(UserError, match="their own climatology"):
        method_named("fs-ae+clim", open_archive("amip", variables="t2m"))
    members = ten_days.assign(t2m=ten_days["t2m"].expand_dims(member=2, axis=1))
    with pytest.raises(UserError, match="one member"):
        method_named("sperr", members)
    with pytest.raises(UserError, match="no variable on the sphere"):
        method_named("sperr", xr.Dataset())


def test_windows_are_cut_from_the_first_time_on(ten_days):
    volume, alone = method_named("sperr-3d", ten_days), method_named("sperr", ten_days)
    assert window_of(alone, 5, 7) == slice(5, 6)
    n = volume.window
    assert window_of(volume, n + 1, 3 * n) == slice(n, 2 * n) and window_of(volume, 3, 7) == slice(0, 7)
