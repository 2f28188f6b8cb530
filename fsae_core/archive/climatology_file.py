"""Climatologies of an archive's variables, fitted together and kept in one safetensors file."""

from __future__ import annotations

__all__ = ["fit_climatologies", "load_climatologies", "save_climatologies"]

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fsae_core.archive.canonical import data_names
from fsae_core.archive.climatology import HarmonicClimatology
from fsae_core.errors import UserError


def fit_climatologies(
    archive: xr.Dataset | Iterable[xr.Dataset],
    train: slice | NDArray[np.bool_],
    variables: Iterable[str] | None = None,
) -> dict[str, HarmonicClimatology]:
    """Fit each variable of a canonical archive, or of one given in pieces of time, on the training times
    only.

    train: a slice of dates (the AMIP archive: `slice("1979", "2004")`) or a mask (time,).
    Raises UserError as `HarmonicClimatology.fit` does, and when the pieces hold a time twice.
    """
    pieces = [archive] if isinstance(archive, xr.Dataset) else list(archive)
    names = data_names(pieces[0]) if variables is None else tuple(variables)
    fitted = {}
    for name in names:
        field = xr.concat([piece[name] for piece in pieces], "time") if len(pieces) > 1 else pieces[0][name]
        if not field.indexes["time"].is_unique:
            raise UserError(
                f"The pieces of {name} hold a time twice; expected each once: leave the copy out."
            )
        fitted[name] = HarmonicClimatology.fit(field.sortby("time"), train)
    return fitted


def save_climatologies(path: str | Path, climatologies: Mapping[str, HarmonicClimatology]) -> Path:
    """Write `<variable>.coef` (5, cell) and `<variable>.std` (cell,) float32; returns the path."""
    from safetensors.numpy import save_file

    arrays = {
        f"{name}.{key}": array
        for name, clim in climatologies.items()
        for key, array in clim.to_dict().items()
    }
    save_file(arrays, str(path), metadata={"format": "fsae-climatology-1"})
    return Path(path)


def load_climatologies(path: str | Path) -> dict[str, HarmonicClimatology]:
    """The inverse of `save_climatologies`. Raises UserError when the file is damaged or of another kind."""
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    try:
        with safe_open(str(path), framework="numpy") as file:
            if (file.metadata() or {}).get("format") != "fsae-climatology-1":
                raise UserError(f"{path.name} holds no climatology; expected a file of save_climatologies.")
            keys = list(file.keys())
            names = dict.fromkeys(key.rpartition(".")[0] for key in keys)
            return {
                name: HarmonicClimatology.from_dict(
                    {key: file.get_tensor(f"{name}.{key}") for key in ("coef", "std")}
                )
                for name in names
            }
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path.name} cannot be read as a climatology ({error}); make it again.") from error
