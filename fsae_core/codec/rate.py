"""How finely an archive's compressed fields must be quantised."""

from __future__ import annotations

__all__ = ["ALLOWED_GROWTH", "fitting_step"]

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.choice import FieldModel, Floats, Times
from fsae_core.codec.detail_code import round_details
from fsae_core.codec.entropy import default_step, round_standard

ALLOWED_GROWTH = 0.02
"""By how much quantisation may let the RMSE grow."""

_CLOSE_ENOUGH = 0.7  # of the growth allowed
_TRIALS = 5
_FINER, _COARSER = 2.0**8, 2.0**16


@dataclass(frozen=True)
class Latents:
    """Standardised compressed fields (time, m) with offset and scale (time,); zoom None off the sphere;
    places (time, m): where the values of adaptive fields stand."""

    standard: Any
    offset: Floats
    scale: Floats
    zoom_in: int
    zoom: int | None
    places: NDArray[np.int32] | None = None

    @classmethod
    def of(cls, got: Any, zoom_in: int, zoom: int) -> Latents:
        """From what a model gave."""
        offset, scale = (np.asarray(v, dtype=np.float32) for v in (got.offset, got.scale))
        standard = (got.values.astype(np.float64) - offset[:, None]) / scale[:, None]
        places = getattr(got, "places", None)
        return cls(standard, offset, scale, zoom_in, None if zoom < 0 else zoom, places)

    def minus(self, foreseen: Floats | None) -> Latents:
        """What is left of them, where these (n, m) in units are foreseen; None: their offset is."""
        if foreseen is None:
            return self
        known = (foreseen.astype(np.float64) - self.offset[:, None]) / self.scale[:, None]
        return replace(self, standard=self.standard - known)

    def values(self, step: float | None = None) -> Floats:
        """In units, (time, m); rounded by a step as a store keeps them."""
        kept = self.standard
        if step is not None and self.places is not None:
            kept = round_details(self.standard, step)
        elif step is not None:
            kept = round_standard(self.standard, step, self.zoom)
        return (kept.astype(np.float32) * self.scale[:, None] + self.offset[:, None]).astype(np.float32)

    def compressed(self, values: Floats) -> SimpleNamespace:
        """As a model wants them."""
        zoom = -1 if self.zoom is None else self.zoom
        return SimpleNamespace(
            values=values,
            offset=self.offset,
            scale=self.scale,
            zoom_in=self.zoom_in,
            zoom=zoom,
            places=self.places,
        )


def fitting_step(
    model: FieldModel, latents: Latents, x: Floats, *, variable: str, times: Times, instant: bool
) -> float:
    """About the largest step at which the RMSE over these fields (time, cell) grows by at most 2 %.

    The search begins at the weights' own step (`default_step`), which is made for the variables that bear
    least.
    """

    def error(step: float | None) -> float:
        compressed = latents.compressed(latents.values(step))
        back = model.decompress_fields(compressed, variable=variable, times=times, instant=instant)
        return float(np.mean((back.astype(np.float64) - x) ** 2))

    exact = error(None)
    step = default_step(model.card, model.card.ratio)
    low, high, best = step / _FINER, step * _COARSER, step / _FINER
    for _ in range(_TRIALS):
        growth = (error(step) / max(exact, 1e-30)) ** 0.5 - 1
        if growth <= ALLOWED_GROWTH:
            low = best = step
            if growth >= _CLOSE_ENOUGH * ALLOWED_GROWTH:
                break
        else:
            high = step
        # The error of rounding adds up in squares, about in proportion to the step's.
        aim = 0.9 * ALLOWED_GROWTH
        step *= float(np.clip((aim / max(growth, 1e-6)) ** 0.5, 1 / 64, 64))
        if not low < step < high:
            step = (low * high) ** 0.5
    return float(np.float32(best))
