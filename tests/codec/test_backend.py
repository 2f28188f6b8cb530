"""Stores read by xarray and Zarr: lazily, chunk by chunk, and with a sentence where they cannot be."""

import json
import pickle
import shutil
from importlib.metadata import entry_points

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from fsae_core.archive.canonical import canonical_dataset, is_canonical
from fsae_core.archive.reader import open_archive
from fsae_core.codec import block, choice, shelf, zarr_codec
from fsae_core.codec.pipeline import compress, decompress
from fsae_core.codec.store import open_store, read_store, write_store
from fsae_core.errors import UserError
from fsae_core.evaluate.metrics import rmse


@pytest.fixture(params=["s.zarr", "s.zip"])
def stored(request, tmp_path, archive, block_mean):
    path = tmp_path / request.param
    write_store(compress(archive, 16, model=block_mean(16)), path)
    return path


@pytest.fixture
def long_store(tmp_path, block_mean):
    """150 times of a model with members, three chunks of times for each."""
    times = np.arange(150).astype("datetime64[D]").astype("datetime64[ns]")
    rng = np.random.default_rng(2)
    x = rng.standard_normal((150, 2, 192)).astype(np.float32).cumsum(axis=-1)
    da = xr.DataArray(x, dims=("time", "member", "cell"), coords={"time": times})
    write_store(compress(canonical_dataset({"t2m": da}, {}), 4, model=block_mean(4)), tmp_path / "long.zarr")
    return tmp_path / "long.zarr"


@pytest.fixture
def chunks_read(monkeypatch):
    """How many streams were decoded so far."""
    zarr_codec._standard.cache_clear()
    count = []
    decode = zarr_codec.decode_standard
    monkeypatch.setattr(zarr_codec, "decode_standard", lambda data: count.append(1) or decode(data))
    return count


def test_entry_points_are_declared():
    named = {
        (group, entry.name): entry
        for group in ("xarray.backends", "zarr.codecs")
        for entry in entry_points(group=group)
        if entry.value.startswith("fsae_core.codec.")
    }
    assert set(named) == {
        ("xarray.backends", "fsae"),
        ("zarr.codecs", "fsae_latents"),
        ("zarr.codecs", "fsae_layered"),
        ("zarr.codecs", "fsae_details"),
        ("zarr.codecs", "fsae_whole"),
    }
    assert all(isinstance(entry.load(), type) for entry in named.values())
    assert "fsae" in xr.backends.list_engines()


def test_the_engine_gives_the_decompressed_archive(stored, block_mean):
    model = block_mean(16)
    ds = xr.open_dataset(stored, engine="fsae", model=model)
    whole = decompress(read_store(stored), model=model)
    assert is_canonical(ds) and not ds["t2m"].variable._in_memory
    xr.testing.assert_allclose(ds.load(), whole, rtol=1e-6)
    assert ds.attrs == whole.attrs and ds["msl"].attrs == whole["msl"].attrs
    coarse = xr.open_dataset(stored, engine="fsae", model=model, zoom=2, drop_variables="msl")
    assert set(coarse.data_vars) == {"t2m", "crs"} and coarse["crs"].attrs["healpix_nside"] == 4
    np.testing.assert_allclose(coarse["t2m"], decompress(read_store(stored), model=model, zoom=2)["t2m"])


def slices(size: int) -> st.SearchStrategy[slice]:
    """Empty ones that run backwards are left out: xarray itself stumbles over them."""
    return st.slices(size).filter(lambda s: (s.step or 1) > 0 or len(range(*s.indices(size))) > 0)


KEYS = st.one_of(st.integers(-5, 4), slices(5), st.lists(st.integers(-5, 4), min_size=1, max_size=4))
CELLS = st.one_of(st.integers(0, 3071), slices(3072), st.lists(st.integers(0, 3071), max_size=5))


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """A store opened by the engine, and all its values."""
    from block_mean import BlockMean, small_archive

    path = tmp_path_factory.mktemp("opened") / "s.zarr"
    write_store(compress(small_archive(), 16, model=BlockMean(16)), path)
    lazy = xr.open_dataset(path, engine="fsae", model=BlockMean(16), cache=False)["t2m"]
    return lazy, lazy.values


@settings(max_examples=60, deadline=None)
@given(time=KEYS, cell=CELLS)
def test_any_part_is_that_part_of_the_whole(opened, time, cell):
    lazy, whole = opened
    got = lazy.isel(time=time, cell=cell)
    expected = xr.DataArray(whole, dims=("time", "cell")).isel(time=time, cell=cell)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got.values, expected.values, rtol=1e-6)


def test_only_the_chunks_that_are_needed_are_decoded(long_store, chunks_read, block_mean):
    opened = xr.open_dataset(long_store, engine="fsae", model=block_mean(4), cache=False)
    already = len(chunks_read)
    assert already <= 1, "opening decodes at most the last chunk, to see that it is whole"
    opened["t2m"][:64, 1].load()
    assert len(chunks_read) == already + 1
    for i in range(64, 128):
        opened["t2m"][i, 0].load()
    assert len(chunks_read) == already + 2, "one time after the other decodes each chunk once"


def test_dask_gets_the_chunks_of_the_store(long_store, block_mean):
    ds = xr.open_dataset(long_store, engine="fsae", model=block_mean(4), chunks={})
    assert ds["t2m"].chunks == ((64, 64, 22), (1, 1), (192,))
    plain = xr.open_dataset(long_store, engine="fsae", model=block_mean(4))
    np.testing.assert_allclose(ds["t2m"].mean("cell"), plain["t2m"].mean("cell"), rtol=1e-5)


def test_with_shipped_weights_a_path_is_enough_also_for_another_process(tmp_path):
    some = open_archive("amip-hr")[["t2m", "crs"]].isel(time=slice(3))
    write_store(compress(some, 64), tmp_path / "s.zip")
    ds = xr.open_dataset(tmp_path / "s.zip", engine="fsae", chunks={})
    assert rmse(ds["t2m"].values, some["t2m"].values) < 1.1
    again = pickle.loads(pickle.dumps(ds))
    np.testing.assert_array_equal(again["t2m"].values, ds["t2m"].values)


def test_blocks_follow_one_another_without_the_store_in_memory(long_store, block_mean, monkeypatch):
    monkeypatch.setattr(block, "BLOCK_VALUES", 192 * 2 * 16)
    small = open_store(long_store)
    assert not small["t2m"].variable._in_memory
    taken = []
    monkeypatch.setattr(shelf, "take", lambda da, *rest: taken.append(da.sizes) or block.take(da, *rest))
    back = decompress(small, model=block_mean(4))
    assert back.sizes["time"] == 150 and len(taken) == 3 * 10
    assert not small["t2m"].variable._in_memory


def test_plain_zarr_decodes_to_standardised_fields(long_store):
    ds = xr.open_zarr(long_store, consolidated=False)
    small = read_store(long_store)
    assert ds["t2m"].chunks[0] == (64, 64, 22) and ds["t2m"].attrs["fsae_standardised"]
    standard = (small["t2m"] - small["t2m_offset"]) / small["t2m_scale"]
    np.testing.assert_allclose(ds["t2m"].values, standard.values, atol=1e-5)


def test_offsets_that_say_nothing_are_left_out(archive, block_mean, tmp_path):
    class Archive(block_mean):
        def compress_fields(self, x, *, variable, times, instant):
            got = super().compress_fields(x, variable=variable, times=times, instant=instant)
            got.offset, got.scale = np.zeros(len(x)), np.ones(len(x))
            return got

    small = compress(archive, 16, model=Archive(16), step=0.1)
    write_store(small, tmp_path / "s.zarr")
    assert "t2m_scale" not in zarr.open_group(tmp_path / "s.zarr", mode="r")
    xr.testing.assert_identical(read_store(tmp_path / "s.zarr"), small)


def test_a_field_without_time(archive, block_mean, tmp_path):
    one = archive.isel(time=2, drop=True)
    small = compress(one, 4, model=block_mean(4))
    write_store(small, tmp_path / "s.zarr")
    back = xr.open_dataset(tmp_path / "s.zarr", engine="fsae", model=block_mean(4))
    assert back["msl"].dims == ("cell",)
    np.testing.assert_allclose(back["msl"], decompress(small, model=block_mean(4))["msl"], rtol=1e-6)


def test_weights_that_are_missing_or_others(stored, block_mean, monkeypatch):
    monkeypatch.setattr(choice, "shipped_cards", list)
    with pytest.raises(UserError, match="weights block-mean-16x, which are not shipped: give their file"):
        xr.open_dataset(stored, engine="fsae")
    other = block_mean(16)
    other.card.sha256 = "1" * 64
    with pytest.raises(UserError, match="of checksum 000000000000, but the weights given have 111111111111"):
        xr.open_dataset(stored, engine="fsae", model=other)


def test_what_the_engine_does_not_open(stored, archive, tmp_path, block_mean):
    archive.to_zarr(tmp_path / "plain.zarr", zarr_format=3, consolidated=False)
    with pytest.raises(UserError, match=r"plain\.zarr is not a compressed store"):
        xr.open_dataset(tmp_path / "plain.zarr", engine="fsae")
    with pytest.raises(UserError, match=r"Zoom 9 was asked for.*choose 0 to 4"):
        xr.open_dataset(stored, engine="fsae", model=block_mean(16), zoom=9)
    with pytest.raises(UserError, match="one at least must stay"):
        xr.open_dataset(stored, engine="fsae", model=block_mean(16), drop_variables=["t2m", "msl"])
    with pytest.raises(UserError, match="the engine fsae opens paths"):
        xr.open_dataset(5, engine="fsae")


def test_a_damaged_chunk_is_seen_when_it_is_read(long_store, block_mean):
    chunk = long_store / "t2m" / "c" / "1" / "0" / "0"
    damaged = bytearray(chunk.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    chunk.write_bytes(damaged)
    ds = xr.open_dataset(long_store, engine="fsae", model=block_mean(4))
    assert np.isfinite(ds["t2m"][:64].values).all()
    with pytest.raises(UserError, match=r"^long\.zarr is damaged \(their checksum is another\)"):
        ds["t2m"][70, 0].load()
    with pytest.raises(UserError, match=r"^long\.zarr is damaged .*checksum"):
        read_store(long_store)


def test_a_chunk_of_other_sizes_is_refused(long_store, block_mean):
    c = long_store / "t2m" / "c"
    other = zarr_codec.LatentsCodec(0.1, 1).to_stream(np.zeros((65, 48), np.float32))
    (c / "1" / "0" / "0").write_bytes(other)
    with pytest.raises(UserError, match="65 fields of 48 values, expected 64 of 48 at most"):
        read_store(long_store)


def test_chunks_without_end_are_refused_before_room_is_made(long_store):
    meta = json.loads((long_store / "t2m" / "zarr.json").read_text())
    meta["shape"][0] = meta["chunk_grid"]["configuration"]["chunk_shape"][0] = 2**40
    (long_store / "t2m" / "zarr.json").write_text(json.dumps(meta))
    for name in ("time", "t2m_offset", "t2m_scale"):
        shutil.rmtree(long_store / name)
    with pytest.raises(UserError):
        open_store(long_store)
    array = zarr.open_group(long_store, mode="r")["t2m"]
    with pytest.raises(UserError, match="has more than 8388608 values"):
        array[0, 0, 0]


def test_a_lost_chunk_is_seen_when_the_store_is_opened(long_store):
    (long_store / "t2m" / "c" / "1" / "0" / "0").unlink()
    with pytest.raises(UserError, match=r"long\.zarr is half written \(1 chunks are missing\)"):
        xr.open_dataset(long_store, engine="fsae")
