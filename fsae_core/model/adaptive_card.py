"""Cards of the weights of all ratios taken together, for adaptive compressed fields."""

from __future__ import annotations

__all__ = ["adaptive_cards", "card_of"]

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from fsae_core.model.card import CNN_PREFIX, JOINT_PREFIX, ModelCard

_ADAPTIVE = "-adaptive"
"""Behind the family of the weights that are taken together."""
_RATIOS = (4, 16, 64, 256)


def card_of(cards: Mapping[int, ModelCard], ratio: int) -> ModelCard:
    """The card for this ratio, from those of the weights by theirs; minutes and parameters are of all."""
    used = [cards[key] for key in sorted(cards)]
    ordinary = [cards[key].zooms for key in cards if key in _RATIOS]
    files = {card.sha256: card for card in used}
    family = cards[ratio].family + _ADAPTIVE
    digest = hashlib.sha256("".join(card.sha256 for card in used).encode()).hexdigest()
    return replace(
        cards[ratio],
        name=f"{family}-{ratio}x",
        family=family,
        zooms=(max(low for low, _ in ordinary), min(high for _, high in ordinary)),
        parameters=sum(one.parameters for one in files.values()),
        config={"weights": [card.name for card in used]},
        training={
            "archives": used[0].training.get("archives", []),
            "minutes": sum(float(one.training.get("minutes", 0)) for one in files.values()),
        },
        bytes=sum(one.bytes for one in files.values()),
        sha256=digest,
    )


def adaptive_cards(shipped: Iterable[ModelCard]) -> list[ModelCard]:
    """A card for each ratio of a family of weights for single variables that are shipped for all ratios."""
    families: dict[str, dict[int, ModelCard]] = {}
    for card in shipped:
        if not card.family.startswith((CNN_PREFIX, JOINT_PREFIX)):
            families.setdefault(card.family, {})[card.ratio] = card
    whole = [cards for cards in families.values() if cards.keys() >= set(_RATIOS)]
    return [card_of(cards, ratio) for cards in whole for ratio in _RATIOS]
