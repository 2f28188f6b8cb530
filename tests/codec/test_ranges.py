"""What is read is what constriction wrote, symbol by symbol."""

import constriction
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsae_core.codec import ranges, symbols
from fsae_core.codec.ranges import TABLED
from fsae_core.codec.seats import CENTRE, KINDS
from fsae_core.codec.symbols import Reader, Writer
from fsae_core.errors import UserError


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_uniform_numbers_and_flags_are_read_as_constriction_writes_them(data):
    coder = constriction.stream.queue.RangeEncoder()
    written = []
    for _ in range(data.draw(st.integers(1, 30))):
        if data.draw(st.booleans()):
            size = data.draw(st.integers(2, 2**16))
            numbers = data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=9))
            coder.encode(np.array(numbers, np.int32), constriction.stream.model.Uniform(size))
            written.append((size, numbers))
        else:
            odds = data.draw(st.integers(1, 4095))
            flags = data.draw(st.lists(st.booleans(), min_size=1, max_size=9))
            weights = np.array([4096.0 - odds, odds])
            model = constriction.stream.model.Categorical(weights, perfect=False)
            coder.encode(np.array(flags, np.int32), model)
            written.append((-odds, flags))
    words = coder.get_compressed().astype(np.uint32)
    reader, state = Reader(words.astype("<u4").tobytes()), ranges.begin(words)
    decoder = constriction.stream.queue.RangeDecoder(words)
    for size, numbers in written:
        if size > 0:
            out = np.empty(len(numbers), np.int64)
            assert ranges.read_uniform(words, state, size, out)
            assert out.tolist() == numbers
            model = constriction.stream.model.Uniform(size)
            assert decoder.decode(model, len(numbers)).tolist() == numbers
            assert [reader.number(size) for _ in numbers] == numbers
        else:
            bounds = ranges.cumulative([4096.0 + size, -size])
            out = np.empty(len(numbers), bool)
            assert ranges.read_flags(words, state, bounds, ranges.guesses(bounds), out)
            assert out.tolist() == numbers
            model = constriction.stream.model.Categorical(np.array([4096.0 + size, -size]), perfect=False)
            assert decoder.decode(model, len(numbers)).tolist() == [int(flag) for flag in numbers]
            assert reader.flags(len(numbers), -size).tolist() == numbers


@pytest.mark.parametrize("kind", range(TABLED))
def test_bounds_of_all_symbols_are_those_of_constriction(kind):
    """Every symbol of every table, written by constriction and read here."""
    reach = int(symbols._REACHES[kind])
    residuals = np.arange(-reach, reach + 1)
    for shape in range(len(CENTRE)):
        writer = Writer()
        kinds, shapes = np.full(residuals.size, kind), np.full(residuals.size, shape)
        writer.code(kinds, shapes, residuals)
        found = Reader(writer.to_bytes()).code(kinds, shapes)
        np.testing.assert_array_equal(found, residuals)
        bounds = ranges.cumulative(symbols._weights(32 * kind + shape))
        assert bounds[0] == 0 and bounds[-1] == 2**24 and (np.diff(bounds.astype(int)) > 0).all()
        at = ranges.guesses(bounds).astype(int)
        starts = np.arange(256) << 16
        assert (bounds[at] <= starts).all() and (bounds[at + 1] > starts).all()


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(1, 300), wide=st.booleans())
def test_numbers_of_mixed_tables_come_back(seed, n, wide):
    """With those beyond the tables, and those of which bits go by themselves."""
    rng = np.random.default_rng(seed)
    kinds, shapes = rng.integers(0, KINDS if wide else TABLED, n), rng.integers(0, len(CENTRE), n)
    truth = np.rint(rng.standard_cauchy(n) * 2.0 ** (kinds / 3 - 5)).astype(np.int64)
    truth = np.clip(truth, -(2**40), 2**40)
    writer = Writer()
    writer.code(kinds, shapes, truth)
    writer.number(5, 7)
    reader = Reader(writer.to_bytes())
    np.testing.assert_array_equal(reader.code(kinds, shapes), truth)
    assert reader.number(7) == 5


@settings(max_examples=80, deadline=None)
@given(data=st.binary(max_size=300), seed=st.integers(0, 2**31))
def test_any_bytes_give_numbers_or_a_sentence(data, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 200))
    kinds, shapes = rng.integers(0, KINDS, n), rng.integers(0, len(CENTRE), n)
    reader = Reader(data)
    try:
        assert reader.code(kinds, shapes).shape == (n,)
        assert reader.flags(n, 7).shape == (n,)
        assert 0 <= reader.number(1000) < 1000
    except UserError as error:
        assert "damaged (they cannot be decoded)" in str(error)
