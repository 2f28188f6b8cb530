"""Entropy-coded compressed fields: what comes back, what it weighs, what damaged bytes say."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsae_core.codec.entropy import (
    decode_integers,
    decode_latents,
    encode_integers,
    encode_latents,
)
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
def test_values_come_back_within_half_a_step(zoom, n):
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
    assert (abs(back - x) <= (0.5 * 0.05 + 1e-6) * scale[:, None] + 1e-4).all()
    assert data == encode_latents(x, offset, scale, 0.05, zoom)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_whole_numbers_come_back(data):
    zoom = data.draw(st.sampled_from([0, 1, 2, None]))
    n = data.draw(st.integers(1, 4))
    m = n_cells(zoom) if zoom is not None else data.draw(st.integers(1, 60))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**31)))
    size = 2.0 ** data.draw(st.floats(-3, 23.9))
    numbers = np.rint(np.clip(size * rng.standard_cauchy((n, m)), -(2**24) + 1, 2**24 - 1)).astype(np.int64)
    numbers[rng.random((n, m)) < data.draw(st.sampled_from([0, 0.5, 0.99]))] = 0
    np.testing.assert_array_equal(decode_integers(encode_integers(numbers, zoom)), numbers)


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

    return data[:4] + struct.pack("<I", google_crc32c.value(data[8:])) + data[8:]


@pytest.mark.parametrize("n, m", [(2**31, 48), (2**32 - 1, 2**32 - 1), (1, 3_000_000_000), (3, 47)])
def test_absurd_sizes_are_refused_before_room_is_made(n, m):
    data = encode_integers(np.zeros((1, 48), int), 1)
    with pytest.raises(UserError, match="they claim"):
        decode_integers(with_checksum(data[:9] + struct.pack("<II", n, m) + data[17:]))


def test_bytes_made_to_deceive_end_soon():
    rng = np.random.default_rng(0)
    data = encode_latents(smooth_fields(1, 3), np.ones(1), np.ones(1), 0.5, 3)
    for _ in range(200):
        forged = bytearray(data)
        for place in rng.integers(21, len(data), 4):
            forged[place] = rng.integers(256)
        try:
            back, _, _ = decode_latents(with_checksum(bytes(forged)))
        except UserError:
            continue
        assert back.shape == (1, 768)


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
