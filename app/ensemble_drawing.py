"""Members drawn one after the other off the event loop: each arrives by itself, a stop holds at once.

A session has one member in the threads at a time, so several visitors take turns member by member.
"""

from __future__ import annotations

__all__ = ["Drawing", "Pair"]

import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as finished
from dataclasses import dataclass
from typing import Any

from app import jobs
from app.ensemble_store import Member, Wish, draw


@dataclass(frozen=True)
class Pair:
    """A member, and the same weather in the other world where there is one."""

    one: Member
    other: Member | None


def _pair(wish: Wish, number: int, stop: Callable[[], bool]) -> Pair:
    other = wish.other
    return Pair(draw(wish.request, number, stop), draw(other, number, stop) if other else None)


class Drawing:
    """The drawing of one session; all that it calls it calls in the session's turn.

    arrived: (wish, pair) for each member; ended: (wish, error) with None when all are there; tell: shows
    progress (share, label); schedule: runs a function in the session's turn.
    """

    def __init__(
        self,
        arrived: Callable[[Wish, Pair], None],
        ended: Callable[[Wish, BaseException | None], None],
        tell: Callable[[float, str], None],
        schedule: Callable[[Callable[[], None]], Any],
    ) -> None:
        self._arrived, self._ended, self._tell, self._schedule = arrived, ended, tell, schedule
        self._progress: jobs.Progress | None = None

    @property
    def running(self) -> bool:
        return self._progress is not None

    def start(self, wish: Wish, wait: float = 0.0) -> None:
        """Draw; what was being drawn is given up.

        wait: seconds for which this call itself waits, so that the first members go out with the page.
        """
        self.stop()
        self._progress = jobs.Progress(self._tell)
        self._next(self._progress, wish, 0, time.monotonic() + wait)

    def stop(self) -> bool:
        """Give up what is being drawn: the thread ends before its next step. False when nothing was."""
        progress, self._progress = self._progress, None
        if progress is not None:
            progress.stop()
        return progress is not None

    def _next(self, progress: jobs.Progress, wish: Wish, number: int, until: float) -> None:
        future = jobs.pool("long").submit(_pair, wish, number, lambda: progress.stopped)
        left = until - time.monotonic()
        if left > 0 and future in finished([future], timeout=left).done:
            self._done(progress, wish, number, future, until)
            return
        future.add_done_callback(
            lambda done: self._schedule(lambda: self._done(progress, wish, number, done, 0.0))
        )

    def _done(
        self, progress: jobs.Progress, wish: Wish, number: int, future: Future[Pair], until: float
    ) -> None:
        if self._progress is not progress:  # given up meanwhile: nobody waits for it any more
            return
        error = future.exception() or progress.overdue
        count = number + 1
        if error is None:
            if count < wish.members:
                progress.at(count / wish.members, f"Member {count} of {wish.members}")
                self._arrived(wish, future.result())
                self._next(progress, wish, count, until)
                return
            self._arrived(wish, future.result())
        self._progress = None
        self._ended(wish, error)
