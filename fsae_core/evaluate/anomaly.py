"""Methods on anomalies from a climatology that both sides know (``+clim`` behind a name)."""

from __future__ import annotations

__all__ = ["Climatology", "OnAnomalies", "climatology_of"]

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from fsae_core.archive.canonical import zoom_of_dataset
from fsae_core.archive.climatology import HarmonicClimatology
from fsae_core.errors import UserError
from fsae_core.evaluate.coded import Axis, Coded, Floats, Known, Method, Times
from fsae_core.training.splits import Split, split_of

_MONTHS = 10  # HarmonicClimatology.fit refuses fewer


@dataclass(frozen=True)
class Climatology:
    """source: where it comes from, in words; mean: (cell,), or a harmonic fit that has a season."""

    source: str
    mean: NDArray[np.float32] | HarmonicClimatology

    @property
    def parameters(self) -> int:
        """Numbers in it; the spread that comes with a harmonic fit is not used."""
        return int((self.mean.coef if isinstance(self.mean, HarmonicClimatology) else self.mean).size)

    def at(self, times: ArrayLike) -> NDArray[np.float32]:
        """datetime64 (time,) -> (time, cell)."""
        if isinstance(self.mean, HarmonicClimatology):
            return self.mean.mean_at(times)
        return np.broadcast_to(self.mean, (len(np.atleast_1d(times)), self.mean.size))


def climatology_of(ds: xr.Dataset, variable: str) -> Climatology:
    """Of an archive, never from a time it is tested on.

    Where the training times cover a year, mean and two annual harmonics fitted on them; where there are
    none, the same from the weights of the archive's family; else the mean of the training times. UserError
    where there is nothing to take it from.
    """
    train = Split.mask(ds["time"].values, split_of(ds).train)
    months = np.unique(ds["time"].values[train].astype("datetime64[M]").astype(int) % 12).size
    if months >= _MONTHS:
        fitted = HarmonicClimatology.fit(ds[variable], train)
        return Climatology(f"mean and two annual harmonics of {train.sum()} training times", fitted)
    if train.any():
        mean = ds[variable].values[train].mean(axis=0, dtype=np.float64).astype(np.float32)
        return Climatology(f"mean of {train.sum()} training times, no season: they do not cover a year", mean)
    return _of_weights(ds, variable)


def _of_weights(ds: xr.Dataset, variable: str) -> Climatology:
    from fsae_core.codec.choice import load, shipped_cards

    zoom, family = zoom_of_dataset(ds), ds.attrs.get("fsae_climatology")
    for card in shipped_cards():
        if family and card.family == family and card.variables and variable in card.variables:
            maps = getattr(load(card.name, "cpu"), "climatologies", {})
            if zoom in maps:
                source = f"mean and two annual harmonics that come with the weights {card.name.split('-')[0]}"
                return Climatology(source, maps[zoom])
    raise UserError(
        f"The archive has no training times of {variable} to fit a climatology on: choose methods "
        "without +clim."
    )


class OnAnomalies:
    """A method on departures from the climatology of each field's time."""

    def __init__(self, method: Method, climatology: Climatology) -> None:
        self.name = f"{method.name}+clim"
        self.method = method
        self.climatology = climatology
        self.axes: tuple[Axis, ...] = method.axes
        self.window = method.window

    def known(self, ratio: int) -> Known:
        below = self.method.known(ratio)
        return replace(below, parameters=below.parameters + self.climatology.parameters)

    def code(self, x: Floats, times: Times, *, axis: Axis, ratio: int) -> Coded:
        """See `Method`."""
        if times is None:
            raise UserError(f"{self.name} needs the times of the fields, but there are none: drop the +clim.")
        mean = self.climatology.at(times)
        coded = self.method.code((x - mean).astype(np.float32), times, axis=axis, ratio=ratio)
        return replace(coded, recon=(coded.recon + mean).astype(np.float32))
