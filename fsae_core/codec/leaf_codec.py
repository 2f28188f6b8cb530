"""The Zarr v3 codec of compressed fields whose cells are of several zooms.

The last dimension of a chunk is a field's standardised values and then, as many, the zooms of the cells that
they belong to: together they are one stream of `leaf_code`, since neither can be told well without the other.
"""

from __future__ import annotations

__all__ = ["LEAVES", "LeavesCodec", "apart", "rows_of_leaves", "side_by_side"]

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from zarr.registry import register_codec

from fsae_core.codec.layout import LATENT, STANDARDISED, leaves_name
from fsae_core.codec.leaf_code import decode_leaves, encode_leaves
from fsae_core.codec.stream import Stream, damaged
from fsae_core.codec.zarr_codec import FieldsCodec
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import n_cells

LEAVES = "fsae_leaves"
"""The codec's name, and that of an array's last dimension on disk."""

_CHUNK_FIELDS, _CHUNK_CELLS = 64, 2**18


@dataclass(frozen=True)
class LeavesCodec(FieldsCodec):
    """step: of the quantiser, in standardised units."""

    step: float

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> LeavesCodec:
        """From a store's metadata; KeyError, TypeError or ValueError where they cannot be."""
        return cls(float(data["configuration"]["step"]))

    def to_dict(self) -> dict[str, Any]:
        """For a store's metadata."""
        return {"name": LEAVES, "configuration": {"step": self.step}}

    def to_stream(self, fields: NDArray[Any]) -> bytes:
        """Values and zooms (n, 2 m) to bytes."""
        values, zooms = np.split(fields, 2, axis=1)
        return encode_leaves(values, zooms.astype(np.int8), self.step)

    def to_fields(self, stream: bytes) -> NDArray[Any]:
        """Bytes to values and zooms (n, 2 m)."""
        values, zooms, _ = decode_leaves(stream)
        return np.concatenate([values, zooms.astype(np.float32)], axis=1)

    def check_claims(self, stream: bytes, rows: int, values: int) -> None:
        """UserError for a stream of more fields than there are rows, or with other numbers of values."""
        claimed = Stream.from_bytes(stream)
        if claimed.n > rows:
            raise damaged(f"{claimed.n} fields, expected {rows} at most")
        if claimed.n and 2 * len(decode_leaves(stream, values // 2)[0][0]) != values:
            raise damaged(f"fields of other than {values // 2} values")


def rows_of_leaves(zoom_in: int) -> int:
    """Times that are coded together, of fields of this zoom: a power of two."""
    rows = max(1, min(_CHUNK_FIELDS, 4 * _CHUNK_CELLS // n_cells(zoom_in)))
    return 1 << (rows.bit_length() - 1)


def side_by_side(values: xr.DataArray, zooms: xr.DataArray) -> xr.DataArray:
    """Standardised values and zooms (..., m) as one array (..., 2 m); numpy or Dask."""
    *lead, last = values.dims
    parts = [one.transpose(*lead, last).data.astype(np.float32) for one in (values, zooms)]
    if values.chunks is not None:
        import dask.array as da

        joined: Any = da.concatenate(parts, axis=-1).rechunk({len(lead): -1})
    else:
        joined = np.concatenate(parts, axis=-1)
    return xr.DataArray(joined, dims=(*lead, LEAVES), coords=_kept(values, lead), attrs=values.attrs)


def _kept(array: xr.DataArray, lead: list[Any]) -> dict[Any, Any]:
    return {k: v for k, v in array.coords.items() if set(v.dims) <= set(lead)}


def apart(ds: xr.Dataset, file: str) -> xr.Dataset:
    """With values and zooms as variables of their own again. UserError where they cannot be."""
    out = ds.copy()
    for name in [str(n) for n, array in ds.data_vars.items() if array.dims[-1:] == (LEAVES,)]:
        stored = ds[name].variable
        own = leaves_name(name)
        if stored.shape[-1] % 2 or own in ds.variables or STANDARDISED not in stored.attrs:
            raise UserError(
                f"{file} is not a sound compressed store (what it says of the cells of {name} cannot be): "
                "make or copy it again."
            )
        half = stored.shape[-1] // 2
        out = out.drop_vars(name)
        for part, place, attrs in ((name, slice(half), stored.attrs), (own, slice(half, None), {})):
            cut = stored[..., place]
            out[part] = xr.Variable((*cut.dims[:-1], LATENT), cut._data, attrs)
    return out


# For a checkout whose installation is older than this entry point.
register_codec(LEAVES, LeavesCodec)
