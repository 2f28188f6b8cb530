"""What the Latent page shows, made in a thread: a time with its neighbours, groups of times compared.

Pure: atlases in, fields and numbers out.
"""

from __future__ import annotations

__all__ = ["Compared", "Group", "Guests", "Near", "Seen", "Wish", "compare", "look_up", "place", "thumbnail"]

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.atlases import OpenAtlas, named_atlas, offered_atlases
from app.colours import palette
from app.latent_state import GROUPS, read_group
from app.projection import Projection
from app.sphere_view import Field, Window, render
from app.still import still
from app.store import Archive
from fsae_core.archive.coastlines import coastline
from fsae_core.atlas.atlas import Placed
from fsae_core.errors import UserError
from fsae_core.sphere.pyramid import restrict

_NEAR = 6
_APART_YEARS = 5.0
_SMALL = Window(width=176, height=88)
_FLAT = Projection()


@dataclass(frozen=True)
class Wish:
    """A time that is wished for: of an atlas by its label ("" is the most remarkable one), or of the
    visitor's placed file, `guest` being its position there."""

    atlas: str
    label: str
    which: str
    guest: int | None = None


@dataclass(frozen=True)
class Guests:
    """A visitor's file on an atlas. fields: (time, cell) at the atlas' zoom; outside: how many of its times
    lie outside the years of the atlas."""

    name: str
    placed: Placed
    fields: np.ndarray
    labels: tuple[str, ...]
    outside: int

    def places(self, which: str) -> np.ndarray:
        """(time, 2) on the map "raw" or "deseasonalised"."""
        suffix = "" if which == "raw" else "_deseasonalised"
        return self.placed.table[[f"x{suffix}", f"y{suffix}"]].to_numpy(np.float64)


@dataclass(frozen=True)
class Near:
    """A neighbour in the space of the map: distance in units of that space; png: of its anomaly."""

    row: int
    label: str
    distance: float
    png: bytes


@dataclass(frozen=True)
class Seen:
    """A time: its field, its anomaly, its nearest neighbours more than five years away."""

    atlas: OpenAtlas
    row: int | None
    label: str
    field: Field
    anomaly: Field
    near: tuple[Near, ...]
    problem: str = ""


def look_up(wish: Wish, guests: Guests | None, usual: str = "amip") -> Seen:
    """The time that is wished for. An atlas or time that is not there is replaced, and said in `problem`."""
    problem, label = "", wish.label
    try:
        opened = named_atlas(wish.atlas)
    except UserError as error:
        opened, label = named_atlas(usual), ""
        problem = f"There is no atlas of {wish.atlas[:40]}, so the one of {usual} is shown."
        if wish.atlas in offered_atlases():  # it is there, but something is wrong with it
            problem = f"{str(error).rstrip('.')}; the atlas of {usual} is shown."
    if wish.guest is not None and guests is not None:
        return _guest(opened, guests, wish)
    row = opened.row_of(label) if label else opened.remarkable
    if row is None:
        row = opened.remarkable
        problem = f"The atlas has no time {label[:40]}: {opened.labels[row]} is shown."
    found = opened.atlas.neighbours(
        row, _NEAR, apart_years=_APART_YEARS, deseasonalised=wish.which == "deseasonalised"
    )
    fields = Field(opened.values(row)), Field(opened.anomalies[row])
    return Seen(opened, row, opened.labels[row], *fields, _near(opened, found), problem)


def _guest(opened: OpenAtlas, guests: Guests, wish: Wish) -> Seen:
    at = int(wish.guest or 0)
    free = wish.which == "deseasonalised"
    score = (guests.placed.scores_deseasonalised if free else guests.placed.scores)[at]
    time = guests.placed.table["time"].to_numpy()[at]
    found = opened.atlas.nearest(score, time, _NEAR, apart_years=_APART_YEARS, deseasonalised=free)
    cells = guests.fields[at]
    levels = _levels(cells.size, opened.anomalies.shape[1])
    coarse = restrict(cells, levels) if levels else cells
    anomaly = coarse - opened.season.mean_at(np.array([time]))[0].astype(np.float32)
    return Seen(opened, None, guests.labels[at], Field(cells), Field(anomaly), _near(opened, found))


def _levels(fine: int, coarse: int) -> int:
    return round(np.log2(fine / coarse) / 2)


def _near(opened: OpenAtlas, found: Any) -> tuple[Near, ...]:
    rows = [int(row) for row in found.index]
    return tuple(
        Near(row, opened.labels[row], float(distance), thumbnail(opened, row))
        for row, distance in zip(rows, found["distance"], strict=True)
    )


def thumbnail(opened: OpenAtlas, row: int) -> bytes:
    """PNG of a time's anomaly, flat, on the atlas' colours."""
    top = opened.anomaly_scale.high
    image = render(Field(opened.anomalies[row]), _FLAT, _SMALL)
    lon, lat = coastline("110m").T
    lines = (lon + 180) * (_SMALL.width / 360), (lat + 90) * (_SMALL.height / 180)
    return still(image, palette("balance"), -top, top, lines, "#6f7b82")


def place(opened: OpenAtlas, archive: Archive, progress: Any) -> Guests:
    """Place a visitor's file on the maps. Raises UserError where it cannot be placed."""
    atlas = opened.atlas
    if opened.variable not in archive.variables:
        raise UserError(
            f"{archive.title} has {', '.join(archive.variables)}, but this atlas is of {opened.variable}: "
            "only that can be placed on it."
        )
    if np.isnat(archive.times).any():
        raise UserError(f"{archive.title} says no times, which the season needs: add a time coordinate.")
    progress.at(0.1, "Placing on the map")
    unit = archive.unit(opened.variable)
    if unit != opened.unit:
        raise UserError(
            f"{archive.title} has {opened.variable} in {unit or 'no unit'}, but this atlas is in "
            f"{opened.unit}: convert it first."
        )
    placed = atlas.place(archive.dataset, variable=opened.variable)
    progress.at(0.8, "Placing on the map")
    fields = np.asarray(archive.dataset[opened.variable].values, np.float32)
    levels = archive.zoom - int(atlas.about["zoom_in"])
    fields = restrict(fields, levels) if levels else fields
    first, last = opened.times[[0, -1]]
    outside = int(((archive.times < first) | (archive.times > last)).sum())
    return Guests(archive.title, placed, fields, archive.labels, outside)


@dataclass(frozen=True)
class Group:
    """A group of times compared with others. example: not chosen, it stands for what could be; known: the
    atlas' file says how unusual its displacement is."""

    rows: np.ndarray
    name: str
    example: bool
    difference: Field
    significant: np.ndarray
    share: float
    p: np.ndarray
    known: bool


@dataclass(frozen=True)
class Compared:
    """a, b: each minus all other times; between: a minus b; overlap: times that were in both and left out of
    `between`."""

    a: Group
    b: Group
    between: Group
    overlap: int


def compare(atlas: str, a: str, b: str) -> Compared:
    """Composite anomalies of the groups as the address writes them; an empty one stands for its example."""
    opened = named_atlas(atlas)
    members: dict[str, tuple[str, np.ndarray, bool]] = {}
    for key, words in zip(GROUPS, (a, b), strict=True):
        rows = read_group(words)
        rows = rows[rows < len(opened)]
        example = rows.size == 0
        name, rows = opened.examples[key] if example else (_name(opened, rows), rows)
        members[key] = (name, rows, example)
    masks = {key: _mask(opened, rows) for key, (_, rows, _) in members.items()}
    both = masks["a"] & masks["b"]
    a_rows, b_rows = members["a"][1], members["b"][1]
    groups = {key: _group(opened, members[key], masks[key]) for key in GROUPS}
    only = {key: masks[key] & ~both for key in GROUPS}
    name = f"{a_rows.size} times minus {b_rows.size}"
    rows = np.flatnonzero(only["a"])
    between = _group(opened, (name, rows, members["a"][2] and members["b"][2]), only["a"], only["b"])
    return Compared(groups["a"], groups["b"], between, int(both.sum()))


def _name(opened: OpenAtlas, rows: np.ndarray) -> str:
    own = [eruption.name for eruption, window in opened.windows if np.array_equal(window, rows)]
    return f"24 months after {own[0]}" if own else f"{rows.size} chosen time{'s' if rows.size > 1 else ''}"


def _mask(opened: OpenAtlas, rows: np.ndarray) -> np.ndarray:
    mask = np.zeros(len(opened), bool)
    mask[rows] = True
    return mask


def _group(
    opened: OpenAtlas,
    member: tuple[str, np.ndarray, bool],
    mask: np.ndarray,
    others: np.ndarray | None = None,
) -> Group:
    name, rows, example = member
    known = opened.kept(rows) is not None
    got = opened.departures.composite(mask, others)
    share = float(got.significant.mean())
    return Group(rows, name, example, Field(got.difference), got.significant, share, got.p, known)
