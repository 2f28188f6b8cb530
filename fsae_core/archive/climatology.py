"""Per-cell harmonic climatology and the normalisers: where archives (files) become what networks see
(anomalies).

The climatology of a cell is a least-squares fit of its mean and two annual harmonics,
`c0 + c1 cos(p) + c2 sin(p) + c3 cos(2 p) + c4 sin(2 p)`, with the phase of the year
`p = 2 pi (day of year - 1 + hour / 24) / 365.2425`, and the standard deviation of what is left. It is fitted
on training times only; what is tested is never seen.
"""

from __future__ import annotations

__all__ = [
    "FieldNormaliser",
    "GlobalNormaliser",
    "HarmonicClimatology",
    "annual_phase",
    "harmonic_basis",
    "phase_basis",
]

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from fsae_core.archive.standardising import standardise
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import zoom_of
from fsae_core.sphere.pyramid import prolong, restrict

YEAR = 365.2425
"""Days."""

_MIN_MONTHS = 10
"""Fewer calendar months than this among the training times leave two harmonics undetermined."""


def annual_phase(times: ArrayLike) -> NDArray[np.float64]:
    """datetime64 (...,) -> phase of the year in radians (...,)."""
    stamps = np.asarray(times).astype("datetime64[ns]")
    start = stamps.astype("datetime64[Y]").astype("datetime64[ns]")
    return 2 * np.pi * ((stamps - start) / np.timedelta64(1, "D")) / YEAR


def phase_basis(phase: ArrayLike) -> NDArray[np.float64]:
    """Phase of the year in radians (time,) -> (time, 5): one, cos p, sin p, cos 2p, sin 2p."""
    p = np.asarray(phase, dtype=np.float64)
    return np.stack([np.ones_like(p), np.cos(p), np.sin(p), np.cos(2 * p), np.sin(2 * p)], axis=-1)


def harmonic_basis(times: ArrayLike) -> NDArray[np.float64]:
    """datetime64 (time,) -> `phase_basis` of their phases, (time, 5)."""
    return phase_basis(annual_phase(times))


@dataclass(frozen=True)
class HarmonicClimatology:
    """Mean, two annual harmonics and spread of every cell.

    coef: (5, cell) float32, in the field's units, order of `harmonic_basis`.
    std: (cell,) float32, spread of the residuals, never 0 (1 where the field is constant).
    """

    coef: NDArray[np.float32]
    std: NDArray[np.float32]

    @classmethod
    def fit(
        cls, field: xr.DataArray, train: slice | NDArray[np.bool_] | None = None, *, cells_at_once: int = 4096
    ) -> HarmonicClimatology:
        """Fit on the training times of a field (time, cell).

        train: a slice of dates as `xarray.DataArray.sel` takes (`slice("1979", "2004")`), or a mask (time,).
        Raises UserError when the training times do not cover a year.
        """
        chosen = _training(field, train)
        months = np.unique(chosen["time"].values.astype("datetime64[M]").astype(int) % 12).size
        if months < _MIN_MONTHS:
            raise UserError(
                f"The training times of {field.name} fall in {months} calendar months, expected at least "
                f"{_MIN_MONTHS} "
                "for an annual cycle; use the general weights for a short archive."
            )
        basis = harmonic_basis(chosen["time"].values)
        solve = np.linalg.pinv(basis)
        cells = chosen.sizes["cell"]
        coef = np.empty((5, cells), np.float32)
        std = np.empty(cells, np.float32)
        chosen = chosen.transpose("time", "cell")
        freedom = max(basis.shape[0] - 5, 1)
        for first in range(0, cells, cells_at_once):
            part = slice(first, first + cells_at_once)
            values = chosen.isel(cell=part).values.astype(np.float64)
            if not np.isfinite(values).all():
                raise UserError(f"{field.name} has missing values among its training times; fill them first.")
            fit = solve @ values
            coef[:, part] = fit
            std[part] = np.sqrt(((values - basis @ fit) ** 2).sum(axis=0) / freedom)
        tiny = 1e-6 * np.maximum(np.abs(coef[0]), 1e-6)
        return cls(coef, np.where(std > tiny, std, np.float32(1.0)).astype(np.float32))

    @property
    def zoom(self) -> int:
        """Zoom of the maps."""
        return zoom_of(self.coef.shape[-1])

    def mean_at(self, times: ArrayLike) -> NDArray[np.float32]:
        """datetime64 (time,) -> the climatology's field at these times (time, cell)."""
        return (harmonic_basis(np.atleast_1d(times)) @ self.coef.astype(np.float64)).astype(np.float32)

    def anomaly(self, field: xr.DataArray) -> xr.DataArray:
        """(time, cell) in units -> departure from the climatology, in the same units."""
        return field.copy(data=(field.values - self._aligned(field)).astype(np.float32))

    def restore(self, anomaly: xr.DataArray) -> xr.DataArray:
        """The inverse of `anomaly`."""
        return anomaly.copy(data=(anomaly.values + self._aligned(anomaly)).astype(np.float32))

    def _aligned(self, field: xr.DataArray) -> NDArray[np.float32]:
        if field.dims != ("time", "cell") or field.sizes["cell"] != self.coef.shape[-1]:
            raise UserError(
                f"{field.name} has dimensions {dict(field.sizes)}, expected (time, cell) with "
                f"{self.coef.shape[-1]} "
                "cells; bring the climatology to its zoom with at_zoom."
            )
        return self.mean_at(field["time"].values)

    def at_zoom(self, zoom: int) -> HarmonicClimatology:
        """The same climatology on coarser cells (block means) or finer ones (mean-preserving smooth
        prolongation).

        The spread is carried as a variance; of block means it is an upper bound, since weather partly
        cancels there.
        """
        step = zoom - self.zoom
        if step == 0:
            return self
        if step < 0:
            coef, variance = restrict(self.coef, -step), restrict(self.std**2, -step)
        else:
            coef, variance = prolong(self.coef, step), prolong(self.std**2, step)
            # Smooth prolongation may overshoot below the smallest neighbour.
            variance = np.maximum(variance, 0.25 * np.repeat(self.std**2, 4**step))
        return HarmonicClimatology(np.asarray(coef, np.float32), np.sqrt(np.asarray(variance, np.float32)))

    def to_dict(self) -> dict[str, NDArray[np.float32]]:
        """{"coef": (5, cell), "std": (cell,)} float32, as safetensors wants them."""
        return {"coef": np.ascontiguousarray(self.coef), "std": np.ascontiguousarray(self.std)}

    @classmethod
    def from_dict(cls, arrays: Mapping[str, ArrayLike]) -> HarmonicClimatology:
        """The inverse of `to_dict`."""
        return cls(np.asarray(arrays["coef"], np.float32), np.asarray(arrays["std"], np.float32))

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[str, ArrayLike], zooms: Iterable[int | str]
    ) -> dict[int, HarmonicClimatology]:
        """Those that a weights file holds, by zoom: tensors climatology.ZOOM.coef and .std."""
        parts = ("coef", "std")
        return {
            int(zoom): cls.from_dict({part: tensors[f"climatology.{zoom}.{part}"] for part in parts})
            for zoom in zooms
        }


def _training(field: xr.DataArray, train: slice | NDArray[np.bool_] | None) -> xr.DataArray:
    if train is None:
        return field
    if isinstance(train, slice):
        chosen = field.sel(time=train)
    else:
        chosen = field.isel(time=np.flatnonzero(np.asarray(train, bool)))
    if chosen.sizes["time"] == 0:
        raise UserError(
            f"No time of {field.name} falls in the training period {train}; expected some: check the dates."
        )
    return chosen


@dataclass(frozen=True)
class FieldNormaliser:
    """Each field by its own mean and spread, which travel with it: needs no climatology."""

    floor: float = 1e-6
    """A spread below this share of the field's size is rounding, and is taken to be as large as that: then
    what a decoder makes of a constant field is constant too."""

    def normalise(
        self, x: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """(..., cell) -> (same shape, mean (...), spread (...)), which is never 0."""
        x = np.asarray(x, np.float32)
        rows = np.ascontiguousarray(x).reshape(-1, x.shape[-1])
        y, (mean, spread) = np.empty_like(rows), np.empty((2, len(rows)), np.float32)
        standardise(rows, self.floor, y, mean, spread)
        return y.reshape(x.shape), mean.reshape(x.shape[:-1]), spread.reshape(x.shape[:-1])

    def restore(
        self, y: NDArray[np.float32], mean: NDArray[np.float32], spread: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The inverse of `normalise`."""
        return y * spread[..., None] + mean[..., None]


@dataclass(frozen=True)
class GlobalNormaliser:
    """One mean and one spread for a whole variable, for archives too short for a climatology."""

    mean: float
    std: float

    @classmethod
    def fit(cls, field: xr.DataArray, train: slice | NDArray[np.bool_] | None = None) -> GlobalNormaliser:
        """Fit on the training times of a field (time, cell); the spread of a constant field is 1."""
        values = _training(field, train).values.astype(np.float64)
        std = float(values.std())
        return cls(float(values.mean()), std if std > 1e-6 * max(abs(float(values.mean())), 1e-30) else 1.0)

    def normalise(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Any shape, in units -> standard deviations from the mean."""
        return ((x - self.mean) / self.std).astype(np.float32)

    def restore(self, y: NDArray[np.float32]) -> NDArray[np.float32]:
        """The inverse of `normalise`."""
        return (y * self.std + self.mean).astype(np.float32)
