"""Which archive is shown for the name that an address gives."""

from __future__ import annotations

__all__ = ["archive_or_first"]

from collections.abc import Mapping

from app import store
from app.store import Archive
from fsae_core.errors import UserError


def archive_or_first(
    name: str, own: Mapping[str, Archive], strict: bool = False
) -> tuple[Archive, list[str]]:
    """The archive of that name, a visitor's `own` first; where there is none the first shipped one and a
    sentence that says so, or, if `strict`, UserError."""
    if name in own:
        return own[name], []
    try:
        return store.named_archive(name), []
    except UserError as error:
        first = store.shipped_archives()
        if strict or not first:
            raise
        return store.named_archive(first[0].name), [str(error)]
