"""How unusual a group's mean displacement is: beside the same times of records where nothing is special.

The atlas' file keeps no surrogates, so they are drawn again, once a process; for long records fewer of them.
Pure: atlases in, numbers out.
"""

from __future__ import annotations

__all__ = ["Chance", "Odds", "chance_of", "chances"]

import threading
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from app.atlases import OpenAtlas, named_atlas
from app.latent_state import read_group
from fsae_core.atlas.build import Findings, findings

_MOST_TIMES = 2000
_WORK = 3e8
_lock = threading.Lock()
Odds = tuple[str, bool, tuple[tuple[str, str], ...]]
"""Name of an atlas, whether El Nino is taken out, groups by their keys as the address writes them."""


@dataclass(frozen=True)
class Chance:
    """mean: displacement of the group in years; p: two-sided; low, high: 95 % of the surrogates' means lie
    between; surrogates: how many."""

    mean: float
    p: float
    low: float
    high: float
    surrogates: int


def chance_of(atlas: str, rows: np.ndarray, enso: bool) -> Chance | None:
    """Of the times at these positions; enso: El Nino taken out. None where years are not told or the record
    is too long to draw surrogates while someone waits."""
    opened = named_atlas(atlas)
    if len(opened) > _MOST_TIMES or rows.size == 0 or not opened.displaced:
        return None
    with _lock:  # two visitors must not draw the same ones
        found = _findings(opened)
    got = found.no_enso if enso else found.plain
    if got is None:
        return None
    mean = float(got.years[rows].mean())
    null = got.null[:, rows].mean(axis=1, dtype=np.float64)
    tail = 1 + min((null <= mean).sum(), (null >= mean).sum())
    low, high = (float(v) for v in np.quantile(null, (0.025, 0.975)))
    return Chance(mean, float(min(1.0, 2 * tail / (1 + null.size))), low, high, null.size)


def chances(odds: Odds) -> dict[str, Chance | None]:
    """Of several groups, by their keys."""
    atlas, enso, groups = odds
    return {key: chance_of(atlas, read_group(words), enso) for key, words in groups}


@lru_cache(maxsize=4)
def _findings(opened: OpenAtlas) -> Findings:
    atlas, times = opened.atlas, opened.times
    count = int(np.clip(_WORK / len(times) ** 2, 99, 999))
    displacement = atlas.config.displacement
    config = replace(
        atlas.config, displacement=replace(displacement, surrogates=displacement.surrogates or count)
    )
    nino = atlas.table["nino34"].to_numpy(np.float64)
    index = nino if np.isfinite(nino).all() else None
    return findings(atlas.scores_deseasonalised, times, index, config)
