"""A table of words on the page whose rows may have buttons: rankings, places to jump to, cards."""

from __future__ import annotations

__all__ = ["Listing", "line"]

from collections.abc import Sequence
from typing import Any

import param
from panel.custom import JSComponent

from fsae_core.assets import asset_path


def line(
    cells: Sequence[str],
    keys: Sequence[tuple[str, str, str, bool | None]] = (),
    *,
    heading: bool = False,
    colour: str = "",
    dash: str = "",
    chosen: bool = False,
    best: Sequence[int] = (),
    title: str = "",
) -> dict[str, Any]:
    """One row. keys: (key, text, what is read aloud, whether pressed or None) of each button.

    heading: its one cell stands over the rows that follow; best: which cells stand out.
    """
    made: dict[str, Any] = {"cells": list(cells), "keys": [list(key) for key in keys]}
    told: dict[str, Any] = {
        "heading": heading,
        "colour": colour,
        "dash": dash,
        "chosen": chosen,
        "best": list(best),
        "title": title,
    }
    return made | {key: value for key, value in told.items() if value not in (False, "", [])}


class Listing(JSComponent):
    """heads: of the columns; rows: as `line` makes them; most: pixels of height, 0 as high as it is.

    asked: "number|key" of the last button pressed; `key` is what follows the bar.
    """

    label = param.String("")
    heads = param.List(default=[])
    rows = param.List(default=[])
    most = param.Integer(0)
    asked = param.String("")
    _esm = asset_path("style", "listing.js").read_text(encoding="utf-8")

    def __init__(self, **params: Any) -> None:
        sheet = asset_path("style", "listing.css").read_text(encoding="utf-8")
        super().__init__(**{"stylesheets": [sheet], "sizing_mode": "stretch_width", "margin": 0, **params})

    @property
    def key(self) -> str:
        """Of the last button pressed."""
        return self.asked.partition("|")[2]
