"""A session's own turns: where its page may be changed, asked for from any thread.

Bokeh lets any thread call `Document.add_next_tick_callback`, but while that runs it makes its document the
process's current one (`bokeh.io.doc.patch_curdoc`, one list for all threads). A page that is made at that
moment on the server's loop may find another visitor's document. So a thread only wakes the loop here, and the
loop does the rest.

Turns wait until the browser has the page. Panel keeps back what changes before that, for the browser takes
over the whole document when it connects; but what changes after it has taken it over and before it says so
would reach it never: on a cold server one visit in three had controls without choices.
"""

from __future__ import annotations

__all__ = ["Turns"]

from collections.abc import Callable
from typing import Any, Protocol

from bokeh.document import Document


class Loop(Protocol):
    """What is asked of the server's loop; tornado's `IOLoop` is one."""

    def add_callback(self, callback: Callable[..., Any], *args: Any) -> None: ...


class Turns:
    """Call it with a function to run that in the document's turn, the first when `begin` has been called;
    after `close` it does nothing."""

    def __init__(self, document: Document, loop: Loop) -> None:
        self._document, self._loop = document, loop
        self._open, self._begun = True, False
        self._waiting: list[Callable[[], Any]] = []

    def __call__(self, turn: Callable[[], Any]) -> None:
        if self._open:
            self._loop.add_callback(self._next, turn)

    def _next(self, turn: Callable[[], Any]) -> None:
        if self._open and self._begun:
            self._document.add_next_tick_callback(turn)
        elif self._open:
            self._waiting.append(turn)

    def later(self, turn: Callable[[], Any], wait_ms: int) -> None:
        """Run it in the document's turn after so many milliseconds; in the loop's thread."""
        if self._open:
            self._document.add_timeout_callback(turn, wait_ms)

    def begin(self) -> None:
        """The browser has the page (in the loop's thread): what has waited is done, in order."""
        self._begun = True
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            self(turn)

    def close(self) -> None:
        """The visitor has left: what is still to come from threads is dropped."""
        self._open, self._waiting = False, []
