"""Cards of the general weights of all ratios taken together, for adaptive compressed fields."""

from __future__ import annotations

__all__ = ["ADAPTIVE", "adaptive_cards", "card_of"]

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from fsae_core.model.card import GENERAL, ModelCard

ADAPTIVE = f"{GENERAL}-adaptive"
"""Their family, and the first part of their name."""


def card_of(cards: Mapping[int, ModelCard], ratio: int) -> ModelCard:
    """The card for this ratio, from those of the weights by theirs; minutes and parameters are of all."""
    used = [cards[key] for key in sorted(cards)]
    digest = hashlib.sha256("".join(card.sha256 for card in used).encode()).hexdigest()
    return replace(
        cards[ratio],
        name=f"{ADAPTIVE}-{ratio}x",
        family=ADAPTIVE,
        zooms=(max(card.zooms[0] for card in used), min(card.zooms[1] for card in used)),
        parameters=sum(card.parameters for card in used),
        config={"weights": [card.name for card in used]},
        training={
            "archives": used[0].training.get("archives", []),
            "minutes": sum(float(card.training.get("minutes", 0)) for card in used),
        },
        bytes=sum(card.bytes for card in used),
        sha256=digest,
    )


def adaptive_cards(shipped: Iterable[ModelCard]) -> list[ModelCard]:
    """A card for each ratio that general weights are shipped for."""
    general = {card.ratio: card for card in shipped if card.family == GENERAL}
    return [card_of(general, ratio) for ratio in general]
