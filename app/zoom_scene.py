"""From what a visitor of the Zoom page asks for to what can be shown: fields that go together.

Pure plans: no user interface here; it runs in a thread.
"""

from __future__ import annotations

__all__ = ["Asked", "Scene", "scene_of"]

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary, WeakSet

import numpy as np
from numpy.typing import NDArray

from app.archive_choice import archive_or_first
from app.cold import alone_at_first
from app.colours import Scale
from app.picture import WINDS
from app.sharp_field import SharpField
from app.sphere_view import Field
from app.store import Archive
from fsae_core.archive.reader import open_archive
from fsae_core.codec.calibration import CALIBRATED, LOWEST, CalibratedResolver
from fsae_core.codec.routes import BEYOND, known_zoom
from fsae_core.codec.super_resolution import SuperResolver
from fsae_core.errors import UserError
from fsae_core.evaluate.lapse_rate import lapse_rate, smooth
from fsae_core.model.refinement import NonNegative
from fsae_core.sphere.healpix import MAX_ZOOM
from fsae_core.sphere.pyramid import restrict

_COARSEST = 3
_SAMPLES = 24
_RESOLVERS = 16
_RAIN = ("tp", "pr")
_DEFAULT_LEVELS = 2
_QUICK = 6

_Key = tuple[str, int, int, str, bool]
_resolvers: WeakKeyDictionary[Archive, OrderedDict[_Key, SuperResolver]] = WeakKeyDictionary()
_lock = threading.Lock()
_used: WeakSet[SuperResolver] = WeakSet()


@dataclass(frozen=True)
class Asked:
    """What the controls say. zoom_in: of the input; zoom_out: of the estimate; calibrated: by the input's own
    scales."""

    archive: str
    variable: str
    time: str
    zoom_in: int
    zoom_out: int
    model: str
    calibrated: bool = False


@dataclass(frozen=True, eq=False)
class Scene:
    """One field at its coarse zoom, what is known of it without a network, and what will estimate the rest.

    inputs: zoom -> "" or why it cannot be the input. targets: the zooms that can be reached. models: the
    weights that can be chosen. reach: the finest zoom of which the weights say something; known: the same, of
    those up to zoom_out.
    plain: the smooth prolongation; lapse: with a lapse rate on it, for temperature only; both at zoom_out.
    truth: at the zoom `judge`, the finest at which there is some; None where the input is all there is.
    learned: the weights were trained on this time. why_not_calibrated: "" or why it cannot be.
    problems: a sentence for each thing that had to be changed and that the visitor had asked for by name.
    """

    asked: Asked
    archive: Archive
    index: int
    resolver: SuperResolver
    inputs: Mapping[int, str]
    targets: tuple[int, ...]
    models: tuple[str, ...]
    reach: int
    known: int
    coarse: Field
    plain: Field
    lapse: Field | None
    truth: Field | None
    judge: int
    scale: Scale
    learned: bool
    why_not_calibrated: str
    problems: tuple[str, ...]

    @property
    def times(self) -> NDArray[np.datetime64] | None:
        """(1,) for the resolver; None for a field without a time."""
        times = self.archive.times[self.index : self.index + 1]
        return None if np.isnat(times).any() else times

    @property
    def windy(self) -> bool:
        """Whether the variable is a component of a wind whose other one is there too."""
        return WINDS.get(self.asked.variable) in self.archive.variables

    def across(self) -> NDArray[np.float32] | None:
        """The other component of the wind on the whole sphere, estimated in the same way; None for no
        wind."""
        if not self.windy:
            return None
        a, other = self.asked, WINDS[self.asked.variable]
        values = self.archive.values(other, self.index)
        if not np.isfinite(values).all():
            return None
        coarse = np.asarray(restrict(values, self.archive.zoom - a.zoom_in), np.float32)
        resolver = _resolver(self.archive, other, a.zoom_in, a.zoom_out, a.model, False)
        return np.asarray(resolver.sphere(coarse[None], self.times)[0], np.float32)

    @property
    def smooth_zooms(self) -> int:
        """How many of the added zooms no weights know: they are smooth."""
        return max(0, self.asked.zoom_out - self.known)

    @property
    def quick(self) -> bool:
        """Whether a view takes milliseconds: at fine zooms the first one of a process takes seconds."""
        return self.asked.zoom_out <= _QUICK or self.resolver in _used

    def decoded(self) -> None:
        """A view has been decoded at zoom_out: from now on it is quick."""
        _used.add(self.resolver)

    def coarser(self, zoom: int) -> SuperResolver:
        """What estimates the same field at a zoom between: a view of the whole globe needs no finer one."""
        a = self.asked
        return _resolver(self.archive, a.variable, a.zoom_in, zoom, a.model, a.calibrated)

    def start(self) -> SharpField:
        """Nothing has been decoded yet."""
        a = self.asked
        return SharpField(self.coarse.cells, a.zoom_in, a.zoom_out, self.plain, {}, False)


def scene_of(asked: Asked, own: Mapping[str, Archive], strict: bool = False) -> Scene:
    """Open, choose, make coarse, prolong. own: the visitor's uploaded archives by name.

    strict: raise UserError for an archive that is not there; otherwise the first shipped one is shown.
    """
    return alone_at_first(lambda: _scene_of(asked, own, strict))


def _scene_of(asked: Asked, own: Mapping[str, Archive], strict: bool) -> Scene:
    archive, problems = archive_or_first(asked.archive, own, strict)
    variable = asked.variable if asked.variable in archive.variables else archive.variables[0]
    models = ("auto", "general") if archive.family else ("auto",)
    model = asked.model if asked.model in models else "auto"
    reach = known_zoom(archive.dataset, variable, model)
    inputs = _inputs(archive, variable, reach)
    zoom_in = _nearest(asked.zoom_in, [zoom for zoom, why in inputs.items() if not why])
    if zoom_in is None:
        raise UserError(
            f"{variable} of {archive.name} has zoom {archive.zoom} and nothing finer than zoom {reach} is "
            "known of it: choose another archive or a coarser file."
        )
    if zoom_in != asked.zoom_in:
        problems.append(_instead(asked.zoom_in, zoom_in, inputs))
    targets = tuple(range(zoom_in + 1, min(reach + BEYOND, MAX_ZOOM) + 1))
    zoom_out = asked.zoom_out
    if zoom_out not in targets:
        zoom_out = min(zoom_in + _DEFAULT_LEVELS, reach)
    warm = variable in CALIBRATED and archive.dataset[variable].attrs.get("units") == "K"
    why_not = _why_not_calibrated(warm, zoom_in, bool(archive.family) and model == "auto")
    calibrated = asked.calibrated and not why_not
    resolver = _resolver(archive, variable, zoom_in, zoom_out, model, calibrated)
    learned = np.zeros(len(archive.times), bool)
    for card in resolver.route.cards:
        learned |= card.trained_on(str(archive.dataset.attrs.get("fsae_name", "")), archive.times)
    index = archive.index_of(asked.time) if asked.time else None
    if index is None:
        index = int(np.argmin(learned))
    values = archive.values(variable, index)
    if not np.isfinite(values).all():
        raise UserError(
            f"{variable} of {archive.name} has missing values at {archive.labels[index] or 'its time'}, but "
            "only complete fields can be super-resolved: choose another time or fill them."
        )
    coarse = np.asarray(restrict(values, archive.zoom - zoom_in), np.float32)
    levels = zoom_out - zoom_in
    plain = smooth(coarse, levels)
    if variable in _RAIN:
        plain = NonNegative(zoom_out, zoom_in).sphere(plain[None])[0]
    judge = min(zoom_out, archive.zoom)
    truth = np.asarray(restrict(values, archive.zoom - judge), np.float32) if judge > zoom_in else None
    return Scene(
        replace(
            asked,
            archive=archive.name,
            variable=variable,
            time=archive.labels[index],
            zoom_in=zoom_in,
            zoom_out=zoom_out,
            model=model,
            calibrated=calibrated,
        ),
        archive,
        index,
        resolver,
        inputs,
        targets,
        models,
        reach,
        min(zoom_out, reach),
        Field(coarse),
        Field(plain),
        Field(lapse_rate(coarse, levels)) if warm else None,
        None if truth is None else Field(truth),
        judge,
        archive.scale(variable),
        bool(learned[index]),
        why_not,
        tuple(problems),
    )


def _why_not_calibrated(warm: bool, zoom_in: int, own: bool) -> str:
    if not warm:
        return "A lapse rate is for temperature."
    if own:
        return "The archive’s own weights lose by it."
    return "" if zoom_in >= LOWEST else f"The input has too few cells: zoom {LOWEST} at least."


def _inputs(archive: Archive, variable: str, known: int) -> dict[int, str]:
    """Zooms that an input can have: the archive's own, or coarser ones by block means."""
    found = {}
    for zoom in range(min(_COARSEST, archive.zoom), archive.zoom + 1):
        found[zoom] = "" if zoom < known else f"Nothing finer than zoom {known} is known of {variable}."
    return found


def _nearest(wanted: int, among: list[int]) -> int | None:
    return min(among, key=lambda zoom: (abs(zoom - wanted), zoom)) if among else None


def _instead(asked: int, shown: int, inputs: Mapping[int, str]) -> str:
    why = inputs.get(asked) or "It is not to be had here."
    return f"An input of zoom {asked} is not possible; zoom {shown} is shown. {why}"


def _resolver(
    archive: Archive, variable: str, zoom_in: int, zoom_out: int, model: str, calibrated: bool
) -> SuperResolver:
    """Made from some of the archive's times, for whether they are instants, and of which run, is seen from
    several together; the last few are kept, as long as the archive."""
    key = (variable, zoom_in, zoom_out, model, calibrated)
    with _lock:
        kept = _resolvers.setdefault(archive, OrderedDict())
        if key in kept:
            kept.move_to_end(key)
            return kept[key]
    count = len(archive.times)
    some = np.unique(np.linspace(0, count - 1, min(_SAMPLES, count)).astype(int))
    low = open_archive(archive.cut(variable, some.tolist()), zoom=zoom_in)
    kind = CalibratedResolver if calibrated else SuperResolver
    made = kind(low, variable, zoom_out, model=model)
    with _lock:
        kept[key] = made
        while len(kept) > _RESOLVERS:
            kept.popitem(last=False)
    return made
