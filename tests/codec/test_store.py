"""Compressed stores on disk: what comes back, what they weigh, and what damaged ones say."""

import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.codec.atomic import writing
from fsae_core.codec.pipeline import compress, decompress
from fsae_core.codec.store import read_store, write_store
from fsae_core.errors import UserError


@pytest.fixture
def small(archive, block_mean):
    return compress(archive, 16, model=block_mean(16))


@pytest.fixture(params=["small.zarr", "small.zarr.zip"])
def path(request, tmp_path):
    return tmp_path / request.param


def disk_bytes(path: Path) -> int:
    files = [path] if path.is_file() else [Path(d) / f for d, _, names in os.walk(path) for f in names]
    return sum(os.stat(file).st_size for file in files)


def test_round_trip(small, path):
    size = write_store(small, path)
    back = read_store(path)
    assert set(back.data_vars) == set(small.data_vars) and back.attrs == small.attrs
    for name in ("t2m", "msl"):
        # Rounded already when it was compressed.
        np.testing.assert_array_equal(back[name].values, small[name].values)
        assert back[name].dims == small[name].dims and back[name].attrs == small[name].attrs
        np.testing.assert_array_equal(back[f"{name}_scale"].values, small[f"{name}_scale"].values)
    np.testing.assert_array_equal(back["time"].values, small["time"].values)
    assert size.ratio_floats == 16
    assert size.bytes == disk_bytes(path)
    assert size.ratio_bytes == pytest.approx(2 * 5 * 3072 * 4 / size.bytes)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_what_is_inside(small, path):
    write_store(small, path)
    group = zarr.open_group(zarr.storage.ZipStore(path, mode="r") if path.is_file() else path, mode="r")
    assert group.metadata.zarr_format == 3
    array = group["msl"]
    assert array.dtype == group["msl_offset"].dtype == np.float32
    assert [codec.to_dict() for codec in array.metadata.codecs] == [
        {"name": "fsae_latents", "configuration": {"step": small["msl"].attrs["fsae_step"], "zoom": 2}}
    ]
    assert [type(codec).__name__ for codec in group["msl_offset"].metadata.codecs] == [
        "BytesCodec",
        "BloscCodec",
        "Crc32cCodec",
    ]
    standard = (small["msl"] - small["msl_offset"]) / small["msl_scale"]
    np.testing.assert_allclose(array[:], standard.values, atol=1e-5)


def test_same_data_same_bytes(small, tmp_path):
    for name in ("a.zip", "b.zip"):
        write_store(small, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_chunks_are_whole_spheres_of_bounded_size(small, block_mean, tmp_path):
    times = np.arange(4000).astype("datetime64[D]").astype("datetime64[ns]")
    x = xr.DataArray(np.zeros((4000, 3072), np.float32), dims=("time", "cell"), coords={"time": times})
    write_store(compress(canonical_dataset({"x": x}, {}), 4, model=block_mean(4)), tmp_path / "long.zarr")
    chunks = zarr.open_group(tmp_path / "long.zarr", mode="r")["x"].chunks
    assert chunks == (64, 768)
    assert read_store(tmp_path / "long.zarr").sizes["time"] == 4000


def test_a_flipped_bit_is_seen(small, tmp_path):
    path = tmp_path / "small.zarr"
    write_store(small, path)
    chunk = next(p for p in (path / "t2m" / "c").rglob("*") if p.is_file())
    damaged = bytearray(chunk.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    chunk.write_bytes(damaged)
    with pytest.raises(UserError, match=r"^small\.zarr .*(checksum|crc)"):
        read_store(path)


def test_a_lost_chunk_is_seen(small, tmp_path):
    path = tmp_path / "small.zarr"
    write_store(small, path)
    next(p for p in (path / "msl" / "c").rglob("*") if p.is_file()).unlink()
    with pytest.raises(UserError, match=r"small\.zarr is half written \(1 chunks are missing\)"):
        read_store(path)


def test_a_truncated_zip_is_seen(small, tmp_path):
    path = tmp_path / "small.zip"
    write_store(small, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"^small\.zip "):
        read_store(path)


def test_a_run_that_dies_leaves_nothing_under_the_name(small, path, monkeypatch):
    def dies(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(xr.Dataset, "to_zarr", dies)
    with pytest.raises(KeyboardInterrupt):
        write_store(small, path)
    assert list(path.parent.iterdir()) == []


def test_what_a_killed_run_left_says_so_and_is_cleared(small, path):
    write_store(small, path)
    partial = path.with_name(path.name + ".partial")
    path.rename(partial)
    with pytest.raises(UserError, match="half written by a run that was stopped"):
        read_store(partial)
    write_store(small, path)
    assert not partial.exists()


def test_existing_targets(small, path):
    write_store(small, path)
    with pytest.raises(UserError, match="exists already"):
        write_store(small, path)
    write_store(small.isel(time=slice(2)), path, overwrite=True)
    assert read_store(path).sizes["time"] == 2


def test_a_folder_that_is_no_store_is_never_replaced(small, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("years of work")
    with pytest.raises(UserError, match="is not a Zarr store, so it is not replaced"):
        write_store(small, tmp_path / "thesis", overwrite=True)
    with pytest.raises(UserError, match="does not exist: make it first"):
        write_store(small, tmp_path / "absent" / "x.zarr")
    assert (tmp_path / "thesis" / "chapter1.tex").exists()


def test_other_stores_are_refused(archive, tmp_path):
    archive.to_zarr(tmp_path / "plain.zarr", zarr_format=3, consolidated=False)
    with pytest.raises(UserError, match=r"plain\.zarr is not a compressed store"):
        read_store(tmp_path / "plain.zarr")
    with pytest.raises(UserError, match="compress it first"):
        write_store(archive, tmp_path / "other.zarr")


def set_attribute(path: Path, name: str, value: object) -> None:
    """Change (or with None remove) an attribute of a store behind the library's back."""
    meta = json.loads((path / "zarr.json").read_text())
    meta["attributes"][name] = value
    if value is None:
        del meta["attributes"][name]
    (path / "zarr.json").write_text(json.dumps(meta))


def test_a_newer_format_is_refused(small, tmp_path):
    write_store(small, tmp_path / "new.zarr")
    set_attribute(tmp_path / "new.zarr", "fsae_format", 5)
    with pytest.raises(UserError, match=r"new\.zarr has format 5, but this version reads formats up to 4"):
        read_store(tmp_path / "new.zarr")


@pytest.mark.parametrize("member", ["../../evil.txt", "/etc/evil", "..\\evil", "C:/evil"])
def test_a_zip_that_points_outside_is_refused(small, tmp_path, member):
    path = tmp_path / "bad.zip"
    write_store(small, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo(member), b"x")
    with pytest.raises(UserError, match=r"bad\.zip holds the unsafe path"):
        read_store(path)


def test_a_zip_that_is_not_zarr(tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("cat.jpg", b"not a field")
    with pytest.raises(UserError, match=r"photos\.zip is a zip but not a Zarr store"):
        read_store(tmp_path / "photos.zip")


def test_writing_keeps_the_old_file_when_the_new_one_fails(tmp_path):
    target = tmp_path / "result.nc"
    target.write_text("old")
    with pytest.raises(OSError, match="disk"), writing(target, overwrite=True) as partial:
        partial.write_text("half")
        raise OSError("disk full")
    assert target.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "attribute, value, sentence",
    [
        ("fsae_zoom_in", 25, "zoom 25 and ratio 16 cannot be"),
        ("fsae_zoom_in", "4; rm -rf", "cannot be"),
        ("fsae_ratio", 5, "zoom 4 and ratio 5 cannot be"),
        ("fsae_zoom_in", 5, "192 cells are not 16 times fewer than zoom 5 has"),
        ("fsae_model", None, "it lacks fsae_model"),
    ],
)
def test_a_store_that_contradicts_itself(small, tmp_path, attribute, value, sentence):
    path = tmp_path / "odd.zarr"
    write_store(small, path)
    set_attribute(path, attribute, value)
    with pytest.raises(UserError, match=rf"odd\.zarr is not a sound compressed store .*{sentence}"):
        read_store(path)


def test_a_store_without_its_scale(small, tmp_path):
    path = tmp_path / "odd.zarr"
    write_store(small, path)
    shutil.rmtree(path / "t2m_scale")
    with pytest.raises(UserError, match="t2m_scale is missing or of another shape than t2m"):
        read_store(path)


def test_a_store_of_format_1_is_read(archive, small, block_mean, tmp_path):
    old = small.copy()
    for name in ("t2m", "msl"):
        standard = (small[name] - small[f"{name}_offset"]) / small[f"{name}_scale"]
        attrs = {k: v for k, v in small[name].attrs.items() if k != "fsae_step"}
        attrs["fsae_standardised"] = "value = stored * scale + offset"
        old[name] = standard.transpose(*small[name].dims).astype(np.float16).assign_attrs(attrs)
    old.attrs["fsae_format"] = 1
    old.to_zarr(tmp_path / "old.zarr", zarr_format=3, consolidated=False, write_empty_chunks=True)
    back = read_store(tmp_path / "old.zarr")
    for name in ("t2m", "msl"):
        tolerance = 2.0**-10 * float(abs(small[name] - small[f"{name}_offset"]).max())
        np.testing.assert_allclose(back[name].values, small[name].values, rtol=0, atol=tolerance)
        assert "fsae_standardised" not in back[name].attrs
    fields = decompress(back, model=block_mean(16))
    opened = xr.open_dataset(tmp_path / "old.zarr", engine="fsae", model=block_mean(16))
    xr.testing.assert_allclose(opened.load(), fields, rtol=1e-6)
