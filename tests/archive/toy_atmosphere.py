"""A small energy-balance climate that `simulate` can run: sunshine, cooling, and diffusion of heat by
explicit steps, which blows up by itself where the step is too long for the diffusivity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_MINUTES = 1440
_HEAT_CAPACITY = 1.0e7  # J m-2 K-1
_COOLING = 2.0  # W m-2 K-1


@dataclass
class ToyAtmosphere:
    """diffusivity: share of a neighbour's difference that is mixed in a minute; stormy: months (1 to 12) in
    which it is `storm` times as much. Explicit diffusion needs step * diffusivity < 0.25."""

    diffusivity: float = 0.004
    stormy: tuple[int, ...] = ()
    storm: float = 3.0
    steps: tuple[int, ...] = (30, 20, 15)
    source: str = "an energy-balance toy"
    days_run: int = 0
    lat: np.ndarray = field(default_factory=lambda: np.linspace(-82.5, 82.5, 12))
    lon: np.ndarray = field(default_factory=lambda: np.arange(0.0, 360.0, 15.0))

    def initial(self, seed: int) -> np.ndarray:
        noise = np.random.default_rng(seed).normal(size=(self.lat.size, self.lon.size))
        return 288.0 - 40.0 * np.sin(np.radians(self.lat))[:, None] ** 2 + noise

    def advance(self, state: np.ndarray, day: np.datetime64, step: int) -> tuple[np.ndarray, dict]:
        self.days_run += 1
        date = day.astype(object)
        mixed = step * self.diffusivity * (self.storm if date.month in self.stormy else 1.0)
        tilt = np.radians(-23.45 * np.cos(2 * np.pi * (date.timetuple().tm_yday + 10) / 365.25))
        sun = 240.0 * (1.2 - 0.6 * np.sin(np.radians(self.lat) - tilt) ** 2)[:, None]
        mean = np.zeros_like(state)
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(_MINUTES // step):
                north = np.vstack([state[1:], state[-1:]])
                south = np.vstack([state[:1], state[:-1]])
                around = np.roll(state, 1, 1) + np.roll(state, -1, 1) + north + south - 4 * state
                heating = (sun - 220.0 - _COOLING * (state - 285.0)) / _HEAT_CAPACITY
                state = state + mixed * around + 60.0 * step * heating
                mean += state
            mean /= _MINUTES // step
            return state, self._fields(mean)

    def dump(self, state: np.ndarray) -> dict[str, np.ndarray]:
        return {"temperature": state}

    def load(self, arrays: Mapping[str, Any]) -> np.ndarray:
        if arrays["temperature"].shape != (self.lat.size, self.lon.size):
            raise ValueError("another grid")
        return np.asarray(arrays["temperature"])

    def _fields(self, mean: np.ndarray) -> dict[str, np.ndarray]:
        wind = 0.5 * np.gradient(mean, axis=0)
        fields = {
            "t2m": mean,
            "u10": wind,
            "v10": -wind,
            "msl": 101_325.0 - 20.0 * (mean - 288.0),
            "pr": np.maximum(mean - 280.0, 0.0) / 5.0,
            "z500": 5_500.0 + 10.0 * (mean - 288.0),
        }
        return {name: values.astype(np.float32) for name, values in fields.items()}
