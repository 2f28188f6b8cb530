"""The lessons: notebooks that come with the app, read for the page and run in this process.

Only the shipped ones: a name chooses one of them, never a file. Their cells run in a thread of their own,
once a process, and every visitor is told the results as they come. Nothing here knows of the user interface.
"""

from __future__ import annotations

__all__ = ["LESSONS", "Cell", "Lesson", "Result", "running"]

import ast
import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from app.cold import alone_at_first

_log = logging.getLogger(__name__)
_FOLDER = Path(__file__).parent / "notebooks"


@dataclass(frozen=True)
class Cell:
    """One cell. code: it is run; otherwise it is text in Markdown."""

    source: str
    code: bool


@dataclass(frozen=True)
class Lesson:
    """One notebook. short: its name on a button; archives: catalogue names of those that it reads."""

    key: str
    short: str
    title: str
    archives: tuple[str, ...]

    @property
    def path(self) -> Path:
        return _FOLDER / f"{self.key}.ipynb"

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Without the heading, which is the title."""
        found = json.loads(self.path.read_text(encoding="utf-8"))["cells"]
        cells = tuple(Cell("".join(cell["source"]), cell["cell_type"] == "code") for cell in found)
        heading, _, rest = cells[0].source.partition("\n")
        assert heading == f"# {self.title}", heading
        return (Cell(rest.strip(), False), *cells[1:])


LESSONS = {
    lesson.key: lesson
    for lesson in (
        Lesson("compression", "Compression", "What compression keeps and loses", ("era5-week",)),
        Lesson("resolution", "Resolution", "Resolution, and what lies below it", ("era5-week",)),
        Lesson("volcano", "Volcano", "Finding a volcano", ("amip",)),
        Lesson("ensembles", "Ensembles", "Ensembles and probability", ("amip",)),
    )
}


@dataclass(frozen=True)
class Result:
    """What a cell shows: its HTML, or a page of the app by its key and the query of its address."""

    html: str = ""
    page: str = ""
    query: str = ""
    failed: bool = False


Told = Callable[[int, Result], None]


@lru_cache(maxsize=1)
def _thread() -> ThreadPoolExecutor:
    # One: matplotlib's settings belong to the process, and a lesson must not take all cores.
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="fsae-lesson")


class Running:
    """One lesson of the process: its results so far, and who is told the next."""

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self._results: dict[int, Result] = {}
        self._watching: list[Told] = []
        self._lock = threading.Lock()
        self._busy = False

    def watch(self, told: Told) -> None:
        """Be told (number of the cell, result) of every code cell, those that are there at once; from any
        thread."""
        with self._lock:
            there = dict(self._results)
            self._watching.append(told)
            start = not self._busy and len(there) < sum(cell.code for cell in self.lesson.cells)
            self._busy = self._busy or start
        for number, result in there.items():
            told(number, result)
        if start:
            _thread().submit(self._run)

    def leave(self, told: Told) -> None:
        """Be told no more."""
        with self._lock:
            self._watching = [other for other in self._watching if other is not told]

    def _run(self) -> None:
        scope: dict[str, Any] = {"__name__": f"lesson_{self.lesson.key}"}
        whole = True
        for number, cell in enumerate(self.lesson.cells):
            if not cell.code:
                continue
            result = _result(cell.source, scope) if whole else Result(failed=True)
            whole = whole and not result.failed
            with self._lock:
                if whole:  # what failed is tried again for the next visitor
                    self._results[number] = result
                watching = list(self._watching)
            for told in watching:
                told(number, result)
        with self._lock:
            self._busy = False


def _result(source: str, scope: dict[str, Any]) -> Result:
    try:
        value = alone_at_first(lambda: _value(source, scope))
    except Exception:  # the page goes on without it
        _log.exception("a lesson's cell failed")
        return Result(failed=True)
    if hasattr(value, "query"):
        return Result(page=value.key, query=value.query)
    return Result(html=value._repr_html_() if hasattr(value, "_repr_html_") else "")


def _value(source: str, scope: dict[str, Any]) -> Any:
    """Run a cell; the value of its last line, as in a notebook."""
    tree = ast.parse(source)
    last = tree.body[-1]
    body = ast.Module(tree.body[:-1] if isinstance(last, ast.Expr) else tree.body, [])
    exec(compile(body, "<lesson>", "exec"), scope)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), "<lesson>", "eval"), scope)


@lru_cache(maxsize=len(LESSONS))
def running(key: str) -> Running:
    """The process's run of a lesson."""
    return Running(LESSONS[key])
