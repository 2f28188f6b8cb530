"""Fields of one variable to what is stored of them and back, for any block of times."""

from __future__ import annotations

__all__ = ["CodedFields", "FieldCoder"]

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.codec.choice import FieldModel, Floats, Times
from fsae_core.codec.correction import corrected, corrections
from fsae_core.codec.rate import Latents, fitting_step
from fsae_core.errors import UserError


@dataclass(frozen=True)
class CodedFields:
    """What is stored of n fields.

    values: compressed fields (n, m) in their units, as a store gives them back; where a coarser layer comes
    first, what it does not tell of them, plus the offset; offset, scale: (n,); zoom: of the values, None off
    the sphere; corrections: whole steps (n, cells), None where none are kept; places: where the
    values of adaptive fields stand, (n, m).
    """

    values: Floats
    offset: Floats
    scale: Floats
    zoom: int | None
    corrections: NDArray[np.int32] | None = None
    places: NDArray[np.int32] | None = None


@dataclass(frozen=True)
class FieldCoder:
    """How the fields of a variable are compressed: decided before the first of them, and kept by a store.

    instant: they belong to the very hour of their times; zoom_in: of the fields; zoom: of the compressed ones
    where the model does not say; step: of the quantiser, in units of the scale (0: not chosen yet);
    max_error: in the variable's units, None for any; exact: whether another layer builds on what this gives,
    so that every machine must come as close to the same as it can.
    """

    model: FieldModel
    variable: str
    instant: bool
    zoom_in: int
    zoom: int
    step: float = 0.0
    max_error: float | None = None
    exact: bool = False

    @property
    def _own_model(self) -> FieldModel:
        """The quick one, unless what it gives has to be the same everywhere."""
        exact = self.exact or self.max_error is not None
        return self.model if exact else getattr(self.model, "fast", self.model)

    def with_fitting_step(self, x: Floats, times: Times) -> FieldCoder:
        """With the step that suits a few fields (n, cells)."""
        step = fitting_step(
            self.model, self._latents(x, times), x, variable=self.variable, times=times, instant=self.instant
        )
        return replace(self, step=step)

    def encode(self, x: Floats, times: Times, known: Floats | None = None) -> CodedFields:
        """Fields (n, cells) with their times (n,).

        known: what the reader has of these fields already; only what it does not tell of the compressed ones
        is kept. UserError where values are missing or a bound cannot be kept.
        """
        latents = self._latents(x, times).minus(self._foreseen(known, times))
        values = latents.values(self.step)
        coded = CodedFields(values, latents.offset, latents.scale, latents.zoom, places=latents.places)
        if self.max_error is None:
            return coded
        return replace(coded, corrections=corrections(x, self._plain(coded, times, known), self.max_error))

    def decode(self, coded: CodedFields, times: Times, known: Floats | None = None) -> Floats:
        """Fields (n, cells), corrected where corrections are kept. known: as in `encode`."""
        back = self._plain(coded, times, known)
        if coded.corrections is None or self.max_error is None:
            return back
        return corrected(back, coded.corrections, self.max_error)

    def _latents(self, x: Floats, times: Times) -> Latents:
        missing = 1 - np.isfinite(x).mean()
        if missing:
            raise UserError(
                f"{self.variable} has missing or infinite values in {100 * missing:.2g} % of its cells, but "
                "only complete fields can be compressed: fill them or leave the variable out."
            )
        got: Any = self._own_model.compress_fields(
            x, variable=self.variable, times=times, instant=self.instant
        )
        return Latents.of(got, self.zoom_in, getattr(got, "zoom", self.zoom))

    def _foreseen(self, known: Floats | None, times: Times) -> Floats | None:
        """The compressed fields (n, m) of what is known."""
        if known is None:
            return None
        got: Any = self._own_model.compress_fields(
            known, variable=self.variable, times=times, instant=self.instant
        )
        return np.asarray(got.values, np.float32)

    def _plain(self, coded: CodedFields, times: Times, known: Floats | None) -> Floats:
        latents = Latents(None, coded.offset, coded.scale, self.zoom_in, coded.zoom, coded.places)
        foreseen = self._foreseen(known, times)
        values = coded.values if foreseen is None else coded.values - coded.offset[:, None] + foreseen
        back = self._own_model.decompress_fields(
            latents.compressed(values), variable=self.variable, times=times, instant=self.instant
        )
        return np.asarray(back, dtype=np.float32)
