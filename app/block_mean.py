"""Block means and the smooth prolongation as a codec: what any network has to beat.

It speaks the codec's `FieldModel` protocol, so that pictures, figures and files go one way for all methods.
"""

from __future__ import annotations

__all__ = ["BlockMean"]

from types import SimpleNamespace
from typing import Any

import numpy as np

from fsae_core.sphere.pyramid import prolong, restrict


class BlockMean:
    """Mean over 4^n cells one way, mean-preserving smooth prolongation back: no weights, any variable."""

    def __init__(self, ratio: int) -> None:
        self.levels = round(np.log(ratio) / np.log(4))
        self.card = SimpleNamespace(
            name=f"block-mean-{ratio}x",
            family="block-mean",
            ratio=ratio,
            variables=None,
            zooms=(self.levels, 9),
            sha256="",
        )

    def compress_fields(
        self, x: np.ndarray, *, variable: str, times: Any, instant: bool = False
    ) -> SimpleNamespace:
        """x: (fields, cells) -> values (fields, coarse cells), offset and scale (fields,)."""
        values = restrict(x, self.levels)
        spread = values.std(axis=-1)
        return SimpleNamespace(
            values=values,
            offset=values.mean(axis=-1),
            scale=np.where(spread > 0, spread, 1).astype(np.float32),
        )

    def decompress_fields(
        self, compressed: Any, *, variable: str, times: Any, instant: bool = False
    ) -> np.ndarray:
        return prolong(np.asarray(compressed.values, np.float32), self.levels)
