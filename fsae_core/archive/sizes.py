"""Sizes that a file claims, looked at before room is made for them."""

from __future__ import annotations

__all__ = ["check_claims", "claims_of_netcdf", "claims_of_zarr"]

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fsae_core.errors import UserError

MOST_COORDINATES = 2**22
"""Values of a dimension's own coordinate, which is read when a file is opened: 478 years of hours."""
MOST_CHUNK_BYTES = 2**31
"""Of a chunk, which is read whole for any value in it."""


class Claim(NamedTuple):
    """An array as its file describes it; chunk: None where it is not cut."""

    name: str
    shape: tuple[int, ...]
    chunk: tuple[int, ...] | None
    bytes_a_value: int
    is_coordinate: bool


def check_claims(claims: Iterator[Claim], file: str) -> None:
    """UserError for a coordinate or a chunk that would not fit the memory."""
    for claim in claims:
        if claim.is_coordinate and math.prod(claim.shape) > MOST_COORDINATES:
            raise UserError(
                f"{file} claims {math.prod(claim.shape)} values along {claim.name}, expected at most "
                f"{MOST_COORDINATES}: take a part of it."
            )
        size = math.prod(claim.chunk or ()) * claim.bytes_a_value
        if claim.chunk and size > MOST_CHUNK_BYTES:
            raise UserError(
                f"{file} claims chunks of {size / 2**30:.3g} GiB for {claim.name}, expected at most "
                f"{MOST_CHUNK_BYTES >> 30}: write it again with smaller chunks."
            )


def claims_of_zarr(group: Any) -> Iterator[Claim]:
    """Of the arrays of an open group."""
    for name, array in group.arrays():
        dims = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS", ())
        own = len(array.shape) == 1 and (list(dims) == [name] or not dims)
        chunk = tuple(getattr(array, "shards", None) or array.chunks)
        yield Claim(name, tuple(array.shape), chunk, max(array.dtype.itemsize, 1), own)


def claims_of_netcdf(path: Path) -> Iterator[Claim]:
    """Of the variables of a NetCDF-4 file."""
    import netCDF4

    with netCDF4.Dataset(path) as file:
        for name, variable in file.variables.items():
            chunk = variable.chunking()
            size = getattr(variable.dtype, "itemsize", 8)
            cut = tuple(int(n) for n in chunk) if isinstance(chunk, list) else None
            yield Claim(name, tuple(variable.shape), cut, size, variable.dimensions == (name,))
