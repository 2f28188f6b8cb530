"""One row of the table: what a reconstruction of the held-out times is worth."""

from __future__ import annotations

__all__ = ["NOTHING", "scores"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.evaluate.bootstrap import rmse_interval
from fsae_core.evaluate.metrics import ErrorSums, power_ratio_by_zoom, rmse_by_latitude
from fsae_core.evaluate.places import error_of_extremes, rmse_by_steepness, worst_place
from fsae_core.evaluate.scales import coherence_by_zoom
from fsae_core.evaluate.structure import dssim

_BANDS = 18

NOTHING: dict[str, Any] = dict.fromkeys(
    (
        "rmse",
        "rmse_low",
        "rmse_high",
        "psnr_db",
        "mae",
        "bias",
        "max_error",
        "dssim",
        "power_ratio_by_zoom",
        "coherence_by_zoom",
        "rmse_by_latitude",
        "rmse_by_steepness",
        "error_top",
        "error_bottom",
        "worst",
    )
)
"""Every figure of a row, as it is where a method cannot do what was asked."""


def scores(
    truth: NDArray[np.float32], recon: NDArray[np.float32], times: NDArray[np.datetime64], block: int
) -> dict[str, Any]:
    """All figures of reconstructed fields (time, cell); ``block``: of the bootstrap over time."""
    sums = ErrorSums().add(truth, recon)
    square = np.mean((recon.astype(np.float64) - truth) ** 2, axis=-1)
    low, high = rmse_interval(square, block)
    top, bottom = error_of_extremes(truth, recon)
    time, _, lon, lat, error = worst_place(truth, recon)
    found = {
        "rmse": sums.rmse,
        "rmse_low": low,
        "rmse_high": high,
        "psnr_db": sums.psnr_db,
        "mae": sums.mae,
        "bias": sums.bias,
        "max_error": sums.max_error,
        "dssim": dssim(truth, recon),
        "power_ratio_by_zoom": {str(z): v for z, v in power_ratio_by_zoom(truth, recon).items()},
        "coherence_by_zoom": {str(z): v for z, v in coherence_by_zoom(truth, recon).items()},
        "rmse_by_latitude": _pairs(*rmse_by_latitude(truth, recon, bands=_BANDS)),
        "rmse_by_steepness": _pairs(*rmse_by_steepness(truth, recon)),
        "error_top": top,
        "error_bottom": bottom,
        "worst": {
            "time": str(times[time].astype("datetime64[s]")),
            "lon": lon,
            "lat": lat,
            "error": error,
        },
    }
    return {key: found[key] for key in NOTHING}


def _pairs(places: NDArray[Any], values: NDArray[Any]) -> list[list[float]]:
    return [[float(a), float(b)] for a, b in zip(places, values, strict=True)]
