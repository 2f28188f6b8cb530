"""The Compress page's state."""

from __future__ import annotations

__all__ = ["METHODS", "CompressState"]

from typing import Any, ClassVar

import param

from app.state import RATIOS, MapState, Part, flag, number, one_of, text

METHODS = {
    "general": "General weights",
    "general-adaptive": "General, adaptive cells",
    "amip": "AMIP weights",
    "amip-adaptive": "AMIP, adaptive cells",
    "joint": "All variables together",
    "block-mean": "Block mean + smooth (no network)",
}


class CompressState(MapState):
    """The Compress page of one session."""

    archive = param.String("era5-week", doc="Catalogue name, or the name of an uploaded file.")
    variable = param.String("t2m")
    time = param.String("", doc="ISO time in minutes, UTC; empty is the archive's first.")
    method: Any = param.Selector(default="general", objects=list(METHODS))
    ratio: Any = param.Selector(default=64, objects=list(RATIOS))
    speed = param.Boolean(False, doc="Wind speed, with arrows, instead of a component.")
    swipe = param.Number(0.5, bounds=(0.0, 1.0), doc="Where the divider stands, as a share of the window.")

    parts: ClassVar[tuple[Part, ...]] = (
        text("archive"),
        text("variable"),
        text("time", "a time"),
        one_of("method", METHODS),
        one_of("ratio", RATIOS, "4, 16, 64 or 256"),
        flag("speed"),
        *MapState.parts,
        number("swipe", 0, 1, "a share from 0 to 1"),
    )
