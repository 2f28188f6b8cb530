"""What is computed for a view of the Zoom page and, beside it, for the whole sphere.

Pure plans: no user interface here; both run in threads.
"""

from __future__ import annotations

__all__ = ["Glance", "Globe", "Numbers", "Row", "ViewMade", "Wish", "made_globe", "made_view"]

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.bookmarks import PLACES
from app.sharp_field import SharpField
from app.view_region import Look, decoded_cells, drawn_zoom, visible_cells
from app.zoom_scene import Asked, Scene
from fsae_core.evaluate.within import Detail, detail, power_within, rmse_within
from fsae_core.sphere.box import box_cells
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.pyramid import restrict

Index = NDArray[np.int64]
Floats = NDArray[np.float32]

SHARP, SMOOTH, LAPSE, TRUTH = "sharp", "smooth", "lapse", "truth"


@dataclass(frozen=True)
class Wish:
    """A field that is asked for; where one looks decides only what of it is decoded first."""

    asked: Asked
    look: Look = field(compare=False)


@dataclass(frozen=True, eq=False)
class Glance:
    """A view of the field on the screen that is asked for."""

    scene: Scene
    sharp: SharpField
    look: Look


@dataclass(frozen=True)
class Numbers:
    """Figures of a part of the sphere at one zoom.

    zoom: at which they were taken. cells: how many there are. rmse: by method; empty without a truth.
    nearer: share of the area where the lapse rate is nearer to the truth than the super-resolved field.
    power: by method, of each zoom from one below the input's. added: RMS of super-resolved minus smooth.
    """

    zoom: int
    cells: int
    rmse: Mapping[str, float]
    nearer: float
    power: Mapping[str, Mapping[int, float]]
    added: float

    def power_ratio(self, zoom_in: int, method: str = SHARP) -> dict[int, float]:
        """Power at the added zooms over truth's; empty without a truth, NaN where that has none."""
        if TRUTH not in self.power:
            return {}
        made, true = self.power[method], self.power[TRUTH]
        return {z: made[z] / true[z] if true[z] > 0 else np.nan for z in made if z > zoom_in}


@dataclass(frozen=True)
class ViewMade:
    """A view: what is known of the field now, at which zoom the view is drawn, and its figures, if all that
    they need is known."""

    look: Look
    sharp: SharpField
    zoom: int
    numbers: Numbers | None


@dataclass(frozen=True)
class Row:
    """A place's figures. detail: by method (`Detail`)."""

    name: str
    rmse: Mapping[str, float]
    detail: Mapping[str, Detail]
    power: Mapping[int, float]


@dataclass(frozen=True, eq=False)
class Globe:
    """The whole sphere: the field at zoom_out, its figures, and those of the places; across: the other
    component, of a wind."""

    scene: Scene
    values: Floats
    rmse: Mapping[str, float]
    rows: tuple[Row, ...]
    across: Floats | None = None


def made_view(scene: Scene, sharp: SharpField, look: Look) -> ViewMade:
    """Decode what the window shows and is not known yet, and take its figures."""
    zoom_in, zoom_out = scene.asked.zoom_in, scene.asked.zoom_out
    zoom = zoom_out if sharp.whole else drawn_zoom(look, zoom_in, zoom_out)
    if not sharp.has(zoom, visible_cells(look, zoom)):
        cells = decoded_cells(look, zoom)
        sharp = sharp.with_part(zoom, cells, _part(scene, zoom, cells))
    return ViewMade(look, sharp, zoom, _numbers(scene, sharp, look, zoom))


def _part(scene: Scene, zoom: int, cells: Index) -> Floats:
    resolver = scene.resolver if zoom == scene.asked.zoom_out else scene.coarser(zoom)
    if len(cells) == n_cells(zoom):
        return resolver.sphere(scene.coarse.cells[None], scene.times)[0]
    values = resolver.part(scene.coarse.cells[None], resolver.view(cells), scene.times)[0]
    if zoom == scene.asked.zoom_out:
        scene.decoded()
    return values


def _numbers(scene: Scene, sharp: SharpField, look: Look, zoom: int) -> Numbers | None:
    at = scene.judge if scene.truth is not None else zoom
    if at > zoom:
        return None  # the view is drawn coarser than there is a truth: wait for the sphere
    cells = visible_cells(look, at)
    if len(cells) == 0:
        return None
    fields = {SMOOTH: scene.plain.at(at)[:-1], SHARP: sharp.field.at(at)[:-1]}
    if scene.lapse is not None:
        fields[LAPSE] = scene.lapse.at(at)[:-1]
    rmse: dict[str, float] = {}
    nearer = np.nan
    if scene.truth is not None:
        truth = scene.truth.at(at)[:-1]
        rmse = {name: rmse_within(truth, x, cells) for name, x in fields.items()}
        if scene.lapse is not None:
            ours, theirs = (np.abs(fields[name][cells] - truth[cells]) for name in (SHARP, LAPSE))
            nearer = float((theirs < ours).mean())
        fields[TRUTH] = truth
    coarsest = max(scene.asked.zoom_in - 1, 1)
    power = {name: power_within(x, cells, coarsest) for name, x in fields.items()}
    added = float(np.sqrt(np.mean((fields[SHARP][cells] - fields[SMOOTH][cells]).astype(np.float64) ** 2)))
    return Numbers(at, len(cells), rmse, nearer, power, added)


def made_globe(scene: Scene) -> Globe:
    """The whole sphere, for figures that need all of it; only where there is a truth."""
    assert scene.truth is not None
    values = scene.resolver.sphere(scene.coarse.cells[None], scene.times)[0]
    truth = scene.truth.cells
    levels = scene.asked.zoom_out - scene.judge
    fields = {SMOOTH: scene.plain.at(scene.judge)[:-1], SHARP: np.asarray(restrict(values, levels))}
    if scene.lapse is not None:
        fields[LAPSE] = scene.lapse.at(scene.judge)[:-1]
    everywhere = np.arange(truth.size)
    rows = [_row(scene, place.name, fields, box_cells(place.box, scene.judge)) for place in PLACES]
    rows.append(_row(scene, "Whole globe", fields, everywhere))
    return Globe(scene, np.asarray(values, np.float32), rows[-1].rmse, tuple(rows), scene.across())


def _row(scene: Scene, name: str, fields: Mapping[str, Floats], cells: Index) -> Row:
    assert scene.truth is not None
    truth = scene.truth.cells
    plain = fields[SMOOTH][cells]
    made = {key: x[cells] for key, x in fields.items()}
    coarsest = scene.asked.zoom_in + 1
    true, ours = (power_within(x, cells, coarsest) for x in (truth, fields[SHARP]))
    return Row(
        name,
        {key: rmse_within(truth, x, cells) for key, x in fields.items()},
        {key: detail(truth[cells], plain, x) for key, x in made.items() if key != SMOOTH},
        {zoom: ours[zoom] / true[zoom] if true[zoom] > 0 else np.nan for zoom in true},
    )
