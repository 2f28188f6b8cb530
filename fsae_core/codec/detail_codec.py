"""The Zarr v3 codec of adaptive compressed fields.

The last dimension of a chunk is a field's standardised numbers and then, as many, the places where they
stand: together they are one stream of `detail_code`, since neither can be told well without the other.
"""

from __future__ import annotations

__all__ = ["DETAILS", "DetailsCodec", "apart", "side_by_side"]

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from zarr.registry import register_codec

from fsae_core.codec.detail_code import decode_details, encode_details
from fsae_core.codec.layout import LATENT, STANDARDISED, places_name
from fsae_core.codec.stream import Stream, damaged
from fsae_core.codec.zarr_codec import FieldsCodec
from fsae_core.errors import UserError

DETAILS = "fsae_details"
"""The codec's name, and that of an array's last dimension on disk."""


@dataclass(frozen=True)
class DetailsCodec(FieldsCodec):
    """step: of the quantiser, in standardised units; zoom: of the fields; numbers: that each has room for."""

    step: float
    zoom: int
    numbers: int

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> DetailsCodec:
        """From a store's metadata; KeyError, TypeError or ValueError where they cannot be."""
        settings = data["configuration"]
        return cls(float(settings["step"]), int(settings["zoom"]), int(settings["numbers"]))

    def to_dict(self) -> dict[str, Any]:
        """For a store's metadata."""
        return {
            "name": DETAILS,
            "configuration": {"step": self.step, "zoom": self.zoom, "numbers": self.numbers},
        }

    def to_stream(self, fields: NDArray[Any]) -> bytes:
        """Numbers and places (n, 2 m) to bytes."""
        numbers, places = np.split(fields, 2, axis=1)
        return encode_details(numbers, places.astype(np.int32), self.zoom, self.step)

    def to_fields(self, stream: bytes) -> NDArray[Any]:
        """Bytes to numbers and places (n, 2 m)."""
        numbers, places, _ = decode_details(stream, self.numbers)
        return np.concatenate([numbers, places.astype(np.float32)], axis=1)

    def check_claims(self, stream: bytes, rows: int, values: int) -> None:
        """UserError for a stream of more fields than there are rows, or with other numbers of values."""
        claimed = Stream.from_bytes(stream)
        if claimed.n > rows:
            raise damaged(f"{claimed.n} fields, expected {rows} at most")
        if claimed.n and claimed.zoom != self.zoom:
            raise damaged(f"fields of zoom {claimed.zoom}, expected {self.zoom}")
        if values != 2 * self.numbers:
            raise damaged(f"fields of {values // 2} numbers, expected {self.numbers}")


def side_by_side(values: xr.DataArray, places: xr.DataArray) -> xr.DataArray:
    """Standardised numbers and places (..., m) as one array (..., 2 m); numpy or Dask."""
    *lead, last = values.dims
    parts = [one.transpose(*lead, last).data.astype(np.float32) for one in (values, places)]
    if values.chunks is not None:
        import dask.array as da

        joined: Any = da.concatenate(parts, axis=-1).rechunk({len(lead): -1})
    else:
        joined = np.concatenate(parts, axis=-1)
    return xr.DataArray(joined, dims=(*lead, DETAILS), coords=_kept(values, lead), attrs=values.attrs)


def _kept(array: xr.DataArray, lead: list[Any]) -> dict[Any, Any]:
    return {k: v for k, v in array.coords.items() if set(v.dims) <= set(lead)}


def apart(ds: xr.Dataset, file: str) -> xr.Dataset:
    """With numbers and places as variables of their own again. UserError where they cannot be."""
    out = ds.copy()
    for name in [str(n) for n, array in ds.data_vars.items() if array.dims[-1:] == (DETAILS,)]:
        stored = ds[name].variable
        own = places_name(name)
        if stored.shape[-1] % 2 or own in ds.variables or STANDARDISED not in stored.attrs:
            raise UserError(
                f"{file} is not a sound compressed store (what it says of the places of {name} cannot be): "
                "make or copy it again."
            )
        half = stored.shape[-1] // 2
        out = out.drop_vars(name)
        for part, place, attrs in ((name, slice(half), stored.attrs), (own, slice(half, None), {})):
            cut = stored[..., place]
            out[part] = xr.Variable((*cut.dims[:-1], LATENT), cut._data, attrs)
    return out


# For a checkout whose installation is older than this entry point.
register_codec(DETAILS, DetailsCodec)
