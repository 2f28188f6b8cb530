"""The turns of a page in a notebook's cell: in the kernel's own loop, from the time it is on the screen.

A document in a notebook has no session, so its callbacks are never called; the loop that also runs the
cells does what is due. Where the cell's object is served by Panel after all, its document has a session
and does it.
"""

from __future__ import annotations

__all__ = ["CellTurns"]

import threading
from collections.abc import Callable
from typing import Any

from bokeh.document import Document
from tornado.ioloop import IOLoop


class CellTurns:
    """Call it from any thread with a function to run that in turn, the first when `begin` has been called;
    after `close` it does nothing. failed: told what a turn raises."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], Any]] = []
        self._document: Document | None = None
        self._loop: IOLoop | None = None
        self._open = True

    def __call__(self, turn: Callable[[], Any]) -> None:
        with self._lock:
            if self._loop is None:
                self._waiting.append(turn)
                return
        self._loop.add_callback(self._take, turn)

    def _take(self, turn: Callable[[], Any]) -> None:
        if not self._open:
            return
        if self._document is not None and self._document.session_context is not None:
            self._document.add_next_tick_callback(lambda: self._run(turn))
        else:
            self._run(turn)

    def _run(self, turn: Callable[[], Any]) -> None:
        try:
            turn()
        except Exception as error:  # whatever it is, the page says it and goes on
            self._failed(error)

    def later(self, turn: Callable[[], Any], wait_ms: int) -> None:
        """Run it in turn after so many milliseconds; in the loop's thread."""
        if self._loop is not None:
            self._loop.call_later(wait_ms / 1000, self._take, turn)

    def begin(self, document: Document) -> None:
        """The page is on the screen (in the loop's thread): what has waited is done, in order."""
        self._document = document
        with self._lock:
            self._loop = IOLoop.current()
            waiting, self._waiting = self._waiting, []
        for turn in waiting:
            self(turn)

    def close(self) -> None:
        """The cell has been cleared: what is still to come from threads is dropped."""
        self._open, self._waiting = False, []
