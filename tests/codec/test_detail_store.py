"""Stores of adaptive compressed fields."""

import json
import shutil
import zipfile

import numpy as np
import pytest
import xarray as xr
import zarr

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.archive.reader import open_archive
from fsae_core.codec.archive_run import compress_archive
from fsae_core.codec.pipeline import compress, decompress
from fsae_core.codec.store import open_store, read_store, write_fields, write_store
from fsae_core.errors import UserError
from fsae_core.evaluate.metrics import max_error, rmse
from fsae_core.sphere.healpix import cell_centres
from fsae_core.sphere.kept import check_places, kept_at


def few_fields(times: int = 40, members: int = 0) -> xr.Dataset:
    """Waves that drift, and a storm that is far rougher than they."""
    rng = np.random.default_rng(8)
    dims = ("time", "member", "cell") if members else ("time", "cell")
    shape = (times, members, 3072) if members else (times, 3072)
    phase = np.arange(times).reshape(-1, *[1] * (len(shape) - 1)) / 30
    lon, lat = np.deg2rad(cell_centres(4))
    values = 280 + 20 * np.sin(2 * lon + phase) * np.cos(lat) ** 2
    values = values + 8 * rng.standard_normal(shape) * (np.arange(3072) // 64 == 20)
    days = (np.datetime64("1979-01-01") + np.arange(times)).astype("datetime64[ns]")
    array = xr.DataArray(values.astype(np.float32), dims=dims, coords={"time": days})
    return canonical_dataset({"t2m": array}, {"source": "made by a test"})


def bytes_of(path):
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("adaptive") / "few.zarr"
    write_fields(few_fields(), path)
    return path


@pytest.fixture(scope="module")
def store(source, tmp_path_factory):
    path = tmp_path_factory.mktemp("adaptive") / "s.zarr"
    return path, compress_archive(source, path, 16, model="adaptive")


def test_a_store_gives_back_what_was_measured(source, store):
    path, got = store
    truth = open_archive(source)["t2m"].values
    small = read_store(path)
    assert small.attrs["fsae_format"] == 4 and small.attrs["fsae_model"] == "general-adaptive-16x"
    assert small["t2m"].shape == small["t2m_place"].shape and small["t2m_place"].dtype == np.int32
    check_places(small["t2m_place"].values, 4)
    back = decompress(small)["t2m"].values
    assert got.errors["t2m"].rmse == pytest.approx(rmse(truth, back), rel=1e-6)
    assert got.size.ratio_floats == 16 and got.size.ratio_bytes > 40
    assert small["t2m"].size <= truth.size / 16


def test_numbers_are_in_the_storm(store):
    places = open_store(store[0])["t2m_place"].values
    finest = kept_at(places, 4)[3].any(axis=-1)
    stormy = np.arange(768) // 16 == 20
    assert finest[:, stormy].mean() > 10 * finest[:, ~stormy].mean()


def test_it_loses_less_than_equal_cells(source, store, tmp_path):
    plain = compress_archive(source, tmp_path / "plain.zarr", 16)
    assert store[1].errors["t2m"].rmse < 0.85 * plain.errors["t2m"].rmse


def test_lazily_and_in_memory_it_is_the_same(store, source):
    path, _ = store
    whole = decompress(read_store(path))["t2m"].values
    lazy = xr.open_dataset(path, engine="fsae")
    np.testing.assert_allclose(lazy["t2m"][17].values, whole[17], atol=1e-3)
    np.testing.assert_allclose(lazy["t2m"][3:5, ::7].values, whole[3:5, ::7], atol=1e-3)
    at_once = compress(open_archive(source), 16, model="adaptive")
    here, there = (ds["t2m_place"].values[3] for ds in (at_once, open_store(path)))
    assert len(np.intersect1d(here, there)) > 0.97 * len(np.unique(here))


def test_processes_and_zip_make_the_same_bytes(source, store, tmp_path):
    got = compress_archive(source, tmp_path / "two.zarr", 16, model="adaptive", workers=2)
    assert bytes_of(tmp_path / "two.zarr") == bytes_of(store[0]) and got.parts == 1
    compress_archive(source, tmp_path / "s.zip", 16, model="adaptive")
    np.testing.assert_array_equal(
        open_store(tmp_path / "s.zip")["t2m"].values, open_store(store[0])["t2m"].values
    )


def test_a_largest_error_is_kept(source, tmp_path):
    got = compress_archive(source, tmp_path / "s.zarr", 64, model="adaptive", max_error=1.5)
    truth = open_archive(source)["t2m"].values
    assert got.errors["t2m"].max_error <= 1.5
    assert max_error(truth, decompress(open_store(tmp_path / "s.zarr"))["t2m"].values) <= 1.5 + 1e-4


def test_members_and_single_fields(tmp_path):
    for ds in (few_fields(5, members=2), few_fields(1).isel(time=0, drop=True)):
        write_fields(ds, tmp_path / "in.zarr", overwrite=True)
        compress_archive(tmp_path / "in.zarr", tmp_path / "s.zarr", 16, model="adaptive", overwrite=True)
        back = decompress(open_store(tmp_path / "s.zarr"))
        assert back["t2m"].dims == ds["t2m"].dims and back["t2m"].shape == ds["t2m"].shape
        write_store(compress(ds, 16, model="adaptive"), tmp_path / "once.zarr", overwrite=True)
        again = decompress(open_store(tmp_path / "once.zarr"))
        assert rmse(again["t2m"].values, back["t2m"].values) < 0.1


def test_a_coarser_zoom_can_be_had(store):
    coarse = decompress(open_store(store[0]), zoom=2)["t2m"]
    assert coarse.shape == (40, 192)


def test_layers_are_refused(source, tmp_path):
    with pytest.raises(UserError, match="make no layers"):
        compress_archive(source, tmp_path / "s.zarr", 16, model="adaptive", layers=True)


@pytest.mark.parametrize("change", ["format", "odd", "name"])
def test_contradictions_are_refused(store, tmp_path, change):
    path = tmp_path / "bad.zarr"
    shutil.copytree(store[0], path)
    if change == "format":
        zarr.open_group(path, mode="r+").attrs["fsae_format"] = 2
    else:
        meta = path / "t2m" / "zarr.json"
        told = json.loads(meta.read_text())
        if change == "odd":
            told["shape"][-1] -= 1
            told["chunk_grid"]["configuration"]["chunk_shape"][-1] -= 1
        else:
            told["dimension_names"][-1] = "latent"
        meta.write_text(json.dumps(told))
    with pytest.raises(UserError, match=r"not a sound compressed store|is damaged"):
        decompress(open_store(path))


def test_a_chunk_of_other_numbers_is_refused(store, source, tmp_path):
    """A sound stream, but of fields with more numbers than there is room for."""
    path = tmp_path / "bad.zarr"
    shutil.copytree(store[0], path)
    other = compress(open_archive(source), 4, model="adaptive")
    write_store(other, tmp_path / "other.zarr")
    chunk = "t2m/c/0/0"
    (path / chunk).write_bytes((tmp_path / "other.zarr" / chunk).read_bytes())
    with pytest.raises(UserError, match="damaged"):
        open_store(path)["t2m"].load()


def test_a_cut_zip_is_refused(source, tmp_path):
    compress_archive(source, tmp_path / "s.zip", 16, model="adaptive")
    with zipfile.ZipFile(tmp_path / "s.zip") as whole, zipfile.ZipFile(tmp_path / "cut.zip", "w") as cut:
        for name in whole.namelist():
            data = whole.read(name)
            cut.writestr(name, data[: len(data) // 2] if "/c/" in name and name.startswith("t2m/") else data)
    with pytest.raises(UserError):
        open_store(tmp_path / "cut.zip")["t2m"].load()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Some days of the simulated archive, which has weights of its own, as a file and compressed."""
    folder = tmp_path_factory.mktemp("own")
    write_fields(open_archive("amip-hr", variables=["t2m"]).isel(time=slice(0, 60, 5)), folder / "in.zarr")
    return folder, compress_archive(folder / "in.zarr", folder / "s.zarr", 16, model="adaptive")


def test_an_archive_with_weights_of_its_own_is_compressed_by_these(simulated):
    folder, got = simulated
    small = open_store(folder / "s.zarr")
    assert small.attrs["fsae_model"] == "amip-adaptive-16x" and small.attrs["fsae_format"] == 4
    check_places(small["t2m_place"].values, 5)
    truth = open_archive(folder / "in.zarr")["t2m"].values
    back = xr.open_dataset(folder / "s.zarr", engine="fsae")["t2m"].values
    assert got.errors["t2m"].rmse == pytest.approx(rmse(truth, back), rel=1e-4)
    plain = compress_archive(folder / "in.zarr", folder / "plain.zarr", 16)
    assert got.errors["t2m"].rmse < 0.8 * plain.errors["t2m"].rmse
    assert got.size.ratio_floats == 16 and got.size.ratio_bytes > 25


def test_its_fields_have_a_largest_error_too(simulated):
    folder, _ = simulated
    got = compress_archive(folder / "in.zarr", folder / "close.zarr", 64, model="adaptive", max_error=1.0)
    assert got.errors["t2m"].max_error <= 1.0
