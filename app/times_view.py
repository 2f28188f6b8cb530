"""The map of times and the curve through time of one session: what of an atlas is drawn, marked and found.

It reads the state and changes nothing but its own figures; the page acts on what is clicked.
"""

from __future__ import annotations

__all__ = ["TimesView"]

from collections.abc import Callable
from typing import Any

import numpy as np

from app.atlases import OpenAtlas
from app.bridge import Bridge
from app.cards import png_address
from app.latent_map import LatentMap, Reach
from app.latent_pictures import Guests, Seen, thumbnail
from app.latent_state import GROUPS, LatentState
from app.latent_words import tip
from app.point_cloud import MANY
from app.quantities import Coloured, coloured
from app.timeline import Timeline

_PATH = 12
_MOST_RINGS = 3000
_NONE = np.empty((0, 2))
Found = tuple[str, int]


class TimesView:
    """`open` shows an atlas, `paint` its points, `mark` the time that is looked at.

    on_pick: told ("own", position in the visitor's file) or ("atlas", position) of what is clicked; on_drag:
    the geometry that was drawn; on_look: the map's window has changed.
    """

    def __init__(
        self,
        bridge: Bridge,
        state: LatentState,
        on_pick: Callable[[Found], None],
        on_drag: Callable[[dict[str, Any]], None],
        on_look: Callable[[], None],
    ) -> None:
        self.state, self._on_pick = state, on_pick
        self.map = LatentMap(bridge, self._tapped, on_drag, on_look, self._hovered)
        self.timeline = Timeline(bridge, self._tapped_time)
        self.map.drag_is(state.drag)
        self.opened: OpenAtlas | None = None
        self.guests: Guests | None = None
        self._fitted: tuple[str, str] | None = None
        self._hover: Found | None = None

    @property
    def atlas(self) -> OpenAtlas:
        """The one that is shown."""
        assert self.opened is not None
        return self.opened

    @property
    def places(self) -> np.ndarray:
        """(time, 2) on the map of now."""
        return self.atlas.places(self.state.map)

    def quantity(self, name: str) -> Coloured:
        """A quantity of the atlas, or another where this atlas does not tell it."""
        wanted = (name, "displacement", "novelty")
        made = (coloured(self.atlas.atlas.table, q, self.atlas.unit, self.state.enso) for q in wanted)
        return next(c for c in made if c.told)

    def rows(self, *, examples: bool = False) -> dict[str, np.ndarray]:
        """Positions of the groups; examples: what stands for groups that are not chosen."""
        out = {}
        for group in GROUPS:
            rows = self.state.group(group)
            rows = rows[rows < len(self.atlas)]
            out[group] = self.atlas.examples[group][1] if examples and rows.size == 0 else rows
        return out

    # -- what is drawn ---------------------------------------------------------------------------

    def open(self, opened: OpenAtlas) -> None:
        """Show an atlas; the window is moved where it, or the map of it, has not been shown yet."""
        which = self.state.map
        if self._fitted == (opened.name, which):
            return
        if self.opened is not opened:
            self.guests, self._hover = None, None
        self.opened, self._fitted = opened, (opened.name, which)
        self.map.fit(self.places)
        self.map.look_at(self.state.cloud or self.map.whole)
        self.map.marks.outline([(eruption.name, self.places[rows]) for eruption, rows in opened.windows])
        self.receive(self.guests)
        self.timeline.mark([(eruption.name, opened.times[rows]) for eruption, rows in opened.windows])
        self.paint()

    def paint(self) -> None:
        """Colours, groups and the curve, after any of them has changed."""
        self.map.paint(self.quantity(self.state.colour))
        self.draw()
        seasonal = self.state.colour in ("month", "year")
        curve = self.quantity("displacement" if seasonal else self.state.colour)
        times, rows = self.atlas.times, self.rows(examples=True)
        self.timeline.show(times, self.atlas.labels, curve)
        self.timeline.choose({g: (times[own], curve.values[own]) for g, own in rows.items()})

    def draw(self) -> None:
        """The points, for the window of now."""
        rows = self.rows()
        chosen = np.concatenate(list(rows.values()))
        bright = None
        if chosen.size:
            bright = np.zeros(len(self.atlas), bool)
            bright[chosen] = True
        self.map.draw(self.places, self.quantity(self.state.colour), bright)
        self.map.marks.choose({g: self.places[own[:_MOST_RINGS]] for g, own in rows.items()})

    def look(self) -> None:
        """The window has changed: into the state, and a picture of many points is made anew."""
        if self.opened is None:
            return
        window = self.map.window
        whole = np.allclose(window, self.map.whole, rtol=1e-6, atol=1e-9)
        self.state.cloud = None if whole else window
        if len(self.atlas) > MANY:
            self.draw()

    def receive(self, guests: Guests | None) -> None:
        """Times of a visitor's file, or none."""
        self.guests = guests
        self.map.marks.receive(_NONE if guests is None else guests.places(self.state.map))

    def mark(self, seen: Seen, guest: int | None) -> None:
        """The time that is looked at, the path that led to it, its neighbours."""
        marks, row = self.map.marks, seen.row
        if row is not None:
            marks.walk(self.places[max(0, row - _PATH) : row + 1])
            self.timeline.at(self.atlas.times[row])
        elif self.guests is not None and guest is not None:
            marks.walk(self.guests.places(self.state.map)[guest : guest + 1])
            self.timeline.at(None)
        marks.number(self.places[[near.row for near in seen.near]])

    # -- pointer ---------------------------------------------------------------------------------

    def _at(self, x: float, y: float, reach: Reach) -> Found | None:
        if self.opened is None:
            return None
        found, nearest = None, 1.0
        places = {"atlas": self.places}
        if self.guests is not None:
            places["own"] = self.guests.places(self.state.map)
        for kind, own in places.items():
            distance = np.square((own - (x, y)) / reach).sum(axis=1)
            if distance.min() <= nearest:  # a visitor's goes before one of the atlas at the same place
                found, nearest = (kind, int(distance.argmin())), float(distance.min())
        return found

    def _tapped(self, x: float, y: float, reach: Reach) -> None:
        found = self._at(x, y, reach)
        if found is not None:
            self._on_pick(found)

    def _tapped_time(self, milliseconds: float) -> None:
        if self.opened is not None:
            times = self.atlas.times.astype("datetime64[ms]").astype(np.int64)
            self._on_pick(("atlas", int(np.abs(times - milliseconds).argmin())))

    def _hovered(self, at: tuple[float, float, Reach] | None) -> None:
        found = None if at is None else self._at(*at)
        if found == self._hover:
            return
        self._hover = found
        marks = self.map.marks
        if found is None:
            marks.point_at(_NONE)
            self.map.tell("", "", "")
        elif found[0] == "own" and self.guests is not None:
            marks.point_at(self.guests.places(self.state.map)[found[1] : found[1] + 1])
            self.map.tell(self.guests.labels[found[1]], self.guests.name, "")
        else:
            row = found[1]
            marks.point_at(self.places[row : row + 1])
            shown = self.quantity(self.state.colour), self.quantity("displacement")
            picture = png_address(thumbnail(self.atlas, row))
            self.map.tell(self.atlas.labels[row], tip(row, shown), picture)
