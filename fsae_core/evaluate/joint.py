"""Weights for several variables together as a method: a variable's row in a table of all methods."""

from __future__ import annotations

__all__ = ["Joint"]

import time
from typing import Any

import numpy as np
import xarray as xr

from fsae_core.archive.timing import is_instant
from fsae_core.codec.choice import JOINT, pick_model
from fsae_core.codec.together import is_joint
from fsae_core.errors import UserError
from fsae_core.evaluate.coded import Axis, Coded, Floats, Known, OutOfReach, Times, check_axis
from fsae_core.evaluate.latents import RATIOS, Latents, as_float16


class Joint:
    """All variables of the archive that the joint weights know are compressed together, float16 as in
    `LatentMethod`; counted is a variable's share of the numbers and of their bytes.

    Raises UserError where no joint weights fit or the archive has no other of their variables. The times
    that are coded must be the archive's.
    """

    window = 1
    axes: tuple[Axis, ...] = ("floats",)

    def __init__(self, name: str, ds: xr.Dataset, variable: str, device: str = "auto") -> None:
        self.name, self.variable, self.ds = name, variable, ds
        self.instant = bool(is_instant(ds, variable))
        self.models: dict[int, Any] = {}
        reasons: dict[int, UserError] = {}
        for ratio in RATIOS:
            try:
                self.models[ratio] = pick_model(ds[[variable]], ratio, JOINT, device)
            except UserError as error:
                reasons[ratio] = error
        self.models = {ratio: fitted for ratio, fitted in self.models.items() if is_joint(fitted)}
        if not self.models:
            raise next(iter(reasons.values()))
        known = next(iter(self.models.values())).card.variables
        self.names = [n for n in known if n in ds and ds[n].dims == ("time", "cell")]
        if len(self.names) < 2:
            raise UserError(
                f"{name} was asked for, but the archive has none of {', '.join(known)} beside {variable}: "
                "open it with more of its variables."
            )

    def known(self, ratio: int) -> Known:
        """Side information of this ratio."""
        card = self._model(ratio).card
        return Known(parameters=int(card.parameters), weights=((card.name, card.sha256),), cards=(card,))

    def code(self, x: Floats, times: Times, *, axis: Axis, ratio: int) -> Coded:
        """See `Method`."""
        check_axis(self, axis)
        model = self._model(ratio)
        stamps = self.ds["time"].values
        rows = np.searchsorted(stamps, stamps[:0] if times is None else times)
        if times is None or not np.array_equal(stamps[np.minimum(rows, len(stamps) - 1)], times):
            raise UserError(f"{self.name} codes times of the archive only, with its other fields.")
        fields = {n: self.ds[n].values[rows].astype(np.float32) for n in self.names}
        fields[self.variable] = np.asarray(x, np.float32)
        told = {"times": times, "instant": self.instant}
        started = time.process_time()
        packed = model.compress_joint(fields, **told)
        sizes = np.zeros(len(x))
        for name, part in packed.items():
            values, offset, scale = (
                np.asarray(side, np.float32) for side in (part.values, part.offset, part.scale)
            )
            halves, taken = as_float16(Latents(values, offset, scale))
            sizes += taken
            packed[name] = type(part)(halves.values, part.offset, part.scale, part.zoom_in, part.zoom)
        between = time.process_time()
        recon = model.decompress_joint(packed, **told)[self.variable]
        spent = time.process_time() - between
        floats = float(packed[self.variable].values.shape[-1])
        share = len(self.names)
        return Coded(
            np.asarray(recon, np.float32),
            floats,
            float(sizes.mean() / share),
            (between - started) / share,
            spent / share,
            f"together with {', '.join(n for n in self.names if n != self.variable)}",
        )

    def _model(self, ratio: int) -> Any:
        if ratio not in self.models:
            raise OutOfReach(
                f"There are no weights of {self.name} for {ratio} times that fit {self.variable}: "
                "choose another ratio."
            )
        return self.models[ratio]
