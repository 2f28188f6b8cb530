"""From what a visitor asks for to what can be shown: things that go together.

Pure plans: no user interface here; it runs in a thread.
"""

from __future__ import annotations

__all__ = ["Asked", "Shown", "resolve"]

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from app.archive_choice import archive_or_first
from app.cold import alone_at_first
from app.colours import Scale, error_scale, speed_scale
from app.compress_state import METHODS
from app.fitting import fitting_weights, gives_anomalies, learned_times
from app.picture import WINDS, Picture
from app.state import RATIOS
from app.store import Archive
from fsae_core.errors import UserError


@dataclass(frozen=True)
class Asked:
    """What the controls say."""

    archive: str
    variable: str
    time: str
    method: str
    ratio: int
    speed: bool = False


@dataclass(frozen=True)
class Shown:
    """What can be shown instead, which is the same where everything fits.

    choices: method -> ratio -> "" or why not.
    problems: a sentence for each thing that had to be changed and that the visitor had asked for by name.
    learned: the weights were trained on this time. windy: there is a speed to show.
    anomaly: the compressed field is one.
    """

    asked: Asked
    archive: Archive
    index: int
    choices: Mapping[str, Mapping[int, str]]
    picture: Picture
    scale: Scale
    error: Scale
    coarse: Scale
    problems: tuple[str, ...] = ()
    learned: bool = False
    windy: bool = False
    anomaly: bool = False


def resolve(asked: Asked, own: Mapping[str, Archive], strict: bool = False) -> Shown:
    """Open, choose, compress. own: the visitor's uploaded archives by name.

    strict: raise UserError for an archive that is not there; otherwise the first shipped one is shown.
    """
    return alone_at_first(lambda: _resolve(asked, own, strict))


def _resolve(asked: Asked, own: Mapping[str, Archive], strict: bool) -> Shown:
    archive, problems = archive_or_first(asked.archive, own, strict)
    variable = asked.variable
    if variable not in archive.variables:
        variable = archive.variables[0]
    choices = fitting_weights(archive, variable)
    method = asked.method
    if method not in choices or not any(why == "" for why in choices[method].values()):
        # an archive's own weights first, then the general ones, then none at all
        method = next(m for m in ("amip", "general", "block-mean", "joint") if m in choices)
    possible = [ratio for ratio in RATIOS if choices[method][ratio] == ""]
    if not possible:
        raise UserError(
            f"{archive.name} has {archive.zoom} zooms, too few to be compressed: choose a finer field."
        )
    ratio = (
        asked.ratio
        if asked.ratio in possible
        else max((r for r in possible if r < asked.ratio), default=possible[0])
    )
    if ratio != asked.ratio:
        problems.append(
            f"{asked.ratio}x is not possible here; {ratio}x is shown. {choices[method][asked.ratio]}"
        )
    if method != asked.method and asked.method != "general":
        problems.append(
            f"{METHODS[asked.method]} is not to be had for {archive.name}; {METHODS[method]} is shown."
        )
    learned = learned_times(archive, method, ratio)
    index = archive.index_of(asked.time) if asked.time else None
    if index is None:
        # the first time that the weights never saw, so that the first figures are honest ones
        index = int(np.argmin(learned))
    windy = WINDS.get(variable) in archive.variables
    speed = asked.speed and windy
    picture = archive.picture(variable, index, method, ratio, speed)
    scale = speed_scale(picture.truth.cells) if speed else archive.scale(variable)
    anomaly = gives_anomalies(archive, method, ratio)
    return Shown(
        replace(
            asked,
            archive=archive.name,
            variable=variable,
            time=archive.labels[index],
            method=method,
            ratio=ratio,
            speed=speed,
        ),
        archive,
        index,
        choices,
        picture,
        scale,
        error_scale(picture.error.cells),
        error_scale(picture.compressed.cells) if anomaly else scale,
        tuple(problems),
        bool(learned[index]),
        windy,
        anomaly,
    )
