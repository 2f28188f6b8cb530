"""The landing page's small pictures: made once a process, one after the other, off the event loop."""

from __future__ import annotations

__all__ = ["KEYS", "Thumbnail", "thumbnails"]

import importlib
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

from app.cold import alone_at_first


@dataclass(frozen=True)
class Thumbnail:
    """markup: HTML of the picture, with nothing in it that a visitor has said; line: what it shows."""

    markup: str
    line: str


#: Pages that have a picture, in the order in which they are made.
KEYS = ("compress", "compare", "zoom", "latent", "ensemble")


@lru_cache(maxsize=1)
def thumbnails() -> Mapping[str, Future[Thumbnail]]:
    """By the page's key, begun by the first call, in a thread that holds up no visitor's pictures."""
    threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fsae-thumbnail")
    made = {key: threads.submit(_make, key) for key in KEYS}
    threads.shutdown(wait=False)
    return made


def _make(key: str) -> Thumbnail:
    # What makes them brings torch: it is loaded here, not while the first visitor waits for words.
    return alone_at_first(lambda: importlib.import_module("app.thumbnail_pictures").MAKERS[key]())
