"""Which weights fit an archive on the Compress page, and which times they learned from.

Pure: no user interface here.
"""

from __future__ import annotations

__all__ = ["JOINT", "coded_with", "fitting_weights", "gives_anomalies", "learned_times", "shipped_model"]

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from app.state import RATIOS
from fsae_core.codec.choice import ADAPTIVE, levels_of_ratio, load, misfit, shipped_cards
from fsae_core.errors import UserError

if TYPE_CHECKING:
    from app.store import Archive

JOINT = "joint"
"""The method of all variables together."""


def coded_with(archive: Archive, variables: Sequence[str], method: str) -> tuple[str, ...]:
    """What is compressed so that these variables can be shown: all that joint weights know, or these."""
    if method != JOINT:
        return tuple(variables)
    card = _joint_cards(archive)[0]
    return tuple(name for name in card.variables if name in archive.variables)


def _joint_cards(archive: Archive) -> list[Any]:
    """Of weights for several variables of this archive together: its own, else the general ones."""
    for family in (f"{JOINT}-{archive.family}", f"{JOINT}-general"):
        cards = [
            card
            for card in _cards()
            if card.family == family
            and sum(name in archive.variables for name in card.variables) > 1
            and misfit(card, card.ratio, (), archive.zoom) is None
        ]
        if cards:
            return cards
    return []


def gives_anomalies(archive: Archive, method: str, ratio: int) -> bool:
    """Whether the compressed field is an anomaly, not a field in its units."""
    if method == JOINT:
        return not _joint_cards(archive)[0].family.endswith("-general")
    return method not in ("general", "block-mean") and not method.endswith(f"-{ADAPTIVE}")


@lru_cache(maxsize=1)
def _cards() -> tuple[Any, ...]:
    return tuple(shipped_cards())


@lru_cache(maxsize=16)
def shipped_model(name: str) -> Any:
    """By its name, kept."""
    return load(name, shipped_only=True)


def learned_times(archive: Archive, method: str, ratio: int) -> np.ndarray:
    """Times (time,) that the weights were trained on, where they look better than they are."""
    family = _joint_cards(archive)[0].family if method == JOINT else method
    cards = [card for card in _cards() if (card.family, card.ratio) == (family, ratio)]
    return cards[0].trained_on(archive.name, archive.times) if cards else np.zeros(len(archive.times), bool)


def fitting_weights(archive: Archive, variable: str) -> dict[str, dict[int, str]]:
    """What each method can do with this field: method -> ratio -> "" or why not, one sentence."""
    families: dict[str, dict[int, str]] = {}
    for card in _cards():
        if card.family.removesuffix(f"-{ADAPTIVE}") in ("general", archive.family):
            why = misfit(card, card.ratio, [variable], archive.zoom)
            families.setdefault(card.family, {})[card.ratio] = why or _too_fine(card.ratio, archive)
    for card in _joint_cards(archive):
        if variable in card.variables:
            families.setdefault(JOINT, {})[card.ratio] = _too_fine(card.ratio, archive)
    out = {
        family: {ratio: found.get(ratio, f"There are no such weights for {ratio}x.") for ratio in RATIOS}
        for family, found in families.items()
        if "" in found.values()
    }
    out["block-mean"] = {ratio: _too_fine(ratio, archive) for ratio in RATIOS}
    return out


def _too_fine(ratio: int, archive: Archive) -> str:
    try:
        levels_of_ratio(ratio, archive.zoom)
    except UserError as error:
        return str(error)
    return ""
