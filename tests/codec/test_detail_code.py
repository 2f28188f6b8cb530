"""Numbers of adaptive fields as bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsae_core.codec.detail_code import decode_details, encode_details, places_bytes, round_details
from fsae_core.codec.entropy import decode_standard, encode_standard
from fsae_core.codec.stream import checksum
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.kept import places_of


def some_numbers(fields: int, share: float, seed: int, finest: int = 4, cells: bool = False):
    """Numbers with long tails, and their places; more of them where those of coarser cells are."""
    rng, bands = np.random.default_rng(seed), 1 if cells else 3
    kept, above = [], np.ones((fields, 12), bool)
    for zoom in range(finest + cells):
        odds = np.where(above, 4 * share, 0.3 * share)[..., None]
        kept.append(rng.random((fields, n_cells(zoom), bands)) < odds)
        above = np.repeat(kept[-1].any(axis=-1), 4, axis=1)
    places = places_of(kept, fields)
    numbers = rng.standard_normal(places.shape)
    numbers = np.where(places < 12, numbers, np.sign(numbers) * (0.1 + 0.1 * abs(numbers)))
    return np.where(places != n_cells(finest), numbers, 0), places


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 5),
    st.floats(0, 0.25),
    st.integers(0, 2**31),
    st.sampled_from([0.0005, 0.03, 0.5]),
    st.booleans(),
)
def test_numbers_and_places_come_back(fields, share, seed, step, cells):
    numbers, places = some_numbers(fields, share, seed, cells=cells)
    sides = np.arange(fields, dtype=np.float32), 2 + np.arange(fields, dtype=np.float32)
    data = encode_details(numbers, places, 4, step, sides)
    back, places_back, sides_back = decode_details(data, places.shape[1] + 7)
    assert back.shape == places_back.shape == (fields, places.shape[1] + 7)
    np.testing.assert_array_equal(places_back[:, : places.shape[1]], places)
    assert (places_back[:, places.shape[1] :] == n_cells(4)).all()
    np.testing.assert_array_equal(back[:, : places.shape[1]], round_details(numbers, step))
    assert abs(back[:, : places.shape[1]] - numbers).max(initial=0) <= 0.51 * step
    for one, other in zip(sides, sides_back, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_stands_in_few_places_takes_few_bytes():
    few, many = (places_of_one(share) for share in (0.01, 0.2))
    assert places_bytes(few, 4) < places_bytes(many, 4) / 3
    assert places_bytes(np.arange(12, dtype=np.int32), 4) <= 4
    # Entropy of so many flags, with no more than a tenth and some bytes for what is told beforehand.
    flags, kept = n_cells(4), (many >= 12).sum()
    p = kept / flags
    assert places_bytes(many, 4) < 1.1 * flags * -(p * np.log2(p) + (1 - p) * np.log2(1 - p)) / 8 + 20


def places_of_one(share: float) -> np.ndarray:
    places = some_numbers(1, share, 3)[1][0]
    return places[places < n_cells(4)]


def test_the_same_places_at_other_times_take_less_for_each():
    numbers, places = some_numbers(1, 0.1, 4)
    one = len(encode_details(numbers, places, 4, 0.5))
    many = len(encode_details(np.repeat(numbers, 16, 0), np.repeat(places, 16, 0), 4, 0.5))
    assert many < 8 * one


@pytest.mark.parametrize("cells", [False, True])
def test_damaged_bytes_are_refused_in_a_sentence(cells):
    numbers, places = some_numbers(2, 0.1, 5, cells=cells)
    data = encode_details(numbers, places, 4, 0.05)
    for wrong in (b"", data[:9], data[:-3], data[:7] + bytes([data[7] ^ 4]) + data[8:]):
        with pytest.raises(UserError, match="damaged"):
            decode_details(wrong)
    with pytest.raises(UserError, match="20 at most were expected"):
        decode_details(data, 20)
    with pytest.raises(UserError, match="instead of details"):
        decode_details(encode_standard(numbers[:, :12], 0.05, 0))
    with pytest.raises(UserError, match="details instead of fields"):
        decode_standard(data)


def test_what_cannot_be_kept_is_refused():
    numbers, places = some_numbers(1, 0.1, 6)
    with pytest.raises(UserError, match="only finite"):
        encode_details(np.full_like(numbers, np.nan), places, 4, 0.1)
    with pytest.raises(UserError, match="24 bits"):
        encode_details(numbers, places, 4, 1e-9)
    with pytest.raises(UserError, match="are none of a field"):
        encode_details(numbers[:, 1:], places[:, 1:], 4, 0.1)


@pytest.mark.parametrize("seed", range(3))
def test_changed_bytes_give_numbers_or_a_sentence(seed):
    """Behind the checksum, as a reader of hostile bytes would meet them."""
    numbers, places = some_numbers(3, 0.1, 7, cells=True)
    data, rng = bytearray(encode_details(numbers, places, 4, 0.05)), np.random.default_rng(seed)
    for _ in range(60):
        wrong = bytearray(data)
        wrong[int(rng.integers(9, len(wrong)))] ^= 1 << int(rng.integers(8))
        wrong[1:5] = checksum(bytes(wrong[5:])).to_bytes(4, "little")
        try:
            back, where, _ = decode_details(bytes(wrong), places.shape[1])
        except UserError:
            continue
        assert np.isfinite(back).all() and back.shape == where.shape
