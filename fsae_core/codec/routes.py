"""Which steps, with which weights, lead from one zoom to a finer one.

What was measured (RMSE of t2m in K on 29 March; more in the README of the weights):
- The low-resolution field itself is handed to the decoder, as the compressed field of what is sought. The
  encoder, told that levels are missing, gives nearly the same one but no longer exactly the block means:
  zoom 4 to 6 .450 against .448.
- The general weights learned almost all they know at zoom 6, so below it the way leads through zoom 6 and
  back by block means (zoom 4 to 5: .330 against .754 directly), in one step rather than in several (4 to 6:
  .448 against .861), and above it zoom by zoom.
- Fields of an archive that has weights of its own are known at that archive's zooms: direct steps.
- Pressure at zoom 8 is smoother than the weights are exact: 2.4 Pa against 1.2 of smooth prolongation.
"""

from __future__ import annotations

__all__ = ["BEYOND", "Route", "known_zoom", "route"]

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from fsae_core.codec.choice import load, misfit, shipped_cards
from fsae_core.errors import UserError
from fsae_core.model.archive_model import ArchiveModel
from fsae_core.model.card import GENERAL, read_cards, weights_path
from fsae_core.model.compression import GeneralModel
from fsae_core.model.refinement import (
    ArchiveStep,
    DecodeStep,
    NonNegative,
    ProlongStep,
    RestrictStep,
    Step,
    runs_like_the_fine,
)
from fsae_core.sphere.healpix import MAX_ZOOM

BEYOND = 2
"""Zooms beyond the finest known one that may be added by smooth prolongation."""

_HOME, _LOWEST, _HIGHEST = 6, 4, 8
_MOST_LEVELS = 4
_KNOWN_TO = {"msl": 7}
_NEVER_NEGATIVE = ("tp", "pr")


@dataclass(frozen=True)
class Route:
    """Steps, the cards of their weights, and the zoom up to which these say something (`learned`); what is
    finer than that is smooth."""

    steps: tuple[Step, ...]
    cards: tuple[Any, ...]
    zoom_in: int
    learned: int
    zoom_out: int

    @property
    def method(self) -> str:
        """In words."""
        told = []
        weights = iter(self.cards)
        for step in self.steps:
            span = f"from zoom {step.zoom_in} to {step.zoom_out}"
            if isinstance(step, DecodeStep | ArchiveStep):
                told.append(f"decoded {span} by {next(weights).name}, the missing levels masked")
            elif isinstance(step, RestrictStep):
                told.append(f"block means {span}")
            elif isinstance(step, ProlongStep):
                told.append(f"smooth prolongation {span}, which adds no detail")
            else:
                told.append("negative values raised to 0, block means kept")
        return "; ".join(told)


def route(
    ds: xr.Dataset, variable: str, zoom_in: int, zoom: int, *, model: str | Path = "auto", device: str
) -> Route:
    """The way from `zoom_in` to `zoom` for a variable of a canonical archive.

    model: "auto" (the archive's own weights where there are some), "general", or the name or file of weights
    that make exactly this step. Raises UserError when there is no such way.
    """
    if not isinstance(zoom, int | np.integer) or not zoom_in < zoom <= MAX_ZOOM:
        finer = f"{zoom_in + 1} to {MAX_ZOOM}" if zoom_in < MAX_ZOOM else "none is"
        raise UserError(
            f"Zoom {zoom} was asked for, but the fields have zoom {zoom_in}: choose a finer one ({finer})."
        )
    if str(model) not in ("auto", GENERAL):
        steps = [_named(model, variable, zoom_in, zoom, device)]
        return _finished(steps, variable, zoom_in, zoom, zoom)
    family = _family(ds)
    finest = _finest(family, model)
    known = min(zoom, finest, _KNOWN_TO.get(variable, MAX_ZOOM))
    if known <= zoom_in:
        instead = " or choose the general weights" if family and model == "auto" else ""
        raise UserError(
            f"{variable} of zoom {zoom_in} was found, but nothing finer than zoom {known} is known of it: "
            f"give coarser fields{instead}."
        )
    if zoom - known > BEYOND:
        raise UserError(
            f"Zoom {zoom} was asked for, but {variable} is known to zoom {known} and smooth prolongation "
            f"adds {BEYOND} zooms at most: choose {known + BEYOND} or less."
        )
    own = [
        card
        for card in family
        if model == "auto" and misfit(card, 4 ** (finest - zoom_in), [variable], finest) is None
    ]
    if own:
        fitted = load(own[0].name, device)
        assert isinstance(fitted, ArchiveModel)
        steps = _by_archive(fitted, ds[variable], zoom_in, known)
    else:
        way = _levels(zoom_in, known, direct=bool(family))
        steps = [DecodeStep(_general(levels, device), z) for z, levels in way]
        if steps[-1].zoom_out > known:
            steps.append(RestrictStep(steps[-1].zoom_out, known))
    return _finished(steps, variable, zoom_in, known, zoom)


def known_zoom(ds: xr.Dataset, variable: str, model: str = "auto") -> int:
    """The finest zoom of which the weights that `route` takes ("auto" or "general") say something.

    Up to `BEYOND` more can be added by smooth prolongation.
    """
    return min(_finest(_family(ds), model), _KNOWN_TO.get(variable, MAX_ZOOM))


def _family(ds: xr.Dataset) -> list[Any]:
    return [card for card in shipped_cards() if card.family == ds.attrs.get("fsae_climatology")]


def _finest(family: list[Any], model: str | Path) -> int:
    return max((card.zooms[1] for card in family), default=_HIGHEST) if model == "auto" else _HIGHEST


def _levels(zoom_in: int, known: int, direct: bool) -> list[tuple[int, int]]:
    """Starting zoom and number of levels of each decoding."""
    target = known
    if zoom_in >= _HOME - _MOST_LEVELS and not direct:
        target = max(known, _HOME)
    target = max(target, _LOWEST)
    found = []
    here = zoom_in
    while here < target:
        room = (min(target, _HOME) if here < _HOME else here + 1) - here
        found.append((here, min(room, _MOST_LEVELS)))
        here += found[-1][1]
    return found


def _general(levels: int, device: str) -> GeneralModel:
    fitted = load(f"{GENERAL}-{4**levels}x", device)
    assert isinstance(fitted, GeneralModel)
    return fitted


def _by_archive(fitted: ArchiveModel, field: xr.DataArray, zoom_in: int, known: int) -> list[Step]:
    low = fitted.coarse_zoom
    to = known if known in (low, fitted.finest) else low if known < low else fitted.finest
    fine = False
    if "time" in field.coords:  # without times the step itself says that they are needed
        sample = field.isel(time=np.unique(np.linspace(0, field.sizes["time"] - 1, 24).astype(int)))
        spare = [dim for dim in sample.dims if dim not in ("time", "cell")]
        values = sample.isel(dict.fromkeys(spare, 0)).transpose("time", "cell").values
        fine = runs_like_the_fine(fitted, np.asarray(values, np.float32), sample["time"].values)
    steps: list[Step] = [ArchiveStep(fitted, to, of_fine_run=fine)]
    return steps if to == known else [*steps, RestrictStep(to, known)]


def _named(model: str | Path, variable: str, zoom_in: int, zoom: int, device: str) -> Step:
    card = read_cards(weights_path(model))[0]
    top = zoom if card.family == GENERAL else card.zooms[1]
    fitted = load(model, device, ratio=4 ** max(top - zoom_in, 1))
    wrong = misfit(fitted.card, fitted.card.ratio, [variable], top)
    if wrong:
        raise UserError(wrong)
    if isinstance(fitted, GeneralModel) and zoom_in + fitted.network.config.levels == zoom:
        return DecodeStep(fitted, zoom_in)
    if isinstance(fitted, ArchiveModel) and (zoom_in, zoom) in fitted.refines:
        return ArchiveStep(fitted, zoom)
    raise UserError(
        f"The weights {fitted.card.name} do not lead from zoom {zoom_in} to {zoom}: expected weights of "
        f"ratio {4 ** (zoom - zoom_in)} that decode to zoom {zoom}; choose others, or auto."
    )


def _finished(steps: list[Step], variable: str, zoom_in: int, learned: int, zoom: int) -> Route:
    cards = tuple(step.model.card for step in steps if isinstance(step, DecodeStep | ArchiveStep))
    done: list[Step] = [*steps, *(ProlongStep(z) for z in range(learned, zoom))]
    if variable in _NEVER_NEGATIVE:
        done.append(NonNegative(zoom, zoom_in))
    return Route(tuple(done), cards, zoom_in, learned, zoom)
