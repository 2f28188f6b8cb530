"""An archive's held-out times and the methods that it can be compared by, each made once.

No user interface here; every function may be called from any thread.
"""

from __future__ import annotations

__all__ = ["fitting_methods", "held_out", "method_of", "nearest_index"]

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from weakref import WeakKeyDictionary

import numpy as np

from app.store import Archive
from fsae_core.errors import UserError
from fsae_core.evaluate.coded import Method
from fsae_core.evaluate.methods import METHODS, method_named
from fsae_core.training.splits import Split, split_of

_LEARNED = ("fs-ae", "cnn-vae")

_held: WeakKeyDictionary[Archive, Archive] = WeakKeyDictionary()
_methods: WeakKeyDictionary[Archive, dict[tuple[str, str], Method | UserError]] = WeakKeyDictionary()
_lock = threading.RLock()


def held_out(archive: Archive) -> Archive:
    """The archive's held-out times; all of them where it is too short to be split."""
    with _lock:
        if archive not in _held:
            keep = Split.mask(archive.times, split_of(archive.dataset).test)
            timed = "time" in archive.dataset.dims and keep.any()
            cut = archive.dataset.isel(time=np.flatnonzero(keep)) if timed else archive.dataset
            _held[archive] = replace(archive, dataset=cut, _scales={}, _values={}, _pictures=OrderedDict())
        return _held[archive]


def nearest_index(held: Archive, time: str) -> int:
    """The held-out time of that label, or the nearest one: other pages have more times."""
    exact = held.index_of(time)
    if exact is not None:
        return exact
    try:
        wanted = np.datetime64(time).astype("datetime64[ns]")
    except ValueError:
        return 0
    if not time or np.isnat(held.times).any():
        return 0
    return int(np.argmin(np.abs(held.times - wanted)))


def method_of(archive: Archive, variable: str, name: str) -> Method:
    """Made once; UserError where it cannot be had for this archive."""
    with _lock:
        made = _methods.setdefault(archive, {})
        key = (variable, name)
        if key not in made:
            try:
                made[key] = method_named(name, archive.dataset, variable)
            except UserError as error:
                made[key] = error
        found = made[key]
    if isinstance(found, UserError):
        raise found
    return found


def fitting_methods(
    archive: Archive, variable: str, known: Mapping[str, tuple[str, ...]] | None = None
) -> dict[str, tuple[str, ...]]:
    """Every method that can be had for the archive, with its axes, in the order of `fsae evaluate`.

    known: what a table says of it; then only networks that came after the table are looked for.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name in METHODS:
        if known and (name in known or not name.startswith(_LEARNED)):
            found |= {name: known[name]} if name in known else {}
            continue
        try:
            found[name] = method_of(archive, variable, name).axes
        except UserError:
            continue
    return found
