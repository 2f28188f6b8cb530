"""Streams of several layers: any prefix that holds a layer gives it, and a reader takes no more than it
needs."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from block_mean import BlockMean, small_archive
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.storage import LocalStore

from fsae_core.codec.layered_codec import Layer, LayeredCodec
from fsae_core.codec.pipeline import compress, decompress
from fsae_core.codec.progressive import joined, places_of, whole_layers
from fsae_core.codec.store import open_store, read_store, write_store
from fsae_core.errors import UserError

MODELS = {ratio: BlockMean(ratio) for ratio in (4, 16, 64)}


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=8), st.data())
def test_a_prefix_holds_the_layers_that_end_in_it(streams, data):
    whole = joined(streams)
    assert whole_layers(whole) == streams
    head = places_of(whole).bounds[0]
    cut = data.draw(st.integers(head, len(whole)))
    held = whole_layers(whole[:cut])
    assert held == streams[: len(held)]
    assert len(held) == len(streams) or head + sum(map(len, streams[: len(held) + 1])) > cut


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=8), st.data())
def test_a_head_that_is_cut_or_changed_is_refused(streams, data):
    whole = joined(streams)
    head = places_of(whole).bounds[0]
    with pytest.raises(UserError):
        places_of(whole[: data.draw(st.integers(0, head - 1))])
    place = data.draw(st.integers(0, 8 * head - 1))
    changed = bytearray(whole)
    changed[place // 8] ^= 1 << place % 8
    with pytest.raises(UserError):
        places_of(bytes(changed))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.booleans())
def test_layers_decode_as_they_would_alone(seed, n, on_sphere):
    rng = np.random.default_rng(seed)
    layers = (Layer(12, 0.1, 0), Layer(48, 0.05, 1) if on_sphere else Layer(30, 0.05, -1))
    parts = [rng.standard_normal((n, one.values)).astype(np.float32) for one in layers]
    codec = LayeredCodec(layers)
    stream = codec.to_stream(np.concatenate(parts, axis=1))
    alone = [one.codec.to_fields(one.codec.to_stream(part)) for one, part in zip(layers, parts, strict=True)]
    np.testing.assert_array_equal(codec.to_fields(stream), np.concatenate(alone, axis=1))
    coarse = stream[: places_of(stream).bounds[1]]
    np.testing.assert_array_equal(codec.to_fields(coarse), alone[0])
    with pytest.raises(UserError, match="end within their first layer"):
        codec.to_fields(coarse[:-1])
    assert LayeredCodec.from_dict(codec.to_dict()) == codec


@pytest.fixture
def stored(tmp_path) -> Path:
    write_store(compress(small_archive(), 4, model=MODELS, layers=True, step=0.01), tmp_path / "s.zarr")
    return tmp_path / "s.zarr"


def test_a_coarser_ratio_is_a_prefix_of_every_chunk(stored):
    """All bytes behind the first layer blanked: what is coarser comes back, what is finer is refused."""
    before = decompress(open_store(stored), ratio=64, model=MODELS).load()
    for chunk in stored.glob("*/c/*/0"):
        if chunk.parts[-4] in ("t2m", "msl"):
            data = chunk.read_bytes()
            end = places_of(data).bounds[1]
            chunk.write_bytes(data[:end] + bytes(len(data) - end))
    small = open_store(stored)
    xr.testing.assert_identical(decompress(small, ratio=64, model=MODELS), before)
    with pytest.raises(UserError, match=r"s\.zarr is damaged"):
        decompress(small, ratio=16, model=MODELS)


def test_readers_fetch_the_head_and_the_layers_they_need(stored, monkeypatch):
    fetched = []
    get = LocalStore.get

    async def watched(self, key, prototype, byte_range=None):
        got = await get(self, key, prototype, byte_range)
        if "t2m/c/" in key and got is not None:
            fetched.append(len(got.to_bytes()))
        return got

    monkeypatch.setattr(LocalStore, "get", watched)
    size = (stored / "t2m" / "c" / "0" / "0").stat().st_size
    small = open_store(stored)[["t2m_64x", "t2m"]]
    small["t2m_64x"].load()
    assert 0 < sum(fetched) < size / 4
    fetched.clear()
    small["t2m"].isel(time=[1, 3]).load()
    assert size / 4 < sum(fetched) < size


def test_any_zarr_reads_the_layers_side_by_side(stored):
    array = zarr.open_group(stored, mode="r")["t2m"]
    assert array.shape == (5, 48 + 192 + 768)
    whole = array[:]
    for key in ((slice(None), slice(40, 60)), (2, slice(None)), (slice(1, 4), 700), (slice(None), slice(0))):
        np.testing.assert_array_equal(array[key], whole[key])
    np.testing.assert_array_equal(array.oindex[[0, 4], [3, 300]], whole[np.ix_([0, 4], [3, 300])])


def test_stores_of_format_2_are_read(tmp_path):
    """Which kept an array for each layer."""
    old = read_store(Path(__file__).parent / "golden" / "layers-of-format-2.zip")
    new = compress(small_archive(), 4, model=MODELS, layers=True, step=0.05, variables=["t2m"])
    assert old.attrs["fsae_format"] == 2 and new.attrs["fsae_format"] == 3
    for ratio in (64, 16, 4):
        xr.testing.assert_allclose(
            decompress(old, ratio=ratio, model=MODELS)["t2m"],
            decompress(new, ratio=ratio, model=MODELS)["t2m"],
        )
    write_store(old, tmp_path / "new.zip")
    again = read_store(tmp_path / "new.zip")
    xr.testing.assert_equal(again, old)
    assert again.attrs["fsae_format"] == 3


@pytest.mark.parametrize(
    "told",
    ["{", "5", "[]", '[{"dim":"cell","values":1008,"step":0.01}]', '[{"dim":"time","values":48,"step":1}]*3'],
)
def test_what_is_said_of_layers_must_fit(stored, told):
    group = zarr.open_group(stored, mode="r+")
    group["t2m"].attrs["fsae_layered"] = told
    with pytest.raises(UserError, match=r"not a sound compressed store \(what it says of the layers of t2m"):
        open_store(stored)
