"""Super-resolved temperature, calibrated by how far a field's own scales bear out what the weights say.

The finest zoom of a low-resolution field is known. What the weights would have made of it from one zoom
coarser, and what the relief would have, are fitted to it together: a factor for the detail of the weights,
and a lapse rate on the relief (two numbers a field, least squares over the sphere). Both are then taken to
the zooms that are sought. Nothing but the field itself is used, and means over its cells are kept.

Measured, RMSE of t2m in K without and with it, general weights: ERA5 29 March, zoom 4 to 6 .448 and .445,
5 to 6 .238 and .237; EC-Earth .419 and .417, .224 and .222: both are of what they learned from. It is for
fields that are unlike those. An archive's own weights lose by it (.219 and .220, zoom 4 to 5).
"""

from __future__ import annotations

__all__ = ["CALIBRATED", "LOWEST", "CalibratedResolver", "Calibration", "fit"]

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fsae_core.archive.canonical import zoom_of_dataset
from fsae_core.archive.statics import static_fields
from fsae_core.codec.choice import Floats, Times
from fsae_core.codec.routes import Route, route
from fsae_core.codec.super_resolution import SuperResolver, View
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import zoom_of
from fsae_core.sphere.pyramid import prolong, restrict

CALIBRATED = ("t2m",)
"""Variables with a lapse rate."""
LOWEST = 3
"""Coarsest zoom of a field that is calibrated: below it there are too few cells to fit to."""
_FACTORS = (0.0, 2.0)
_RATES = (-12.0, 12.0)
_KEPT = 4


@dataclass(frozen=True)
class Calibration:
    """Of fields (time,): the factor of the weights' detail, and the rate that is added to it, in K per km of
    height (negative: colder where it is higher)."""

    factor: Floats
    rate: Floats


@dataclass(frozen=True)
class _CalibratedRoute(Route):
    """The same way, and what is done at its end."""

    @property
    def method(self) -> str:
        """In words."""
        return (
            f"{super().method}; the added detail scaled, and a lapse rate on the relief added to it, as fits "
            f"the field itself from zoom {self.zoom_in - 1} to {self.zoom_in}"
        )


class CalibratedResolver(SuperResolver):
    """As `SuperResolver`, for temperature. Raises UserError for other variables and for fields too coarse.

    model: auto or general, for weights of other steps are needed, too.
    """

    def __init__(
        self, ds: xr.Dataset, variable: str, zoom: int, *, model: str = "auto", device: str = "auto"
    ) -> None:
        super().__init__(ds, variable, zoom, model=model, device=device)
        if variable not in CALIBRATED:
            raise UserError(
                f"{variable} was asked to be calibrated by a lapse rate, which only {', '.join(CALIBRATED)} "
                "has: leave the calibration out."
            )
        zoom_in = zoom_of_dataset(ds)
        if zoom_in < LOWEST:
            raise UserError(
                f"Fields of zoom {zoom_in} have too few cells to calibrate by, zoom {LOWEST} at least was "
                "expected: leave the calibration out."
            )
        plain = self.route
        self.below = route(ds, variable, zoom_in - 1, zoom_in, model=model, device=device)
        cards = (*plain.cards, *(card for card in self.below.cards if card not in plain.cards))
        self.route = _CalibratedRoute(plain.steps, cards, plain.zoom_in, plain.learned, plain.zoom_out)
        height = missed_relief(plain.learned, plain.learned - zoom_in)
        self._height = _smooth(height, plain.zoom_out - plain.learned)
        self._known: OrderedDict[bytes, tuple[Calibration, Floats]] = OrderedDict()

    def sphere(self, x: Floats, times: Times = None) -> Floats:
        """See `SuperResolver.sphere`."""
        return self._added(x, times, super().sphere(x, times), slice(None))

    def part(self, x: Floats, view: View, times: Times = None) -> Floats:
        """See `SuperResolver.part`."""
        return self._added(x, times, super().part(x, view, times), view.cells)

    def calibration(self, x: Floats, times: Times = None) -> Calibration:
        """What is fitted to fields (time, cells)."""
        return self._of(x, times)[0]

    def _added(self, x: Floats, times: Times, made: Floats, cells: Any) -> Floats:
        calibration, whole = self._of(x, times)
        smooth, height = whole[:, cells], self._height[cells]
        detail = calibration.factor[:, None] * (made - smooth) + calibration.rate[:, None] * height
        return np.asarray(smooth + detail, np.float32)

    def _of(self, x: Floats, times: Times) -> tuple[Calibration, Floats]:
        """The calibration of fields and their smooth prolongation; kept while a view of them moves."""
        stamps = b"" if times is None else np.asarray(times).tobytes()
        key = hashlib.blake2b(np.ascontiguousarray(x).tobytes() + stamps, digest_size=16).digest()
        found = self._known.pop(key, None)
        if found is None:
            low = np.asarray(restrict(x), np.float32)
            made, frame = low, self._frame_of(low, times)
            for step in self.below.steps:
                made = step.sphere(made, frame)
            found = fit(x, made), np.asarray(_smooth(x, self.zoom_out - self.zoom_in), np.float32)
        self._known[key] = found
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found


def missed_relief(zoom: int, levels: int) -> Floats:
    """Orography in km, (cells of `zoom`,), that a smooth prolongation from `levels` zooms coarser misses."""
    height = static_fields(zoom)["orography"] / np.float32(1000)
    return np.asarray(height - _smooth(restrict(height, levels), levels), np.float32)


def _smooth(x: NDArray[Any], levels: int) -> NDArray[Any]:
    for _ in range(levels):
        x = np.asarray(prolong(x))
    return x


def fit(x: Floats, made: Floats) -> Calibration:
    """Fields (time, cells), and what the weights make of their block means one zoom coarser."""
    base = np.asarray(prolong(np.asarray(restrict(x))), np.float64)
    detail, missed = made - base, x - base
    height = missed_relief(zoom_of(x.shape[-1]), 1).astype(np.float64)
    ss, hh, sh = (detail * detail).sum(-1), float(height @ height), detail @ height
    sm, hm = (detail * missed).sum(-1), missed @ height
    room = ss * hh - sh * sh
    sound = room > 1e-9 * ss * hh
    room = np.where(sound, room, 1.0)
    factor = np.where(sound, (sm * hh - hm * sh) / room, 1.0)
    rate = np.where(sound, (hm * ss - sm * sh) / room, 0.0)
    return Calibration(
        np.clip(factor, *_FACTORS).astype(np.float32), np.clip(rate, *_RATES).astype(np.float32)
    )
