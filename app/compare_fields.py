"""Single fields of two methods side by side, coded by the very methods of `fsae evaluate`.

From what a visitor asks for to what can be shown. Pure plans: no user interface here; it runs in threads.
"""

from __future__ import annotations

__all__ = ["Compared", "Side", "Wish", "compare"]

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from app.archive_choice import archive_or_first
from app.colours import Scale, error_scale, speed_scale
from app.compare_methods import fitting_methods, held_out, method_of, nearest_index
from app.compare_state import AXES, method_name
from app.compare_tables import Table, known_table
from app.leaf_outlines import LeafOutlines, outlines_of
from app.picture import WINDS
from app.sphere_view import Field
from app.state import RATIOS
from app.store import Archive
from app.wind_arrows import Wind
from fsae_core.errors import UserError
from fsae_core.evaluate.bootstrap import block_length
from fsae_core.evaluate.coded import Coded, Known, Method, OutOfReach
from fsae_core.evaluate.methods import window_of
from fsae_core.evaluate.places import worst_places
from fsae_core.evaluate.plain import plain_json
from fsae_core.evaluate.row import NOTHING, scores
from fsae_core.sphere.healpix import zoom_of
from fsae_core.training.splits import Split, split_of

_SIDES = 24
_FALLBACKS = ("fs-ae", "cnn-vae", "block-mean", "jpeg2000")


@dataclass(frozen=True)
class Wish:
    """What the controls say; speed: of the wind, instead of the component, with arrows."""

    archive: str
    variable: str
    time: str
    a: str
    b: str
    axis: str
    ratio: int
    speed: bool = False


@dataclass(frozen=True)
class Side:
    """One method's field.

    recon, error: None where the method cannot do it, and then `why` says so; floats, bytes: of this field,
    of both components for a speed; row: figures of this field as a row of `fsae evaluate` has them; worst:
    (lon, lat, error) of its worst places; leaves: the cells that it has numbers for, where they are of
    several sizes; cards: of all weights that may take part; side_bytes: of what both
    sides must have beforehand, weights files whole and maps as float32.
    """

    method: str
    recon: Field | None
    error: Field | None
    row: Mapping[str, Any]
    worst: tuple[tuple[float, float, float], ...]
    known: Known
    cards: tuple[Any, ...] = ()
    side_bytes: int = 0
    why: str = ""
    wind: Wind | None = None
    leaves: LeafOutlines | None = None


@dataclass(frozen=True)
class Compared:
    """What can be shown: the wish where everything fits.

    held: the archive cut to what is compared, its held-out times (all, where it is too short to be split).
    methods: those that there are for the axis, by their own names; axes: method -> axes.
    held_out: whether these times are those of the split's test. problems: a sentence for each thing that had
    to be changed.
    """

    wish: Wish
    archive: Archive
    held: Archive
    index: int
    truth: Field
    a: Side
    b: Side
    scale: Scale
    error: Scale
    table: Table
    methods: Mapping[str, tuple[str, ...]]
    split: Split
    held_out: bool
    learned: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    wind: Wind | None = None

    @property
    def unit(self) -> str:
        return self.archive.unit(self.wish.variable)

    @property
    def windy(self) -> bool:
        """Whether there is a speed to show."""
        return WINDS.get(self.wish.variable) in self.archive.variables

    @property
    def name(self) -> str:
        """The field's name on colour bars and in files."""
        return "wind speed" if self.wish.speed else self.wish.variable


_sides: WeakKeyDictionary[Archive, OrderedDict[tuple[Any, ...], Side]] = WeakKeyDictionary()
_lock = threading.Lock()


def _chosen(wish: Wish, methods: Mapping[str, tuple[str, ...]], problems: list[str]) -> tuple[str, str]:
    """The two methods asked for, or others where these cannot be had on the axis."""
    possible = [m for m, axes in methods.items() if wish.axis in axes]
    taken: list[str] = []
    for asked in (wish.a, wish.b):
        if asked in possible:
            taken.append(asked)
            continue
        instead = next(
            (m for m in (*_FALLBACKS, *possible) if m in possible and m not in (*taken, wish.a, wish.b)),
            possible[0],
        )
        why = (
            f"is measured in {' and '.join(methods[asked])} only"
            if asked in methods
            else f"is not to be had for {wish.variable} of {wish.archive}"
        )
        # The default of the second side needs no apology: not every archive has its weights.
        if asked != "cnn-vae":
            problems.append(f"{method_name(asked)} {why}: {method_name(instead)} is shown.")
        taken.append(instead)
    return taken[0], taken[1]


def compare(wish: Wish, own: Mapping[str, Archive], strict: bool = False) -> Compared:
    """Open, choose, code. own: the visitor's uploaded archives by name.

    strict: raise UserError for an archive that is not there; otherwise the first shipped one is shown.
    """
    archive, problems = archive_or_first(wish.archive, own, strict)
    variable = wish.variable if wish.variable in archive.variables else archive.variables[0]
    held = held_out(archive)
    index = nearest_index(held, wish.time)
    table = known_table(archive, variable)
    wish = replace(wish, archive=archive.name, variable=variable)
    if table.source == "shipped" and not table.stale:
        # The table knows which there are: they need not all be made for the first picture.
        methods = {m: tuple(x for x in AXES if table.row(m, x, RATIOS[0])) for m in table.methods}
        methods = fitting_methods(archive, variable, methods)
    else:
        methods = fitting_methods(archive, variable)
    if not any(wish.axis in axes for axes in methods.values()):
        raise UserError(f"No method takes {variable} of {archive.title}: choose a field of one value a cell.")
    a, b = _chosen(wish, methods, problems)
    speed = wish.speed and WINDS.get(variable) in archive.variables
    wish = replace(wish, a=a, b=b, time=held.labels[index], speed=speed)
    truth = Field(_truth(held, variable, index, speed))
    left, right = (_side(archive, held, wish, name, index) for name in (a, b))
    errors = [side.error.cells for side in (left, right) if side.error is not None]
    return Compared(
        wish,
        archive,
        held,
        index,
        truth,
        left,
        right,
        speed_scale(truth.cells) if speed else archive.scale(variable),
        error_scale(np.concatenate(errors)) if errors else Scale("balance", -1.0, 1.0),
        table,
        methods,
        split_of(archive.dataset),
        bool(Split.mask(held.times, split_of(archive.dataset).test).all()),
        _learned(archive, held.times[index], left, right),
        tuple(problems),
        _wind(held, variable, index) if speed else None,
    )


def _wind(held: Archive, variable: str, index: int) -> Wind:
    u, v = (held.values(name, index) for name in sorted((variable, WINDS[variable])))
    return Wind(u, v)


def _truth(held: Archive, variable: str, index: int, speed: bool) -> np.ndarray:
    values = held.values(variable, index)
    return np.hypot(values, held.values(WINDS[variable], index)) if speed else values


def _learned(archive: Archive, time: np.datetime64, *sides: Side) -> tuple[str, ...]:
    """Names of weights that learned from this time."""
    cards = {card.name: card for side in sides for card in side.known.cards}
    return tuple(name for name, card in cards.items() if card.trained_on(archive.name, [time]).any())


def _coded(archive: Archive, held: Archive, variable: str, wish: Wish, name: str, index: int) -> Coded:
    """The field's share of what a table codes: with its window where the method has one."""
    method = method_of(archive, variable, name)
    part = window_of(method, index, len(held.times))
    x = np.stack([held.values(variable, i) for i in range(part.start, part.stop)])
    times = None if np.isnat(held.times).any() else held.times[part]
    axis: Any = wish.axis
    coded = method.code(x, times, axis=axis, ratio=wish.ratio)
    places = None if coded.places is None else coded.places[index - part.start]
    return replace(coded, recon=coded.recon[index - part.start], places=places)


def _side(archive: Archive, held: Archive, wish: Wish, name: str, index: int) -> Side:
    key = (wish.variable, name, wish.axis, wish.ratio, index, wish.speed)
    with _lock:
        kept = _sides.setdefault(archive, OrderedDict())
        if key in kept:
            kept.move_to_end(key)
            return kept[key]
    made = _make_side(archive, held, wish, name, index)
    with _lock:
        kept[key] = made
        while len(kept) > _SIDES:
            kept.popitem(last=False)
    return made


def _make_side(archive: Archive, held: Archive, wish: Wish, name: str, index: int) -> Side:
    parts = (wish.variable, WINDS[wish.variable]) if wish.speed else (wish.variable,)
    try:
        known = method_of(archive, wish.variable, name).known(wish.ratio)
        coded = [_coded(archive, held, part, wish, name, index) for part in parts]
    except OutOfReach as error:
        row = {"method": name, "axis": wish.axis, "ratio": wish.ratio, **NOTHING, "note": str(error)}
        return Side(name, None, None, row, (), Known(), why=str(error))
    truth = _truth(held, wish.variable, index, wish.speed)
    recon = np.hypot(*(c.recon for c in coded)) if wish.speed else coded[0].recon
    floats, size = ([getattr(c, what) for c in coded] for what in ("floats", "bytes"))
    cells = len(parts) * truth.size
    note = coded[0].note or known.note
    row = {
        "method": name,
        "axis": wish.axis,
        "ratio": wish.ratio,
        "ratio_floats": cells / sum(floats) if all(floats) else None,
        "ratio_bytes": 4 * cells / sum(size) if all(size) else None,
        **scores(truth[None], recon[None], held.times[[index]], block_length(truth[None])),
        "bytes": sum(size) if all(size) else None,
        **({"note": note} if note else {}),
    }
    cards = _cards(method_of(archive, wish.variable, name), wish)
    files = {card.sha256: card.bytes for card in cards}
    maps = known.parameters - sum(card.parameters for card in known.cards)
    return Side(
        name,
        Field(recon),
        Field(recon - truth),
        plain_json(row),
        tuple(worst_places(truth, recon)),
        known,
        cards,
        sum(files.values()) + 4 * maps,
        wind=_decoded_wind(held, wish, index, coded) if wish.speed else None,
        leaves=None if coded[0].places is None else outlines_of(coded[0].places, zoom_of(truth.size)),
    )


def _decoded_wind(held: Archive, wish: Wish, index: int, coded: list[Coded]) -> Wind:
    """Arrows on the same scale as the truth's."""
    parts = {wish.variable: coded[0].recon, WINDS[wish.variable]: coded[1].recon}
    u, v = (parts[name] for name in sorted(parts))
    return Wind(u, v, _wind(held, wish.variable, index).strong)


def _cards(method: Method, wish: Wish) -> tuple[Any, ...]:
    """In bytes a field may go through any of a method's weights, in numbers through those of the ratio."""
    found: dict[str, Any] = {}
    for ratio in RATIOS if wish.axis == "bytes" else (wish.ratio,):
        try:
            found |= {card.name: card for card in method.known(ratio).cards}
        except OutOfReach:
            continue
    return tuple(found.values())
