"""How finely compressed fields are quantised unless something else is asked for."""

from __future__ import annotations

__all__ = ["default_step", "known_step"]

from typing import Any

# In units of the fields' scale, by family, variable and ratio: RMSE grows by at most 2 % on times that are no
# test times (ERA5 25-29 March 2026; simulated archive, 2005-2006 and 1992-1993 in high resolution). Made by
# `pytest tests/bench/bytes_bench.py -k steps -s`.
_WIND = {4: 0.046, 16: 0.086, 64: 0.13, 256: 0.135}
_STEPS: dict[str, dict[str, dict[int, float]]] = {
    "general": {
        "t2m": {4: 0.009, 16: 0.015, 64: 0.0225, 256: 0.025},
        "u10": _WIND,
        "v10": _WIND,
        "msl": {4: 0.009, 16: 0.0205, 64: 0.0435, 256: 0.06},
        "tp": {4: 0.15, 16: 0.2, 64: 0.22, 256: 0.25},
    },
    "general-adaptive": {
        "t2m": {4: 0.00017, 16: 0.00075, 64: 0.0022, 256: 0.0056},
        "u10": {4: 0.00085, 16: 0.0039, 64: 0.0122, 256: 0.0314},
        "v10": {4: 0.001, 16: 0.0047, 64: 0.0148, 256: 0.0368},
        "msl": {4: 0.00013, 16: 0.0008, 64: 0.0034, 256: 0.0121},
        "tp": {4: 0.0011, 16: 0.0076, 64: 0.0257, 256: 0.0675},
    },
    "joint-amip": {name: {16: 0.1, 64: 0.18} for name in ("t2m", "u10", "v10", "msl", "pr")},
    "amip": {"t2m": {4: 0.085, 16: 0.245, 64: 0.49, 256: 0.75}},
    "amip-adaptive": {"t2m": {4: 0.0066, 16: 0.05, 64: 0.22, 256: 0.76}},
}
_NO_WEIGHTS = "block-mean"
_FLOAT16 = 2.0**-11


def known_step(card: Any, ratio: int, variable: str) -> float | None:
    """The step, in units of the scale, for fields of a variable and weights with this card.

    None where it has to be found on the fields. Means without any weights are kept as finely as by float16.
    """
    if card.family == _NO_WEIGHTS:
        return _FLOAT16
    return _STEPS.get(card.family, {}).get(variable, {}).get(ratio)


def default_step(card: Any, ratio: int) -> float:
    """The step for the variable that bears least."""
    return min(steps[ratio] for steps in _STEPS.get(card.family, _STEPS["general"]).values())
