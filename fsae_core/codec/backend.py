"""xarray's engine `fsae`: a compressed store opened as the fields that it stands for.

``xr.open_dataset(path, engine="fsae")`` reads metadata only; values are decoded when they are used, and never
more of the store than the chunks that hold their times. ``chunks={}`` gives Dask arrays of those chunks.
"""

from __future__ import annotations

__all__ = ["FsaeBackend"]

from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.core import indexing

from fsae_core.codec.layout import layer_name, layers_of, places_name
from fsae_core.codec.together import names_together
from fsae_core.errors import UserError

Floats = NDArray[np.float32]

_LOCK = Lock()


class FsaeBackend(BackendEntrypoint):
    """zoom: a coarser one than the fields' own; ratio: a coarser one of a store with layers; model: weights
    that are not shipped, a file or a model."""

    description = "Stores written by `fsae compress`, decoded as they are read"
    open_dataset_parameters = ("filename_or_obj", "drop_variables", "zoom", "ratio", "model", "device")

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        zoom: int | None = None,
        ratio: int | None = None,
        model: Any = None,
        device: str = "auto",
    ) -> xr.Dataset:
        """The canonical archive that the store stands for. UserError as in `open_store` and `decompress`."""
        if not isinstance(filename_or_obj, str | Path):
            raise UserError(
                f"A {type(filename_or_obj).__name__} was given, the engine fsae opens paths: give that of a "
                "store."
            )
        from fsae_core.archive.canonical import canonical_dataset
        from fsae_core.codec.choice import writing_model
        from fsae_core.codec.layers import model_of
        from fsae_core.codec.layout import field_names
        from fsae_core.codec.pipeline import check_zoom, kept_attributes
        from fsae_core.codec.shelf import weights_up_to
        from fsae_core.codec.store import open_store
        from fsae_core.sphere.healpix import n_cells

        small = open_store(filename_or_obj)
        zoom = check_zoom(small, zoom)
        options = {"zoom": zoom, "ratio": ratio, "model": model, "device": device}
        weights = weights_up_to(small, ratio)
        for layer in weights:
            writing_model(layer, model_of(model, int(layer.attrs["fsae_ratio"])), device)
        dropped = {drop_variables} if isinstance(drop_variables, str) else set(drop_variables or ())
        fields = {}
        for name in field_names(small):
            if name in dropped:
                continue
            lead = small[name].dims[:-1]
            shape = (*small[name].shape[:-1], n_cells(zoom))
            values = indexing.LazilyIndexedArray(_Fields(small, name, shape, options))
            coords = {k: v for k, v in small[name].coords.items() if k != "crs"}
            fields[name] = xr.DataArray(
                xr.Variable((*lead, "cell"), values), coords=coords, attrs=dict(small[name].attrs)
            )
        if not fields:
            raise UserError(
                f"All variables of {Path(filename_or_obj).name} are to be dropped, one at least must stay: "
                "drop fewer."
            )
        out = canonical_dataset(fields, *kept_attributes(small, weights[-1]))
        for name in fields:
            sizes = small[name].encoding.get("preferred_chunks", {})
            preferred = {dim: sizes.get(dim, 1) for dim in out[name].dims[:-1]}
            out[name].encoding["preferred_chunks"] = {**preferred, "cell": n_cells(zoom)}
        return out

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """No: without the engine's name a store opens as the Zarr that it is."""
        return False


class _Fields(BackendArray):
    """Fields (time[, member], cell) of one variable."""

    def __init__(self, small: xr.Dataset, name: str, shape: tuple[int, ...], options: dict[str, Any]) -> None:
        sides = [f"{name}_offset", f"{name}_scale", f"{name}_correction", places_name(name)]
        sides += [layer_name(name, layer["ratio"]) for layer in layers_of(small)]
        together = names_together(small)
        if name in together:  # none of them can be decoded without the others
            sides += [f"{other}{side}" for other in together for side in ("", "_offset", "_scale")]
        kept = dict.fromkeys(v for v in (name, *sides) if v in small.variables)
        self._small = small[list(kept)]
        self._name, self._options = name, options
        self.shape, self.dtype = shape, np.dtype(np.float32)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> Floats:
        from fsae_core.codec.pipeline import decompress

        lead = self._small[self._name].dims[:-1]
        # A single index keeps its dimension until the fields are there: models take rows of fields.
        rows = {
            dim: [int(k)] if isinstance(k, int | np.integer) else k
            for dim, k in zip(lead, key[:-1], strict=True)
        }
        small = self._small.isel(rows)
        shape = tuple(small.sizes[dim] for dim in lead)
        if 0 in shape:
            values = np.zeros((*shape, self.shape[-1]), np.float32)
        else:
            with _LOCK:  # the networks keep what they make of the surface, which is no thing for two threads
                values = decompress(small, **self._options)[self._name].values
        dropped = tuple(0 if isinstance(k, int | np.integer) else slice(None) for k in key[:-1])
        return values[dropped][..., key[-1]]
