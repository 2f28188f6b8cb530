"""Long work off the event loop: it says how far it is, it can be stopped, and the page stays alive meanwhile.

Each session has its own jobs; the threads they run on are shared by the process, so one visitor's long work
delays another's but never shows as theirs.
"""

from __future__ import annotations

__all__ = ["Job", "Progress", "Stopped", "pool", "working"]

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

from app.settings import settings
from fsae_core.errors import UserError

T = TypeVar("T")
_EVERY_S = 0.15


class Stopped(Exception):  # noqa: N818 - not an error: the visitor asked for it
    """The visitor pressed stop."""


@lru_cache(maxsize=2)
def pool(kind: str = "short") -> ThreadPoolExecutor:
    """The process's threads: "short" for pictures, "long" for jobs, so that jobs never hold up pictures."""
    workers = max(2, min(4, os.cpu_count() or 2))
    return ThreadPoolExecutor(max_workers=workers, thread_name_prefix=f"fsae-{kind}")


# Threads do not survive a fork: a server of several processes (--num-procs) starts its own in each.
os.register_at_fork(after_in_child=pool.cache_clear)

_working: set[Progress] = set()


def working() -> int:
    """How many pieces of long work are on threads of this process."""
    return len(_working)


def _too_long(limit: float) -> UserError:
    return UserError(
        f"This took longer than {limit:.0f} s, the most that this server gives to one piece of work, and was "
        "stopped: choose fewer times or methods, or use the command line (`fsae`)."
    )


class Progress:
    """What work reports to: wrap an iterable as with tqdm, or call `at`. Raises Stopped after `stop`."""

    def __init__(self, tell: Callable[[float, str], None]) -> None:
        self._tell = tell
        self._stop = threading.Event()
        self._told = 0.0
        self._start = time.monotonic()
        self._limit = settings().max_job_seconds

    def stop(self) -> None:
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether stop was pressed: for work that asks more often than it reports."""
        return self._stop.is_set()

    @property
    def overdue(self) -> UserError | None:
        """What to say when it has taken longer than the server allows."""
        return _too_long(self._limit) if time.monotonic() - self._start > self._limit else None

    def at(self, share: float, label: str = "") -> None:
        """Report a share from 0 to 1; also the place where a stop takes hold."""
        if self._stop.is_set():
            raise Stopped
        now = time.monotonic()
        if now - self._told >= _EVERY_S or share >= 1.0:
            self._told = now
            spent = now - self._start
            if share > 0.02 and spent > 1.0:
                left = spent * (1.0 - share) / share
                label = f"{label} · about {left:.0f} s left" if label else f"about {left:.0f} s left"
            self._tell(min(max(share, 0.0), 1.0), label)

    def __call__(self, items: Iterable[T], total: int | None = None, desc: str = "", **_: Any) -> Iterator[T]:
        if total is None:
            total = len(items) if isinstance(items, Sized) else 0
        for done, item in enumerate(items):
            self.at(done / total if total else 0.0, desc)
            yield item
        self.at(1.0, desc)


class Job:
    """One slot for long work in a session; a second start while one runs is refused.

    schedule: runs a function in the session's own turn (``Document.add_next_tick_callback``).
    tell: shows progress (share, label).
    """

    def __init__(
        self, schedule: Callable[[Callable[[], None]], Any], tell: Callable[[float, str], None]
    ) -> None:
        self._schedule = schedule
        self._tell = tell
        self._progress: Progress | None = None
        self._failed: Callable[[BaseException], None] = lambda error: None

    @property
    def running(self) -> bool:
        return self._progress is not None

    def start(
        self,
        work: Callable[[Progress], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> bool:
        """Run `work` in a thread, then `done` or `failed` (Stopped included) in the session's turn."""
        if self.running:
            return False
        progress = Progress(lambda share, label: self._schedule(lambda: self._report(progress, share, label)))
        self._progress, self._failed = progress, failed

        def finish(future: Future[T]) -> None:
            def turn() -> None:
                if self._progress is not progress:  # stopped meanwhile: nobody waits for it any more
                    return
                self._progress = None
                error = future.exception()
                if error is None:
                    done(future.result())
                else:
                    failed(error)

            self._schedule(turn)

        def held() -> T:
            if progress.stopped:
                raise Stopped
            # The time of a job runs from here: while it waits for a thread it costs nothing.
            limit = settings().max_job_seconds
            alarm = threading.Timer(limit, lambda: self._schedule(lambda: self._give_up(progress, limit)))
            alarm.daemon = True
            alarm.start()
            _working.add(progress)
            try:
                return work(progress)
            finally:
                alarm.cancel()
                _working.discard(progress)

        pool("long").submit(held).add_done_callback(finish)
        return True

    def _give_up(self, progress: Progress, limit: float) -> None:
        if self._progress is progress:
            self._end(_too_long(limit))

    def _report(self, progress: Progress, share: float, label: str) -> None:
        if self._progress is progress:  # a late report must not reopen a bar that has been closed
            self._tell(share, label)

    def stop(self) -> None:
        """Give the work up: the slot is free at once, the thread ends at its next report of progress."""
        self._end(Stopped())

    def _end(self, why: BaseException) -> None:
        progress, self._progress = self._progress, None
        if progress is not None:
            progress.stop()
            self._failed(why)
