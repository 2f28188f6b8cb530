"""Anomalies of one archive at one or two zooms, by period: what an archive's own weights learn from."""

from __future__ import annotations

__all__ = ["Period", "anomalies_of", "by_zoom", "shared_variable", "splits_by_name"]

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fsae_core.archive.canonical import zoom_of_dataset
from fsae_core.archive.climatology import HarmonicClimatology, annual_phase
from fsae_core.errors import UserError
from fsae_core.model.covariance import leading, taper
from fsae_core.model.fine_climatology import fit_fine_climatology
from fsae_core.training.splits import Split, split_of

Floats = NDArray[np.float32]


class Period:
    """Anomalies (time, cell) of one period at one zoom with their times and phases (time,)."""

    def __init__(self, anomalies: Floats, times: NDArray[np.datetime64]) -> None:
        self.anomalies, self.times = anomalies, times
        self.phase = annual_phase(times).astype(np.float32)

    def __len__(self) -> int:
        return len(self.anomalies)


def by_zoom(datasets: Sequence[xr.Dataset]) -> tuple[list[xr.Dataset], list[int]]:
    """One archive, or a coarse and a fine one, coarse first, and their zooms; UserError for anything else."""
    ordered = sorted(datasets, key=zoom_of_dataset)
    zooms = [zoom_of_dataset(ds) for ds in ordered]
    if len(ordered) not in (1, 2) or len(set(zooms)) != len(zooms):
        raise UserError(
            f"Archives of zoom {zooms} were given; expected one, or one coarse and one finer of the "
            "same variable."
        )
    return ordered, zooms


def splits_by_name(datasets: Sequence[xr.Dataset]) -> dict[str, Any]:
    """The split of each archive, for a checkpoint's card."""
    return {
        str(ds.attrs.get("fsae_name") or f"zoom {zoom_of_dataset(ds)}"): split_of(ds).as_dict()
        for ds in datasets
    }


def shared_variable(datasets: Sequence[xr.Dataset], wanted: str | None) -> str:
    """The variable to learn: the one wanted, else t2m, else the first that all archives have."""
    shared = [str(n) for n in datasets[0].data_vars if n != "crs" and all(n in ds for ds in datasets)]
    name = wanted or ("t2m" if "t2m" in shared else next(iter(shared), ""))
    if name not in shared:
        raise UserError(
            f"The variable {wanted or 'to learn'} is not in all archives, which share "
            f"{', '.join(shared) or 'none'}: choose one of these."
        )
    return name


def anomalies_of(
    name: str, ordered: Sequence[xr.Dataset]
) -> tuple[dict[int, HarmonicClimatology], list[Period], Period | None]:
    """Climatologies by zoom, training periods (coarse first) and the coarse validation period.

    ordered: what `by_zoom` gave. UserError where the finer one has no training times.
    """
    splits = [split_of(ds) for ds in ordered]
    coarse, fine = ordered[0], ordered[1] if len(ordered) > 1 else None

    def period(ds: xr.Dataset, span: tuple[str, str] | None) -> tuple[Floats, NDArray[np.datetime64]]:
        keep = np.flatnonzero(Split.mask(ds["time"].values, span))
        return ds[name].isel(time=keep).values.astype(np.float32), ds["time"].values[keep]

    field = coarse[name].transpose("time", "cell")
    climatology = HarmonicClimatology.fit(field, Split.mask(coarse["time"].values, splits[0].train))
    values, times = period(coarse, splits[0].train)
    train = [Period(values - climatology.mean_at(times), times)]
    found = {climatology.zoom: climatology}
    values, times = period(coarse, splits[0].validate)
    check = Period(values - climatology.mean_at(times), times) if len(times) else None
    if fine is not None:
        values, times = period(fine, splits[1].train)
        if not len(times):
            raise UserError(
                f"The finer archive has no time in {splits[1].train[0]} to "
                f"{splits[1].train[1]}: give one that has."
            )
        anomalies = train[0].anomalies
        products = anomalies.T @ anomalies / np.float32(len(anomalies))
        matrix = (products * taper(climatology.zoom, 75.0, 0.3)).astype(np.float32)
        modes = leading(matrix, anomalies.shape[1] // 4)
        coef = fit_fine_climatology(values, annual_phase(times), climatology.coef, anomalies, modes)
        fine_zoom = zoom_of_dataset(fine)
        bare = HarmonicClimatology(coef, np.ones(coef.shape[1], np.float32))
        left = values - bare.mean_at(times)
        found[fine_zoom] = replace(bare, std=np.maximum(left.std(axis=0), 1e-6).astype(np.float32))
        train.append(Period(left, times))
    return found, train, check
