"""Threads never touch a document themselves."""

import asyncio
import threading
from pathlib import Path

import pytest
from tornado.ioloop import IOLoop

from app.turns import Turns


class Recorder:
    """Stands in for a document; says in which thread it was called."""

    def __init__(self) -> None:
        self.threads: list[int] = []

    def add_next_tick_callback(self, turn) -> None:
        self.threads.append(threading.get_ident())
        turn()


@pytest.mark.parametrize("left", [False, True])
def test_the_document_is_called_on_the_loop_until_the_visitor_leaves(left):
    document, done = Recorder(), []

    async def serve() -> None:
        turns = Turns(document, IOLoop.current())
        turns.begin()
        worker = threading.Thread(target=turns, args=(lambda: done.append(threading.get_ident()),))
        worker.start()
        worker.join()
        if left:
            turns.close()
        await asyncio.sleep(0.02)

    asyncio.run(serve())
    here = [] if left else [threading.get_ident()]
    assert document.threads == done == here


def test_nothing_is_changed_before_the_browser_has_the_page():
    """What changes between the browser's taking over the document and its saying so is lost to it."""
    document, done = Recorder(), []

    async def serve() -> None:
        turns = Turns(document, IOLoop.current())
        for i in range(3):
            turns(lambda i=i: done.append(i))
        await asyncio.sleep(0.02)
        assert not document.threads and not done
        turns.begin()
        turns(lambda: done.append(3))
        await asyncio.sleep(0.02)

    asyncio.run(serve())
    assert done == [0, 1, 2, 3]


def test_the_server_is_run_without_panels_own_threads():
    """They would run a page's callbacks beside its turns; what takes long has threads of its own."""
    command = (Path(__file__).resolve().parents[2] / "Procfile").read_text()
    assert "panel serve app/" in command and "--num-threads" not in command
