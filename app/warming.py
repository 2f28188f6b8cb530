"""A visit of nobody: what the first visitor of a process would have to wait for is done before."""

from __future__ import annotations

__all__ = ["rehearse", "warm"]

from collections.abc import Iterable
from typing import Any

from bokeh.application import Application
from bokeh.document import Document

from app.pages import registry


def warm(applications: Iterable[Application]) -> None:
    """Make each application's document once and forget it; its picture goes on in a thread."""
    for application in applications:
        nobody: Any = None
        document = application.create_document()
        for left in document.session_destroyed_callbacks:
            left(nobody)
        document.destroy(nobody)


def rehearse() -> None:
    """Make the page that is asked for most, and forget it: the landing page alone loads little of it."""
    for entry in registry.available():
        if entry.key == registry.FIRST:
            registry.page_type(entry)({}, Document()).template()
