"""What every method of the comparison gives, and what it is asked for."""

from __future__ import annotations

__all__ = ["Axis", "Coded", "Known", "Method", "OutOfReach", "byte_budget", "check_axis"]

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from fsae_core.errors import UserError

Floats = NDArray[np.float32]
Times = NDArray[np.datetime64] | None
Axis = Literal["floats", "bytes"]


class OutOfReach(UserError):  # noqa: N818 - a finding, not a mistake
    """The method cannot make these fields that small: a row without values, not a failure."""


@dataclass(frozen=True)
class Coded:
    """Fields that went through a method.

    recon: (time, cell) float32, from the very bytes (or floats) that were counted; floats, bytes: of one
    field, on average, None where the method does not count in them; encode_s, decode_s: CPU seconds for all
    fields, once the setting that meets the ratio is found; note: what was sent, where that needs words;
    places (time, m): where the numbers of adaptive fields stand.
    """

    recon: Floats
    floats: float | None
    bytes: float | None
    encode_s: float
    decode_s: float
    note: str | None = None
    places: NDArray[np.int32] | None = None


@dataclass(frozen=True)
class Known:
    """What both sides of a method must have beforehand, counted in no ratio.

    parameters: numbers; minutes: that it took to learn them, None for what is not learned; weights: name to
    sha256; cards: of these weights; note: a sentence for the row.
    """

    parameters: int = 0
    minutes: float | None = None
    weights: tuple[tuple[str, str], ...] = ()
    cards: tuple[Any, ...] = ()
    note: str | None = None


class Method(Protocol):
    """One way to make fields smaller.

    axes: the ratios it can be asked for in; window: how many consecutive times it codes together, 1 where
    each field is coded by itself; fewer times than a window make a shorter one.
    """

    name: str
    axes: tuple[Axis, ...]
    window: int

    def code(self, x: Floats, times: Times, *, axis: Axis, ratio: int) -> Coded:
        """Fields (time, cell) to fewer floats or bytes and back. OutOfReach where that cannot be."""
        ...

    def known(self, ratio: int) -> Known:
        """Side information of this ratio."""
        ...


def byte_budget(cells: int, ratio: int) -> int:
    """Bytes that a field of float32 may take at this ratio."""
    return 4 * cells // ratio


def check_axis(method: Method, axis: str) -> None:
    """UserError where the method cannot be asked for a ratio in these."""
    if axis not in method.axes:
        raise UserError(
            f"{method.name} was asked for a ratio in {axis}, it is measured in {' and '.join(method.axes)}: "
            "choose one of these."
        )
