"""Blocks of an archive's times that are in memory at once."""

from __future__ import annotations

__all__ = ["Block", "Progress", "blocks", "rows_at_once", "some_fields", "take"]

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fsae_core.codec.choice import Times

Progress = Callable[[Iterable[Any]], Iterable[Any]]
"""Wraps an iterable and shows how far it is, as tqdm does."""

BLOCK_VALUES = 2**21
"""Values of the native field that are in memory at once."""
_SAMPLE_FIELDS, _SAMPLE_VALUES = 4, 2**20


@dataclass(frozen=True)
class Block:
    """A slice of the first dimension of a variable."""

    start: int
    stop: int


def rows_at_once(values: int) -> int:
    """How many rows of so many values a block has: a power of two, as chunks of a store."""
    return 1 << (max(1, BLOCK_VALUES // values).bit_length() - 1)


def blocks(da: xr.DataArray, cells: int | None = None) -> Iterator[Block]:
    """All of a variable, in slices of its first dimension; cells: of its field, where ``da`` has others."""
    per_step = int(np.prod(da.shape[1:-1], dtype=int)) * (cells or da.shape[-1])
    step, total = rows_at_once(per_step), da.shape[0] if da.ndim > 1 else 1
    for start in range(0, total, step):
        yield Block(start, min(start + step, total))


def take(
    da: xr.DataArray, block: Block, trailing: int, dtype: Any = np.float32
) -> tuple[NDArray[Any], Times]:
    """One block as (fields, *trailing) with the time of each field."""
    part = da[block.start : block.stop] if da.ndim > trailing else da
    values = np.asarray(part.values, dtype=dtype)
    lead = values.shape[: values.ndim - trailing]
    times = None
    if "time" in part.dims:
        shape = [part.sizes["time"] if dim == "time" else 1 for dim in part.dims[: len(lead)]]
        times = np.broadcast_to(part["time"].values.reshape(shape), lead).ravel()
    return values.reshape(-1, *values.shape[len(lead) :]), times


def some_fields(da: xr.DataArray) -> tuple[NDArray[np.float32], Times]:
    """A few fields from all over an archive, (fields, cells), with the time of each."""
    if da.ndim == 1:
        return take(da, Block(0, 1), 1)
    fields = min(da.shape[0], _SAMPLE_FIELDS, max(1, _SAMPLE_VALUES // da.shape[-1]))
    chosen = np.unique(np.linspace(0, da.shape[0] - 1, fields).astype(int))
    parts = [take(da[i : i + 1].isel({dim: [0] for dim in da.dims[1:-1]}), Block(0, 1), 1) for i in chosen]
    times = None if parts[0][1] is None else np.concatenate([t for _, t in parts if t is not None])
    return np.concatenate([x for x, _ in parts]), times
