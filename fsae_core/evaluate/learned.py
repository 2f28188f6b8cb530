"""Trained models as transforms: the Field-Space Autoencoder and the convolutional VAE."""

from __future__ import annotations

__all__ = ["Learned"]

from typing import Any

import numpy as np
import xarray as xr

from fsae_core.archive.canonical import zoom_of_dataset
from fsae_core.archive.climatology import FieldNormaliser
from fsae_core.archive.timing import is_instant
from fsae_core.codec.choice import pick_model
from fsae_core.errors import UserError
from fsae_core.evaluate.anomaly import Climatology
from fsae_core.evaluate.coded import Floats, Known, OutOfReach, Times
from fsae_core.evaluate.latents import RATIOS, WHOLE, Latents
from fsae_core.sphere.healpix import n_cells, zoom_of


class Learned:
    """The weights that `fsae compress` would take for the archive, ratio by ratio.

    model: "auto" for fs-ae, "cnn-vae". With a climatology, latents are coded as departures from those of the
    climatology's field at their time. Raises UserError where no ratio has weights that fit.

    Ratio 1, which only a budget of many bytes reaches, is the field itself: what the finest layer decodes to
    is taken away and the rest is sent.
    """

    reach = 16

    def __init__(
        self,
        name: str,
        ds: xr.Dataset,
        variable: str,
        model: str,
        device: str = "auto",
        climatology: Climatology | None = None,
    ) -> None:
        self.name = name
        self.climatology = climatology
        self.variable = variable
        self.instant = bool(is_instant(ds, variable))
        self.cells = n_cells(zoom_of_dataset(ds))
        self.models: dict[int, Any] = {}
        reasons: dict[int, UserError] = {}
        for ratio in RATIOS:
            try:
                self.models[ratio] = pick_model(ds[[variable]], ratio, model, device)
            except UserError as error:
                reasons[ratio] = error
        if not self.models:
            raise reasons[RATIOS[0]]
        if climatology and any(getattr(fitted, "climatologies", None) for fitted in self.models.values()):
            raise UserError(
                f"{name} was asked for, but these weights work on anomalies from their own climatology: "
                f"ask for {name.partition('+')[0]}."
            )

    def known(self, ratio: int) -> Known:
        card = self._model(ratio).card
        minutes = card.training.get("minutes")
        return Known(
            parameters=int(card.parameters) + (self.climatology.parameters if self.climatology else 0),
            minutes=None if minutes is None else float(minutes),
            weights=((card.name, card.sha256),),
            cards=(card,),
        )

    def ratios(self, cells: int) -> tuple[int, ...]:
        return (WHOLE, *self.models) if cells == self.cells else ()

    def encode(self, x: Floats, times: Times, ratio: int) -> Latents:
        if ratio == WHOLE:
            _, mean, spread = FieldNormaliser().normalise(x)
            return Latents(x, mean, spread, zoom_of(x.shape[-1]))
        got = self._compressed(x, times, ratio)
        values, offset, scale = (np.asarray(v, np.float32) for v in (got.values, got.offset, got.scale))
        if got.zoom < 0:
            return Latents(values, offset, scale)  # as pictures, channel by channel
        return Latents(values, offset, scale, int(got.zoom))

    def decode(self, latents: Latents, cells: int, times: Times, ratio: int) -> Floats:
        from fsae_core.model.compression import CompressedFields

        if ratio == WHOLE:
            return latents.values
        compressed = CompressedFields(
            latents.values,
            latents.offset,
            latents.scale,
            zoom_of(cells),
            -1 if latents.zoom is None else latents.zoom,
        )
        return np.asarray(
            self._model(ratio).decompress_fields(
                compressed, variable=self.variable, times=times, instant=self.instant
            ),
            np.float32,
        )

    def _compressed(self, x: Floats, times: Times, ratio: int) -> Any:
        return self._model(ratio).compress_fields(
            x, variable=self.variable, times=times, instant=self.instant
        )

    def layers(self, cells: int, ratio: int) -> tuple[tuple[int, ...], ...]:
        """At once, or by way of the next one or two coarser ratios; the field itself never at once."""
        coarser = tuple(r for r in sorted(self.models, reverse=True) if ratio < r <= 16 * ratio)
        if ratio == WHOLE:
            return ((*coarser, ratio),)
        return ((*coarser, ratio), (ratio,)) if coarser else ((ratio,),)

    def expected(self, times: Times, ratio: int) -> Floats | None:
        """Latents of the climatology's fields, which both sides can make; None without one."""
        if self.climatology is None or times is None or ratio == WHOLE:
            return None
        fields = np.ascontiguousarray(self.climatology.at(times), np.float32)
        return np.asarray(self._compressed(fields, times, ratio).values, np.float32)

    def _model(self, ratio: int) -> Any:
        if ratio not in self.models:
            raise OutOfReach(
                f"There are no weights of {self.name} for {ratio} times that fit {self.variable}: "
                "choose another ratio."
            )
        return self.models[ratio]
