"""A page without the app around it: one Panel object for a notebook's cell, as wide as the cell.

It has the page's own style, with the cell's width in place of the window's, in a tree of its own: several
pages in one notebook know nothing of each other.
"""

from __future__ import annotations

__all__ = ["CellFrame"]

import re
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import panel as pn
import param
from bokeh.document import Document
from bokeh.models import Model
from bokeh.models.ui import UIElement
from panel.custom import Children, JSComponent
from panel.io.notebook import patch_inline_stylesheets

from app.cell_line import CellLine
from app.cell_turns import CellTurns
from app.pages.frame import Page
from app.starting import CellStart
from app.store import Archive
from fsae_core.assets import asset_path

#: Widths of the window (pixels) in the page's style, and of a cell, which has less room around it.
_WIDTHS = {"760": "560", "761": "561", "1080": "760", "1081": "761", "2000": "2000"}


def _asset(name: str) -> str:
    return asset_path("style", name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _sheet() -> str:
    """The page's style for a tree of its own."""
    sheet = (_asset("page.css") + _asset("help.css")).replace(
        ':root[data-theme="dark"]', ':host([data-theme="dark"])'
    )
    sheet = sheet.replace(":root", ":host").replace("html, body {", ".page {")
    sheet = re.sub(r"^body ", ".page ", sheet, flags=re.M)
    return re.sub(
        r"@media ([^{]*width[^{]*)",
        lambda at: (
            "@container page " + re.sub(r"\d+(?=px)", lambda width: _WIDTHS.get(width[0], width[0]), at[1])
        ),
        sheet,
    )


class CellFrame(JSComponent):
    """A page of `page_type`, shown in a cell. It is made now and works from now on; what it finds out is
    shown when the cell is.

    query: as in the address. own: data of the user's own, as an archive.
    """

    layout_of = param.Dict({})
    words = param.Dict({})
    hidden = param.List([])
    late = param.List([])
    names = param.List([])
    pieces = Children([])
    _esm = _asset("help.js") + _asset("parts.js") + _asset("frame.js")

    def __init__(
        self, page_type: type[Page], query: Mapping[str, str], own: Archive | None = None, **params: Any
    ) -> None:
        self._turns = CellTurns(lambda error: self.page.failed(error))
        # Its document is not known before it is shown; nothing asks for it before.
        self.page = page_type(query, Document(), self._turns, self._turns.later, own)
        figures, controls, late = self.page.assemble()
        anchor = next(iter(figures.values()))
        self._start = CellStart(anchor)
        self.page.attach(self._start, anchor)
        self._shown_in: tuple[Document, Any] | None = None
        self._line: CellLine | None = None
        # Bokeh's changes are sent by the line; Panel would wrap each callback to do so.
        panes = {name: pn.pane.Bokeh(model, autodispatch=False) for name, model in figures.items()}
        parts = {**panes, **controls}
        super().__init__(
            **{
                "layout_of": asdict(self.page.layout),
                "words": self.page.bridge.words,
                "hidden": sorted(self.page.hidden_panes()),
                "late": sorted(late),
                "names": list(parts),
                "pieces": list(parts.values()),
                "stylesheets": [_sheet(), _asset("cell.css")],
                "sizing_mode": "stretch_width",
                "margin": 0,
                **params,
            }
        )

    def get_root(self, doc: Document | None = None, comm: Any = None, preprocess: bool = True) -> Model:
        """As of any Panel object; styles come along, so that nothing is asked of the internet."""
        root = super().get_root(doc, comm, preprocess)
        for model in root.select({"type": UIElement}):
            patch_inline_stylesheets(model)
        return root

    def _get_model(
        self, doc: Document, root: Model | None = None, parent: Model | None = None, comm: Any = None
    ) -> Model:
        self._shown_in = (doc, comm)
        return super()._get_model(doc, root, parent, comm)

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, dict) and "shown" in data and self._shown_in is not None:
            self.page.bridge.dark = bool(data.get("dark"))
            self._turns.begin(self._shown_in[0])
            self._turns(self._begin)

    def _begin(self) -> None:
        assert self._shown_in is not None
        document, comm = self._shown_in
        if comm is not None and self._line is None:
            self._line = CellLine(document, comm)
        self._start.run()

    def _cleanup(self, root: Model | None = None) -> None:
        super()._cleanup(root)
        if not self._models:
            self._turns.close()
            if self._line is not None:
                self._line.close()
            self.page.close()
