"""A server that is told to stop (SIGTERM, Ctrl-C): nobody is let in, visitors are told, long work ends at its
next step, temporary files go, and the process exits with 0, at the latest when its grace is over.

A second signal ends it at once. Of several processes (`--num-procs`) the first one only watches: the others
notice by a pipe that it is told to stop, or that it is gone.
"""

from __future__ import annotations

__all__ = ["Family", "run_until_told"]

import asyncio
import atexit
import logging
import os
import signal
import sys
import threading
import time
from functools import partial
from types import FrameType

from bokeh.server.server import BaseServer
from tornado.process import task_id

from app import jobs, logs, scratch, visitors
from app.server import Explorer
from app.settings import settings

_HEARD_S = 3.0  # for pages to take their turn; one whose browser never came has none
_SAID_S = 0.4  # for the sentence to reach the browsers
_LEAVING_S = 3.0  # for the interpreter to end
_SENTENCE = "This server is being started anew: what you see stays, and you can go on from it in a minute."


class Family:
    """What processes split off later share with the one that watches them (made in its main thread)."""

    def __init__(self) -> None:
        self.read, self._write = os.pipe()
        self._told = False
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """In the watching process, and in a single one as long as it is not serving yet."""
        if self._told or not self._has_children():
            leave(128 + number if self._told else 0)
        self._told = True
        os.close(self._write)  # every other process sees that; tornado waits for them and exits with 0

    def _has_children(self) -> bool:
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return True

    def joined(self) -> None:
        """In a process that was split off: only the watching one may hold the pipe open."""
        os.close(self._write)


def leave(code: int) -> None:
    """End the process now, whatever its threads do."""
    scratch.forget()
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


def run_until_told(server: BaseServer, family: Family) -> None:
    """Serve until a signal says stop (in place of `BaseServer.run_until_shutdown`)."""
    if not server._started:
        server.start()
    atexit.register(server._atexit)
    closing = _Closing(server)
    loop = asyncio.get_event_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, closing.told, 128 + number)
    if task_id() is not None:
        family.joined()
        loop.add_reader(family.read, closing.orphaned, loop, family.read)
    server.io_loop.start()
    server.stop()
    leave(0)  # what Python would do now, with torch and its like loaded, takes seconds


class _Closing:
    def __init__(self, server: BaseServer) -> None:
        self._server = server
        self._task: asyncio.Task[None] | None = None

    def told(self, code: int) -> None:
        """A signal has come; code: to exit with if it is not the first."""
        if self._task is not None:
            leave(code)
        self._task = asyncio.ensure_future(self._close())

    def orphaned(self, loop: asyncio.AbstractEventLoop, pipe: int) -> None:
        """The watching process was told to stop, or is gone."""
        loop.remove_reader(pipe)
        if self._task is None:
            self.told(0)

    async def _close(self) -> None:
        began, grace = time.monotonic(), settings().grace_seconds
        # Whatever happens from here on, the process does not outlive its grace.
        last = threading.Timer(grace + _LEAVING_S, leave, (0,))
        last.daemon = True
        last.start()
        tornado = self._server._tornado
        guests = visitors.here()
        logs.tell("server stops", sessions=len(guests), jobs=jobs.working(), process=os.getpid())
        if isinstance(tornado, Explorer):
            tornado.status.closing = True
        self._server._http.stop()
        untold = set(guests)

        def tell(guest: visitors.Guest) -> None:
            guest.job.stop()
            guest.toast(_SENTENCE)
            untold.discard(guest)

        for guest in guests:
            guest.schedule(partial(tell, guest))  # a page may be changed in its own turn alone
        while (spent := time.monotonic() - began) < grace and (
            jobs.working() or (untold and spent < _HEARD_S)
        ):
            await asyncio.sleep(0.05)
        await asyncio.sleep(min(_SAID_S, grace))
        for client in list(tornado._clients):  # in order: what was said before arrives before
            client._socket.close(1012, "starting anew")
        await asyncio.sleep(min(_SAID_S, grace))
        seconds = round(time.monotonic() - began, 2)
        logs.tell("server ends", jobs=jobs.working(), seconds=seconds, process=os.getpid())
        self._server.io_loop.stop()
