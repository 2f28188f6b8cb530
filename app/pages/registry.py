"""The pages of the app, in the order of the navigation; each is imported when it is first asked for."""

from __future__ import annotations

__all__ = ["DEFAULT", "PAGES", "Entry", "available", "chosen", "page_type"]

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_FIELD = ("archive", "variable", "time", "ratio")
_VIEW = ("projection", "lon0", "lat0", "view")
DEFAULT = "compress"


@dataclass(frozen=True)
class Entry:
    """One page.

    key: its name in the address, ``?page=key``.
    keeps: what a link to it takes along from the page it stands on, by the words of the address.
    """

    key: str
    title: str
    keeps: tuple[str, ...] = (*_FIELD, *_VIEW)

    @property
    def module(self) -> str:
        """Where its class is, under the name `PAGE`."""
        return f"app.pages.{self.key}"


PAGES = (
    Entry("compress", "Compress"),
    Entry("compare", "Compare"),
    Entry("zoom", "Zoom"),
    Entry("latent", "Latent", keeps=("archive", "variable", "time")),
    Entry("ensemble", "Ensemble", keeps=("archive", "variable", "time")),
    Entry("lessons", "Lessons", keeps=()),
)


@lru_cache(maxsize=1)
def available() -> tuple[Entry, ...]:
    """The pages that this installation has."""
    return tuple(entry for entry in PAGES if importlib.util.find_spec(entry.module) is not None)


def chosen(query: Mapping[str, str]) -> tuple[Entry, list[str]]:
    """The page that an address asks for, and a sentence when there is no such page."""
    pages = {entry.key: entry for entry in available()}
    asked = query.get("page", DEFAULT)
    if asked in pages:
        return pages[asked], []
    said = f"The address says page={asked[:24]}, which is not one of {', '.join(pages)}: "
    return pages[DEFAULT], [said + f"{pages[DEFAULT].title} is shown."]


def page_type(entry: Entry) -> type[Any]:
    """The page's class (see `app.pages.frame.Page`)."""
    return importlib.import_module(entry.module).PAGE
