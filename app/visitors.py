"""Who is here: the pages that are open in this process, and what is told of them in the logs."""

from __future__ import annotations

__all__ = ["Guest", "arrived", "here", "tell"]

import time
from typing import Any, ClassVar, Protocol
from weakref import WeakKeyDictionary

from bokeh.document import Document

from app import logs
from app.jobs import Job

_SHOWN = 8  # letters of a session's name: whoever knows all of them may join the session


class Guest(Protocol):
    """What is asked of a page (`app.pages.frame.Page`)."""

    key: ClassVar[str]
    document: Document
    schedule: Any
    job: Job

    def toast(self, sentence: str) -> None: ...


_guests: WeakKeyDictionary[Guest, str] = WeakKeyDictionary()


def arrived(guest: Guest) -> None:
    """A page has been made for a visitor."""
    context = guest.document.session_context
    if context is None or context.server_context is None:  # a visit of nobody, to get warm
        return
    name, key, began = str(context.id)[:_SHOWN], guest.key, time.monotonic()
    _guests[guest] = name
    # Without the page itself: Bokeh keeps these functions as long as the document.
    guest.document.on_session_destroyed(
        lambda _: logs.tell("visit ends", session=name, page=key, seconds=round(time.monotonic() - began, 1))
    )
    logs.tell("visit", session=name, page=key)


def here() -> list[Guest]:
    """The pages that are open."""
    return list(_guests)


def tell(guest: Guest, event: str, **fields: Any) -> None:
    """Log an event on a page."""
    logs.tell(event, session=_guests.get(guest), page=guest.key, **fields)
