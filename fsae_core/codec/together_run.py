"""An archive whose variables are compressed together to a store, and what was lost."""

from __future__ import annotations

__all__ = ["errors_together", "run_together"]

from pathlib import Path
from typing import Any

import xarray as xr

from fsae_core.codec.block import Progress, take
from fsae_core.codec.error_sums import ErrorSums
from fsae_core.codec.pipeline import assembled
from fsae_core.codec.store import open_store, write_store
from fsae_core.codec.together import blocks_together, compress_together, decoded_together


def run_together(
    ds: xr.Dataset,
    names: list[str],
    model: Any,
    target: Path,
    step: float | None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Compress the variables and write the store; the compressed dataset comes back. A few fields and all
    compressed ones are in memory at once. UserError as in `compress_together`."""
    small = assembled(ds, compress_together(ds, names, model, step=step, progress=progress), [model])
    write_store(small, target, overwrite=overwrite)
    return small


def errors_together(ds: xr.Dataset, names: list[str], target: Path, model: Any) -> dict[str, ErrorSums]:
    """Errors of what comes back from the files, by variable."""
    stored, cells = open_store(target), ds.sizes["cell"]
    sums = {name: ErrorSums() for name in names}
    first = ds[names[0]]
    for block in blocks_together(first, len(names), cells):
        rows = {first.dims[0]: slice(block.start, block.stop)} if first.ndim > 1 else {}
        found = decoded_together(stored.isel(rows), names, model, cells=cells)
        for name in names:
            truth, _ = take(ds[name], block, 1)
            for fine in found[name]:
                sums[name].add(truth[: len(fine)], fine)
                truth = truth[len(fine) :]
    return sums
