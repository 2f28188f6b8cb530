"""The pages of the app, in the order of the navigation; each is imported when it is first asked for."""

from __future__ import annotations

__all__ = ["DEFAULT", "FIRST", "PAGES", "Entry", "address", "available", "chosen", "page_type"]

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app.compress_state import CompressState

_FIELD = ("archive", "variable", "time", "ratio")
_VIEW = ("projection", "lon0", "lat0", "view")
DEFAULT = "home"
#: The page that an address means which names none but says what a field is: there was once no other.
FIRST = "compress"


@dataclass(frozen=True)
class Entry:
    """One page.

    key: its name in the address, ``?page=key``.
    keeps: what a link to it takes along from the page it stands on, by the words of the address.
    about: what one does there, in a sentence or two, for the landing page.
    """

    key: str
    title: str
    keeps: tuple[str, ...] = (*_FIELD, *_VIEW)
    about: str = ""

    @property
    def module(self) -> str:
        """Where its class is, under the name `PAGE`."""
        return f"app.pages.{self.key}"


PAGES = (
    Entry("home", "Home", keeps=()),
    Entry(
        "compress",
        "Compress",
        about="Compress a field 4 to 256 times and see what is lost: original, reconstruction and their "
        "difference on linked maps, with the errors in numbers.",
    ),
    Entry(
        "compare",
        "Compare",
        about="Set the autoencoder beside JPEG 2000, SZ3, ZFP and others, at equal numbers or equal bytes, "
        "by place, scale and latitude.",
    ),
    Entry(
        "zoom",
        "Zoom",
        about="Make a coarse field finer where you look, beside plain interpolation and the truth.",
    ),
    Entry(
        "latent",
        "Latent",
        keeps=("archive", "variable", "time"),
        about="Browse 35 years as a map of their compressed fields: seasons, warming, volcanoes. Draw around "
        "months to compare them.",
    ),
    Entry(
        "ensemble",
        "Ensemble",
        keeps=("archive", "variable", "time"),
        about="Draw months that could have been, with and without a volcano or with other CO₂, and see how "
        "far to trust them.",
    ),
    Entry(
        "lessons",
        "Lessons",
        keeps=(),
        about="four of about 20 minutes, with questions, hidden answers and live results.",
    ),
)


@lru_cache(maxsize=1)
def available() -> tuple[Entry, ...]:
    """The pages that this installation has."""
    return tuple(entry for entry in PAGES if importlib.util.find_spec(entry.module) is not None)


def chosen(query: Mapping[str, str]) -> tuple[Entry, list[str]]:
    """The page that an address asks for, and a sentence when there is no such page."""
    pages = {entry.key: entry for entry in available()}
    field = any(part.word in query for part in CompressState.parts)
    usual = pages.get(FIRST if field else DEFAULT) or next(iter(pages.values()))
    asked = query.get("page", usual.key)
    if asked in pages:
        return pages[asked], []
    said = f"The address says page={asked[:24]}, which is not one of {', '.join(pages)}: "
    return usual, [said + f"{usual.title} is shown."]


def address(key: str, query: str) -> str:
    """The query of a page and its state; the landing page needs no name."""
    return "&".join(part for part in ("" if key == DEFAULT else f"page={key}", query) if part)


def page_type(entry: Entry) -> type[Any]:
    """The page's class (see `app.pages.frame.Page`)."""
    return importlib.import_module(entry.module).PAGE
