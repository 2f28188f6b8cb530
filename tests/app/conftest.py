"""A small archive of the visitor's own, and a page without a browser."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from app_samples import make_dataset
from bokeh.document import Document

from app.store import Archive


@pytest.fixture
def archive() -> Archive:
    return Archive("made", "Made here", make_dataset(), attribution="nobody")


class Turns:
    """Stands in for the server's event loop: what is scheduled runs when `settle` is called."""

    def __init__(self) -> None:
        self.due: list[Callable[[], Any]] = []

    def __call__(self, turn: Callable[[], Any], *_: Any) -> None:
        self.due.append(turn)

    def settle(self) -> None:
        """Run everything that is due, and what comes of it."""
        for _ in range(100):
            if not self.due:
                return
            due, self.due = self.due, []
            for turn in due:
                turn()
        raise AssertionError("the page never comes to rest")


class AtOnce:
    """Stands in for the threads: work is done where it is submitted."""

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args))
        except Exception as error:  # whatever it is, the future carries it
            future.set_exception(error)
        return future


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("app.jobs", "app.latest"):
        monkeypatch.setattr(f"{module}.pool", lambda kind="short": AtOnce())


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
def document(turns: Turns, at_once: None, monkeypatch: pytest.MonkeyPatch) -> Document:
    document = Document()
    monkeypatch.setattr(document, "add_next_tick_callback", turns)
    monkeypatch.setattr(document, "add_timeout_callback", turns)
    return document
