"""Anomalies of several variables of one archive at one or two zooms, by period."""

from __future__ import annotations

__all__ = ["JointPeriod", "joint_periods"]

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fsae_core.archive.canonical import zoom_of_dataset
from fsae_core.archive.climatology import annual_phase
from fsae_core.model.joint_scale import JointClimate, rooted
from fsae_core.sphere.pyramid import restrict
from fsae_core.sphere.tangent import restrict_wind
from fsae_core.training.periods import anomalies_of

Floats = NDArray[np.float32]


class JointPeriod:
    """Anomalies (time, variables, cells), of the root for rain, with their times."""

    def __init__(self, anomalies: Floats, times: NDArray[np.datetime64]) -> None:
        self.anomalies, self.times = anomalies, times
        self.phase = annual_phase(times).astype(np.float32)

    def __len__(self) -> int:
        return len(self.anomalies)

    def restricted(self, names: Sequence[str], levels: int = 1) -> JointPeriod:
        """Block means, of winds as vectors."""
        x = np.asarray(restrict(self.anomalies, levels), np.float32)
        if {"u10", "v10"} <= set(names):
            u, v = (list(names).index(name) for name in ("u10", "v10"))
            x[:, u], x[:, v] = restrict_wind(self.anomalies[:, u], self.anomalies[:, v], levels)
        return JointPeriod(x, self.times)


def joint_periods(
    ordered: Sequence[xr.Dataset], names: Sequence[str]
) -> tuple[dict[int, JointClimate], list[JointPeriod], JointPeriod | None]:
    """Climates by zoom, training periods (coarse first) and the coarse validation period of these variables.

    ordered: what `by_zoom` gave. UserError as `anomalies_of`.
    """
    found = []
    for name in names:
        own = [
            xr.Dataset({name: ds[name].copy(data=rooted(name, ds[name].values))}, attrs=ds.attrs).assign(
                crs=ds["crs"]
            )
            for ds in ordered
        ]
        found.append(anomalies_of(name, own))
    zooms = [zoom_of_dataset(ds) for ds in ordered]
    climates = {}
    for zoom in zooms:
        coef = np.stack([climatologies[zoom].coef for climatologies, _, _ in found])
        climates[zoom] = JointClimate(coef[:, 0], coef[:, 1:])
    train = [
        JointPeriod(np.stack([periods[i].anomalies for _, periods, _ in found], axis=1), found[0][1][i].times)
        for i in range(len(zooms))
    ]
    checks = [check for _, _, check in found if check is not None]
    check = None
    if len(checks) == len(names):
        check = JointPeriod(np.stack([c.anomalies for c in checks], axis=1), checks[0].times)
    return climates, train, check
