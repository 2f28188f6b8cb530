"""Small pictures to choose from, and paragraphs: parts of a page that are no figures."""

from __future__ import annotations

__all__ = ["Cards", "Sentences"]

from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any

import param
from panel.custom import JSComponent

from fsae_core.assets import asset_path


def _asset(name: str) -> str:
    return asset_path("style", name).read_text(encoding="utf-8")


_SHEETS = [_asset("controls.css"), _asset("cards.css")]
_PLACE = {"stylesheets": _SHEETS, "sizing_mode": "stretch_width", "margin": 0}


class Cards(JSComponent):
    """A row of pictures; on_pick is told the number of the one that is clicked."""

    items = param.List(default=[], doc="(number, words, smaller words, picture as a data address) lists.")
    _esm = _asset("cards.js")

    def __init__(self, on_pick: Callable[[int], None], **params: Any) -> None:
        super().__init__(**{**_PLACE, **params})
        self._on_pick = on_pick

    def deal(self, cards: Iterable[tuple[int, str, str, bytes]]) -> None:
        """(number, words, smaller words, PNG) of each."""
        self.items = [[key, head, note, png_address(png)] for key, head, note, png in cards]

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, dict) and data.get("key") in [item[0] for item in self.items]:
            self._on_pick(int(data["key"]))


class Sentences(JSComponent):
    """Paragraphs as plain text. items: [what it is about, text] pairs."""

    items = param.List(default=[])
    _esm = _asset("sentences.js")

    def __init__(self, **params: Any) -> None:
        super().__init__(**{**_PLACE, **params})


def png_address(png: bytes) -> str:
    """A PNG as a data address."""
    return f"data:image/png;base64,{b64encode(png).decode()}"
