"""Make what is asked for, off the event loop; while one thing is made, only the last wish is remembered."""

from __future__ import annotations

__all__ = ["Latest"]

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as finished
from typing import Any, Generic, TypeVar

from app.jobs import pool

A = TypeVar("A")
R = TypeVar("R")


class Latest(Generic[A, R]):
    """One stream of wishes in a session: pictures, the fields under a click, a region made sharp.

    make: runs in a thread of the process; it must not touch the page.
    arrived: (asked, result), in the session's turn; never for a wish that a later one has replaced.
    failed: (asked, error), in the session's turn.
    schedule: runs a function in the session's own turn (``Document.add_next_tick_callback``).
    """

    def __init__(
        self,
        make: Callable[[A], R],
        arrived: Callable[[A, R], None],
        failed: Callable[[A, BaseException], None],
        schedule: Callable[[Callable[[], None]], Any],
    ) -> None:
        self._make, self._arrived, self._failed, self._schedule = make, arrived, failed, schedule
        self._wish: A | None = None
        self.working = False

    def ask(self, asked: A, wait: float = 0.0) -> None:
        """Wish for something; the wish before it, if it is not yet fulfilled, is given up.

        wait: seconds for which this call itself waits, so that what is at hand goes out with the page.
        """
        self._wish = asked
        if not self.working:
            self._begin(asked, wait)

    def forget(self) -> None:
        """Nothing is wished for any more: what is being made is thrown away when it comes."""
        self._wish = None

    def _begin(self, asked: A, wait: float = 0.0) -> None:
        self.working = True
        future = pool().submit(self._make, asked)
        if wait and future in finished([future], timeout=wait).done:
            self._done(asked, future)
            return
        future.add_done_callback(lambda done: self._schedule(lambda: self._done(asked, done)))

    def _done(self, asked: A, future: Future[R]) -> None:
        self.working = False
        error = future.exception()
        wanted = self._wish == asked
        if wanted:
            self._wish = None
        if error is not None:
            self._failed(asked, error)
        elif wanted:
            self._arrived(asked, future.result())
        if self._wish is not None and not self.working:
            self._begin(self._wish)
