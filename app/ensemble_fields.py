"""What has been drawn of a wish, and the maps and numbers made of it. Pure: fields in, fields out."""

from __future__ import annotations

__all__ = ["Ensemble", "Maps"]

from dataclasses import dataclass

import numpy as np

from app.ensemble_drawing import Pair
from app.ensemble_reference import Reference
from app.ensemble_store import Member, Wish, climatology
from fsae_core.evaluate.distribution import exceedance
from fsae_core.evaluate.ensemble import crps, spread_skill
from fsae_core.evaluate.significance import discovered, paired_p_values, two_sample_p_values
from fsae_core.sphere.healpix import lookup, zoom_of
from fsae_core.sphere.pyramid import restrict

_SAMPLE = 40_000
RATE = 0.1
"""False discovery rate of the stippling: of the whole field about 0.05 (Wilks 2016)."""


@dataclass(frozen=True)
class Maps:
    """Fields (cell,) of one day. change and certain (which cells are stippled): None without another world
    or with one member."""

    mean: np.ndarray
    spread: np.ndarray
    change: np.ndarray | None
    certain: np.ndarray | None


class Ensemble:
    """Members of one wish, as far as they have come."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.times = wish.times if wish.days else wish.times[:1]
        self.one: list[Member] = []
        self.other: list[Member] = []
        self._maps: dict[tuple, Maps] = {}

    def add(self, pair: Pair) -> None:
        self.one.append(pair.one)
        if pair.other is not None:
            self.other.append(pair.other)
        self._maps.clear()

    def __len__(self) -> int:
        return len(self.one)

    @property
    def complete(self) -> bool:
        return len(self) == self.wish.members

    def base(self, shown: str, day: int) -> np.ndarray:
        """What is taken from temperatures (cell,): the climatology, or nothing."""
        found = climatology(self.wish.month, self.wish.days, self.wish.zoom)[day]
        return found if shown == "anomaly" else np.zeros_like(found)

    def archive_base(self, shown: str, day: int, zoom: int) -> np.ndarray:
        """The same for temperatures of the archive at a zoom: its class has a climatology of its own, so that
        of two classes anomalies are compared, put on the climatology of the class that is drawn."""
        own = climatology(self.wish.month, self.wish.days, zoom)[day]
        if shown == "anomaly":
            return own
        return own - restrict(
            climatology(self.wish.month, self.wish.days, self.wish.zoom)[day], self.wish.zoom - zoom
        )

    def values(self, shown: str, day: int, other: bool = False) -> np.ndarray:
        """What is shown of one day, (member, cell) in K."""
        members = self.other if other else self.one
        return np.stack([m.fields[day] for m in members]) - self.base(shown, day)

    def sample(self, shown: str) -> np.ndarray:
        """Some values of all members and days: what colours go by, so that they stand still in a window."""
        size = len(self.one) * self.one[0].fields.size
        some = slice(None, None, max(1, size // _SAMPLE))
        bases = [self.base(shown, day)[some] for day in range(len(self.times))]
        return np.concatenate(
            [m.fields[day][some] - base for m in self.one for day, base in enumerate(bases)]
        )

    def maps(self, shown: str, day: int, test: str) -> Maps:
        """Mean, spread and change of one day; kept until a member comes."""
        key = (shown, day, test)
        if key not in self._maps:
            self._maps[key] = self._made(*key)
        return self._maps[key]

    def _made(self, shown: str, day: int, test: str) -> Maps:
        x = self.values(shown, day)
        spread = x.std(axis=0, ddof=1) if len(x) > 1 else np.zeros_like(x[0])
        change = certain = None
        if self.other:
            y = self.values(shown, day, other=True)
            change = (x - y).mean(axis=0)
            if len(x) > 1:
                p = (paired_p_values if test == "pairs" else two_sample_p_values)(x, y)
                certain = discovered(p, RATE)
        return Maps(x.mean(axis=0), spread, change, certain)

    def likelihood(self, shown: str, day: int, threshold: float, above: bool) -> np.ndarray:
        """Share of members beyond a threshold in percent, (cell,)."""
        return 100.0 * exceedance(self.values(shown, day), threshold, above=above)

    def truth(self, reference: Reference | None, shown: str, day: int) -> np.ndarray | None:
        """The archive's field of that day as it is shown, (cell,) at its own zoom."""
        if reference is None or reference.truth is None or not self.wish.as_it_was:
            return None
        return reference.truth.fields[day] - self.archive_base(shown, day, reference.truth.zoom)

    def beside(self, truth: np.ndarray, shown: str, day: int) -> np.ndarray:
        """Members as the truth's zoom shows them, (member, cell)."""
        x = self.values(shown, day)
        return restrict(x, zoom_of(x.shape[-1]) - zoom_of(truth.size))

    def scores(self, reference: Reference | None) -> tuple[float, ...] | None:
        """CRPS in K and spread/skill over all days; None without a truth or with one member."""
        days = range(len(self.one[0].fields)) if self.one else range(0)
        truths = [self.truth(reference, "anomaly", day) for day in days]
        found = [t for t in truths if t is not None]
        if not found or len(self) < 2:
            return None
        members = np.stack([self.beside(t, "anomaly", day) for day, t in enumerate(found)], axis=1)
        truth = np.stack(found)
        return float(crps(members, truth).mean()), spread_skill(members, truth)

    def change_of_area(self, day: int) -> tuple[float, ...]:
        """Area mean of the change in K and its standard error over pairs."""
        each = np.array(
            [(a.fields[day] - b.fields[day]).mean() for a, b in zip(self.one, self.other, strict=True)]
        )
        return float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each))) if len(each) > 1 else 0.0

    def at(self, point: tuple[float, ...], shown: str, day: int, other: bool = False) -> np.ndarray:
        """Members at a place (longitude, latitude), (member,) in K: of its cell."""
        cell = int(lookup(point[0], point[1], self.wish.zoom))
        return self.values(shown, day, other)[:, cell]

    def powers(self) -> np.ndarray:
        """(member, degree) in K2."""
        return np.stack([member.power for member in self.one])
