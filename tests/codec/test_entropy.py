"""Entropy-coded compressed fields: what comes back, what it weighs, what damaged bytes say."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsae_core.codec.entropy import (
    decode_latents,
    decode_standard,
    decode_whole,
    encode_latents,
    encode_standard,
    encode_whole,
    round_standard,
)
from fsae_core.codec.layered_codec import Layer, LayeredCodec
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import cell_centres, n_cells


def smooth_fields(n: int, zoom: int) -> np.ndarray:
    """Like temperatures at ``zoom``, with a little noise, (n, cells) float32."""
    rng = np.random.default_rng(5)
    lon, lat = np.deg2rad(cell_centres(zoom))
    waves = np.sin(3 * lon + np.arange(n)[:, None]) * np.cos(lat) ** 3
    return (280 - 40 * np.sin(lat) ** 2 + 8 * waves + 0.2 * rng.standard_normal((n, lon.size))).astype(
        np.float32
    )


@pytest.mark.parametrize("zoom", [0, 1, 3, None])
@pytest.mark.parametrize("n", [0, 1, 5])
def test_values_come_back_within_two_steps(zoom, n):
    x = smooth_fields(n, 3 if zoom is None else zoom)
    offset, scale = (
        np.float32(280) + np.arange(n, dtype=np.float32),
        np.float32(10) + np.arange(n, dtype=np.float32),
    )
    data = encode_latents(x, offset, scale, 0.05, zoom)
    back, offset_back, scale_back = decode_latents(data)
    assert back.shape == x.shape and back.dtype == offset_back.dtype == scale_back.dtype == np.float32
    np.testing.assert_array_equal(offset_back, offset)
    np.testing.assert_array_equal(scale_back, scale)
    assert (abs(back - x) <= 2 * 0.05 * scale[:, None]).all()
    assert data == encode_latents(x, offset, scale, 0.05, zoom)
    error = np.sqrt(np.mean(((back - x) / (0.05 * scale[:, None])) ** 2)) if n else 0
    assert error < 1.1 / np.sqrt(12)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_numbers_come_back_within_two_steps_and_coding_again_changes_nothing(data):
    zoom = data.draw(st.sampled_from([0, 1, 2, None]))
    n = data.draw(st.integers(1, 4))
    m = n_cells(zoom) if zoom is not None else data.draw(st.integers(1, 60))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**31)))
    size = 2.0 ** data.draw(st.floats(-3, 20))
    numbers = np.clip(size * rng.standard_cauchy((n, m)), -(2**20), 2**20)
    numbers[rng.random((n, m)) < data.draw(st.sampled_from([0, 0.5, 0.99]))] = 0
    stream = encode_standard(numbers, 1.0, zoom)
    back = decode_standard(stream)
    assert abs(back - numbers).max() < 2
    np.testing.assert_array_equal(back, round_standard(numbers, 1.0, zoom))
    np.testing.assert_array_equal(back, decode_standard(encode_standard(back, 1.0, zoom)))


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_whole_numbers_come_back_exactly(data):
    zoom, n = data.draw(st.integers(0, 3)), data.draw(st.integers(1, 5))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**31)))
    size = 2.0 ** data.draw(st.floats(-3, 23.9))
    numbers = np.rint(np.clip(size * rng.standard_cauchy((n, n_cells(zoom))), 1 - 2**24, 2**24 - 1))
    numbers[rng.random(numbers.shape) < data.draw(st.sampled_from([0, 0.5, 0.99]))] = 0
    np.testing.assert_array_equal(decode_whole(encode_whole(numbers.astype(np.int64), zoom)), numbers)


def test_streams_of_one_sort_are_not_taken_for_another():
    x, one = np.zeros((2, 48)), np.ones(2)
    for data in (encode_standard(x, 1.0, 1), encode_whole(x.astype(int), 1)):
        with pytest.raises(UserError, match="offset and scale are missing"):
            decode_latents(data)
    with pytest.raises(UserError, match="whole numbers instead of fields"):
        decode_standard(encode_whole(x.astype(int), 1))
    with pytest.raises(UserError, match="fields instead of whole numbers"):
        decode_whole(encode_latents(x, one, one, 1.0, 1))
    with pytest.raises(UserError, match="more than 24 bits"):
        encode_whole(np.full((1, 48), 2**24), 1)


def test_smooth_fields_take_few_bits():
    x = smooth_fields(4, 4)
    offset, scale = x.mean(axis=1), x.std(axis=1)
    data = encode_latents(x, offset, scale, 0.05, 4)
    # The noise alone, 0.5 steps of it, has 1.2 bits of entropy.
    assert 8 * len(data) / x.size < 1.95
    level = decode_latents(encode_latents(np.full_like(x, 7), 0 * offset, scale, 0.1, 4))[0]
    assert (np.ptp(level, axis=1) == 0).all()


@pytest.mark.parametrize("zoom", [2, None])
def test_every_changed_bit_and_every_cut_is_seen(zoom):
    data = encode_latents(smooth_fields(1, 2), np.ones(1), np.ones(1), 0.5, zoom)
    for position in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(UserError):
            decode_latents(bytes(damaged))
    for length in range(len(data)):
        with pytest.raises(UserError, match="damaged"):
            decode_latents(data[:length])


def with_checksum(data: bytes) -> bytes:
    import google_crc32c

    return data[:1] + struct.pack("<I", google_crc32c.value(data[5:])) + data[5:]


def varint(number: int) -> bytes:
    groups = [number >> shift & 127 for shift in range(0, 35, 7) if shift == 0 or number >> shift]
    return bytes([128 | group for group in groups[:-1]] + groups[-1:])


@pytest.mark.parametrize(
    "kind, n, m, step",
    [
        (1, 2**31, None, 1.0),
        (1, 5000, None, 1.0),
        (15, 2**32 - 1, 2**32 - 1, 1.0),
        (15, 1, 3_000_000_000, 1.0),
        (9, 3, None, 1.0),
        (14, 1, None, 1.0),
        (1, 1, None, float("nan")),
        (1, 1, None, -1.0),
        (33, 3, None, 1.0),
        (129, 1, None, 1.0),
    ],
)
def test_absurd_claims_are_refused_before_room_is_made(kind, n, m, step):
    sizes = b"".join(varint(size) for size in (n, m) if size is not None)
    body = bytes([kind]) + sizes + np.array(step, "<f4").tobytes()[2:] + bytes(8)
    with pytest.raises(UserError, match="they claim"):
        decode_standard(with_checksum(b"\xf1" + bytes(4) + body))


def test_sizes_that_do_not_end():
    for body in (b"\x01" + b"\xff" * 20, b"\x01\xff\xff\xff"):
        with pytest.raises(UserError, match="a size in them does not end"):
            decode_standard(with_checksum(b"\xf1" + bytes(4) + body))


def test_a_newer_version_says_so():
    data = encode_standard(np.zeros((1, 48), np.float32), 1.0, 1)
    with pytest.raises(UserError, match="version 2 were found, this library reads 1"):
        decode_standard(b"\xf2" + data[1:])


def test_bytes_made_to_deceive_end_soon():
    rng = np.random.default_rng(0)
    data = encode_latents(smooth_fields(1, 3), np.ones(1), np.ones(1), 0.5, 3)
    for _ in range(200):
        forged = bytearray(data)
        for place in rng.integers(5, len(data), 4):
            forged[place] = rng.integers(256)
        try:
            back, _, _ = decode_latents(with_checksum(bytes(forged)))
        except UserError:
            continue
        assert back.size < 200_000


@pytest.mark.parametrize(
    "values, step, zoom, sentence",
    [
        (np.full((1, 48), np.nan), 0.1, 1, "missing or infinite"),
        (np.full((1, 48), 1e9), 0.1, 1, "more than 24 bits"),
        (np.ones((1, 48)), 0.0, 1, "step of 0 was asked for"),
        (np.ones((1, 48)), float("nan"), 1, "step of nan was asked for"),
        (np.ones((1, 47)), 0.1, 1, "47 values were found, zoom 1 has 48"),
    ],
)
def test_what_cannot_be_stored(values, step, zoom, sentence):
    with pytest.raises(UserError, match=sentence):
        encode_latents(values, np.zeros(1), np.ones(1), step, zoom)


def test_the_number_of_threads_changes_nothing():
    code = (
        "import hashlib, numpy as np; from fsae_core.codec.entropy import *;"
        "x = np.sin(np.arange(12 * 4**4) ** 1.3).reshape(1, -1); data = encode_standard(x, 0.02, 4);"
        "print(hashlib.sha256(data + decode_standard(data).tobytes()).hexdigest())"
    )
    seen = set()
    for threads in ("1", "2"):
        env = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        seen.add(
            subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True).stdout
        )
    assert len(seen) == 1 and len(seen.pop()) == 65


def test_streams_of_earlier_versions_decode_to_the_same_bits():
    """Written on another day, perhaps another machine: what they stand for may never change."""
    files = sorted((Path(__file__).parent / "golden").glob("*.npz"))
    names = ["corrections", "extremes", "layers", "pictures", "rows", "sphere"]
    assert [file.stem for file in files] == names
    for file in files:
        with np.load(file) as golden:
            if "layers" in golden:
                told = (golden[key].tolist() for key in ("values", "steps", "zooms"))
                codec = LayeredCodec(tuple(Layer(*one) for one in zip(*told, strict=True)))
                np.testing.assert_array_equal(codec.to_fields(golden["layers"].tobytes()), golden["fields"])
                continue
            if "numbers" in golden:
                np.testing.assert_array_equal(decode_whole(golden["stream"].tobytes()), golden["numbers"])
                continue
            got = decode_latents(golden["stream"].tobytes())
            for values, name in zip(got, ("values", "offset", "scale"), strict=True):
                np.testing.assert_array_equal(values, golden[name], err_msg=f"{file.name} {name}")


def test_rows_that_are_pictures_are_coded_as_pictures():
    """Three channels of a smooth picture, and the same numbers in an order that nobody knows."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:32, :48]
    picture = np.sin(x / 7) * np.cos(y / 5) + 0.02 * rng.standard_normal((2, 3, 32, 48))
    rows = (picture * np.array([1, 1.3, -0.7])[:, None, None]).reshape(2, -1)
    ordered, shuffled = (len(encode_standard(r, 0.05, None)) for r in (rows, rng.permuted(rows, axis=1)))
    assert ordered < 0.5 * shuffled
    assert 8 * ordered / rows.size < 1.9  # the noise alone, 0.4 steps of it, has 1.0 bits
