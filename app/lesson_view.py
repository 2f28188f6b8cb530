"""A lesson on the page: text with answers that open, and below it what its cells show, as it comes."""

from __future__ import annotations

__all__ = ["LessonView"]

from functools import lru_cache
from html import escape

from bokeh.models import Column, Div, InlineStyleSheet
from markdown_it import MarkdownIt

from app.lessons import LESSONS, Cell, Result
from app.pages import registry
from fsae_core.assets import asset_path

_WAIT = '<p class="wait">This is being computed…</p>'
_FAILED = '<p class="wait">This could not be computed here; the log says why.</p>'


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable("table")


@lru_cache(maxsize=256)
def _text(source: str) -> str:
    return str(_markdown().render(source))


def _shown(cell: Cell, result: Result | None) -> str:
    if result is None:
        return _WAIT
    if result.failed:
        return _FAILED
    if result.page:
        title = next(entry.title for entry in registry.PAGES if entry.key == result.page)
        return f'<p><a class="go" href="?{escape(result.query)}">Open the {title} page →</a></p>'
    code = f"<details class='code'><summary>How it is computed</summary><pre>{escape(cell.source)}</pre></details>"
    return result.html + code


class LessonView:
    """The column of one session; its text changes in the session's turn."""

    def __init__(self) -> None:
        sheet = asset_path("style", "lesson.css").read_text(encoding="utf-8")
        self._sheet = InlineStyleSheet(css=sheet)
        self._key = ""
        self.column = Column(sizing_mode="stretch_width", margin=0, name="lesson")

    def _div(self, html: str) -> Div:
        return Div(text=html, sizing_mode="stretch_width", margin=0, stylesheets=[self._sheet], disable_math=True)

    def open(self, key: str) -> None:
        """Its text, with places for what is computed."""
        self._key = key
        self.column.children = [
            self._div(_shown(cell, None) if cell.code else _text(cell.source)) for cell in LESSONS[key].cells
        ]

    def put(self, key: str, number: int, result: Result) -> None:
        """What a cell shows, unless another lesson is open by now."""
        if key == self._key:
            place = self.column.children[number]
            assert isinstance(place, Div)
            place.text = _shown(LESSONS[key].cells[number], result)
