"""What is fitted after the networks, on training times as they are decoded.

That is the step to the fine zoom and what is left of the root of rain.
"""

from __future__ import annotations

__all__ = ["last_steps", "rounded"]

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.model.card import ModelCard
from fsae_core.model.joint_fit import JointFit, fit_fine_weights
from fsae_core.model.joint_model import JointModel, pack_fine, smooth_together
from fsae_core.model.joint_scale import RAIN
from fsae_core.training.joint_periods import JointPeriod

RATIOS = (16, 64)
"""That a file holds."""


def rounded(tensors: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """As a file keeps them: single precision becomes half."""
    return {
        k: v.astype(np.float16).astype(np.float32) if v.dtype == np.float32 else v for k, v in tensors.items()
    }


def last_steps(
    card: ModelCard,
    tensors: dict[str, NDArray[Any]],
    zooms: Sequence[int],
    bottlenecks: Sequence[int],
    train: Sequence[JointPeriod],
    settings: JointFit,
) -> dict[str, NDArray[Any]]:
    """The tensors of both; card and tensors: of the maps and networks so far."""
    names = tuple(card.config["variables"])
    out: dict[str, NDArray[Any]] = {}
    rain = [i for i, name in enumerate(names) if name in RAIN]
    for ratio in RATIOS:
        levels = round(np.log2(ratio) / 2)
        own = ModelCard(**{**vars(card), "ratio": ratio, "name": "fitting"})
        for zoom, period in zip(zooms, train, strict=True):
            bottleneck = zoom - levels
            if bottleneck not in bottlenecks:
                continue
            model = JointModel.from_tensors(own, {**tensors, **out}, "cpu")
            x = period.restricted(names).anomalies if zoom != zooms[0] else period.anomalies
            everything = list(range(len(names)))
            y = np.concatenate(
                [
                    model.decoded(
                        model.maps[bottleneck].encode(x[i : i + 64], everything),
                        everything,
                        zoom,
                        period.times[i : i + 64],
                    )
                    for i in range(0, len(x), 64)
                ]
            )
            if zoom != zooms[0]:
                missed = period.anomalies - smooth_together(y, names, zoom - zooms[0])
                weights = np.stack(
                    [fit_fine_weights(missed[:, v], y[:, v], settings.ridge) for v in range(len(names))]
                )
                out |= rounded(pack_fine(weights, bottleneck))
                model = JointModel.from_tensors(own, {**tensors, **out}, "cpu")
                y = model.refine(y, bottleneck, zoom)
            for i in rain:
                out[f"left.{zoom}.{bottleneck}"] = np.square(period.anomalies[:, i] - y[:, i]).mean(axis=0)
    return out
