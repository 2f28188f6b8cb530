"""Values of leaves of different zooms to few bytes, with the tree they belong to, the same on every machine.

The tree comes first (`tree_code`), then the values as the pyramid of the field that is the same all over each
leaf, of which only the details of split cells are coded (`pyramid_code`). So a field takes bits only where it
has leaves, and the quantiser spreads its error evenly over the sphere.
"""

from __future__ import annotations

__all__ = ["decode_leaves", "encode_leaves", "round_leaves", "tree_bytes"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.entropy import fixed_steps, to_floats
from fsae_core.codec.pyramid_code import decode_pyramid, encode_pyramid, quantise
from fsae_core.codec.stream import LEAVES, LEAVES_WITH_SIDE, Stream, check_size, damaged
from fsae_core.codec.symbols import Reader, Writer
from fsae_core.codec.tree_code import decode_tree, encode_tree
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.leaves import at_leaves, check_leaves, leaf_zooms, splits_of, spread

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Zooms = NDArray[np.int8]
Sides = tuple[Floats, Floats] | None


def encode_leaves(standard: NDArray[Any], zooms: Zooms, step: float, sides: Sides = None) -> bytes:
    """Quantise standardised values (n, leaf) by ``step``, and code them with the zooms (n, leaf) of leaves.

    sides: offset and scale (n,) that go with them. Raises UserError for values that are not finite, leaves
    that do not cover the sphere, or a step so small that values would need more than 24 bits.
    """
    n, finest = len(zooms), _finest(zooms)
    check_size(n * n_cells(finest))
    values, step = fixed_steps(standard, step)
    side, sort = b"", LEAVES
    if sides is not None:
        sort, side = LEAVES_WITH_SIDE, b"".join(np.asarray(part, "<f4").tobytes() for part in sides)
    writer = Writer()
    if n:
        splits = splits_of(zooms, finest)
        encode_tree(writer, splits, n)
        encode_pyramid(writer, quantise(spread(values, zooms, finest), finest, splits)[0], splits)
    return Stream(sort, finest, n, n_cells(finest), step, side, writer.to_bytes()).to_bytes()


def decode_leaves(data: bytes, leaves: int | None = None) -> tuple[Floats, Zooms, Sides]:
    """What `encode_leaves` was given, values as far as the step tells them apart.

    leaves: how many a field has, where that is known. Raises UserError for bytes that are cut, changed or
    claim more than a stream may hold.
    """
    stream = Stream.from_bytes(data)
    if stream.sort not in (LEAVES, LEAVES_WITH_SIDE) or stream.zoom is None:
        raise damaged("fields of one zoom instead of leaves")
    n, finest = stream.n, stream.zoom
    sides: Sides = None
    if stream.sort == LEAVES_WITH_SIDE:
        offset, scale = np.frombuffer(stream.side, "<f4").astype(np.float32).reshape(2, n)
        sides = offset, scale
    if not n:
        return np.zeros((0, leaves or 0), np.float32), np.zeros((0, leaves or 0), np.int8), sides
    reader = Reader(stream.coded)
    splits = decode_tree(reader, n, finest)
    found = 12 + 3 * sum(int(split[0].sum()) for split in splits)
    if leaves is not None and found != leaves:
        raise damaged(f"their fields have {found} values, {leaves} were expected")
    zooms = leaf_zooms(splits, n)
    dense = decode_pyramid(reader, n, finest, splits)
    return to_floats(_at_leaves(dense, zooms, finest), stream.step), zooms, sides


def round_leaves(standard: NDArray[Any], zooms: Zooms, step: float) -> Floats:
    """What `decode_leaves` will give for these; each field depends on itself alone."""
    finest = _finest(zooms)
    values, step = fixed_steps(standard, step)
    out = np.empty(zooms.shape, np.float32)
    for i in range(len(zooms)):  # one by one, so that memory does not grow with their number
        one = zooms[i : i + 1]
        dense = quantise(spread(values[i : i + 1], one, finest), finest, splits_of(one, finest))[1]
        out[i] = to_floats(_at_leaves(dense, one, finest), step)[0]
    return out


def tree_bytes(zooms: Zooms) -> int:
    """What the tree of one field with these leaves (leaf,) takes by itself."""
    writer, finest = Writer(), _finest(zooms[None])
    encode_tree(writer, splits_of(zooms[None], finest), 1)
    return len(writer.to_bytes())


def _finest(zooms: Zooms) -> int:
    finest = int(zooms.max(initial=0))
    if zooms.min(initial=0) < 0:
        raise UserError("Leaves of a zoom below 0 were found: make or copy them again.")
    check_leaves(zooms, finest)
    return finest


def _at_leaves(dense: Integers, zooms: Zooms, finest: int) -> Integers:
    """The mean of each leaf, which its cells keep to the last bit."""
    levels = [dense]
    for _ in range(finest):
        levels.insert(0, levels[0].reshape(len(dense), -1, 4).sum(axis=-1) >> 2)
    return at_leaves(levels, zooms)
