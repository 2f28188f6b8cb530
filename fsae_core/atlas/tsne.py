"""t-SNE maps that new times can be placed into (openTSNE, Policar et al. 2024, doi:10.18637/jss.v109.i03).

The layout starts from the first two principal components (Kobak and Berens 2019,
doi:10.1038/s41467-019-13056-x), neighbours are exact and one thread is used, so that the same scores give
the same map on one machine.
"""

from __future__ import annotations

__all__ = ["MapConfig", "draw_map", "place_on_map"]

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.atlas.calendar import Floats

_EXACT_UP_TO = 20_000
"""More points than this get approximate neighbours."""

_FEWEST = 4
"""Points of which a map can be made; fewer stay where their first two scores are."""

_NEW_NEIGHBOURS, _NEW_PERPLEXITY = 25, 5.0


@dataclass(frozen=True)
class MapConfig:
    """perplexity: about how many neighbours a point keeps near; iterations: after 250 of early
    exaggeration."""

    perplexity: float = 30.0
    iterations: int = 500
    seed: int = 0


def draw_map(scores: Floats, config: MapConfig | None = None) -> NDArray[np.float32]:
    """Scores (time, d) -> places (time, 2)."""
    import openTSNE

    c = config or MapConfig()
    x = np.asarray(scores, np.float64)
    if len(x) < _FEWEST:
        return _plane(x).astype(np.float32)
    start = _plane(x)
    start = start / max(float(start[:, 0].std()), 1e-12) * 1e-4
    tsne = openTSNE.TSNE(
        perplexity=_perplexity(c, len(x)),
        n_iter=c.iterations,
        initialization=start,
        n_jobs=1,
        random_state=c.seed,
        verbose=False,
    )
    places = np.asarray(tsne.fit(affinities=_affinities(x, c), initialization=start))
    # openTSNE shifts a map like this before it places new points: shifted already, it stays where it is.
    return (places - (places.max(axis=0) + places.min(axis=0)) / 2).astype(np.float32)


def place_on_map(
    scores: Floats, places: Floats, new: Floats, config: MapConfig | None = None
) -> NDArray[np.float32]:
    """Places (new, 2) of further scores (new, d) on the map of `scores`, which stays as it is."""
    import openTSNE

    c = config or MapConfig()
    known, x = np.asarray(scores, np.float64), np.asarray(new, np.float64)
    if len(known) < _FEWEST:
        distance = ((x[:, None] - known[None]) ** 2).sum(axis=-1)
        return np.asarray(places, np.float32)[distance.argmin(axis=1)]
    embedding = openTSNE.TSNEEmbedding(
        np.array(places, np.float64), _affinities(known, c), random_state=c.seed, n_jobs=1
    )
    limit = len(known) - 1
    placed = embedding.transform(x, perplexity=min(_NEW_PERPLEXITY, limit / 3), k=min(_NEW_NEIGHBOURS, limit))
    return np.asarray(placed, np.float32)


def _plane(x: NDArray[np.float64]) -> NDArray[np.float64]:
    two = np.zeros((len(x), 2))
    two[:, : min(2, x.shape[1])] = x[:, :2]
    return two


def _perplexity(config: MapConfig, points: int) -> float:
    """Three times as many neighbours are needed."""
    return min(config.perplexity, (points - 1) / 3)


def _affinities(x: NDArray[np.float64], config: MapConfig) -> Any:
    from openTSNE.affinity import PerplexityBasedNN

    return PerplexityBasedNN(
        x,
        perplexity=_perplexity(config, len(x)),
        method="exact" if len(x) <= _EXACT_UP_TO else "annoy",
        n_jobs=1,
        random_state=config.seed,
    )
