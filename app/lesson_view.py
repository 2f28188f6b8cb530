"""A lesson on the page: text with answers that open, and below it what its cells show, as it comes."""

from __future__ import annotations

__all__ = ["LessonView"]

import re
from functools import lru_cache
from html import escape

from bokeh.models import Column, InlineStyleSheet
from bokeh.models.widgets import Div
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
    code = f"<summary>How it is computed</summary><pre>{escape(cell.source)}</pre>"
    # On a phone wide pictures and tables are scrolled: by the keyboard, too.
    shown = re.sub(r"<(figure|table) ", r'<\1 tabindex="0" ', result.html)
    return f"{shown}<details class='code'>{code}</details>"


def _way(key: str) -> str:
    return f"?page=lessons&amp;lesson={key}"


def _ways(key: str) -> str:
    """Links to all lessons, for a phone, where the buttons come last."""
    links = [
        f"<b>{lesson.short}</b>" if lesson.key == key else f'<a href="{_way(lesson.key)}">{lesson.short}</a>'
        for lesson in LESSONS.values()
    ]
    return f"<nav class='ways' aria-label='Lessons'>{' · '.join(links)}</nav>"


def _next(key: str) -> str:
    keys = list(LESSONS)
    after = LESSONS[keys[(keys.index(key) + 1) % len(keys)]]
    return f'<p class="next"><a href="{_way(after.key)}">Next lesson: {escape(after.title)} →</a></p>'


class LessonView:
    """The column of one session; its text changes in the session's turn."""

    def __init__(self) -> None:
        sheet = asset_path("style", "lesson.css").read_text(encoding="utf-8")
        self._sheet = InlineStyleSheet(css=sheet)
        self._key = ""
        self.column = Column(sizing_mode="stretch_width", margin=0, name="lesson")

    def _div(self, html: str) -> Div:
        return Div(
            text=html, sizing_mode="stretch_width", margin=0, stylesheets=[self._sheet], disable_math=True
        )

    def open(self, key: str) -> None:
        """Its text, with places for what is computed, and the way to the others."""
        self._key = key
        texts = [_shown(cell, None) if cell.code else _text(cell.source) for cell in LESSONS[key].cells]
        texts[0] = _ways(key) + texts[0]
        self.column.children = [self._div(text) for text in (*texts, _next(key))]

    def put(self, key: str, number: int, result: Result) -> None:
        """What a cell shows, unless another lesson is open by now."""
        if key == self._key:
            place = self.column.children[number]
            assert isinstance(place, Div)
            place.text = _shown(LESSONS[key].cells[number], result)
