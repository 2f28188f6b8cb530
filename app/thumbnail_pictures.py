"""The five small pictures of the landing page, each made by what its page shows, of what its page opens with.

Plain data in, HTML out: an image as a data address or a drawing in SVG, and one line that says what it is.
"""

from __future__ import annotations

__all__ = ["MAKERS"]

from collections.abc import Callable, Mapping

import numpy as np

from app import ensemble_store, store
from app.atlases import named_atlas
from app.bookmarks import PLACES
from app.cards import png_address
from app.colours import Scale, error_scale, field_scale, palette
from app.compare_state import method_name
from app.compare_tables import known_table
from app.compress_state import CompressState
from app.ensemble_state import COMPUTED, EnsembleState
from app.latent_state import LatentState
from app.method_colours import colour_of
from app.projection import Projection
from app.quantities import coloured
from app.resolve import Asked, resolve
from app.sphere_view import Field, Window, render
from app.still import still
from app.thumbnails import Thumbnail
from app.view_region import Look
from app.words import count, number
from app.zoom_scene import Asked as ZoomAsked
from app.zoom_scene import scene_of
from app.zoom_state import ZoomState
from app.zoom_view import SHARP, SMOOTH, made_view
from fsae_core.archive.coastlines import coastline

_WIDTH, _HEIGHT = 360, 180
_FLAT = Projection()
_METHODS = ("zfp", "sz3", "sht", "jpeg2000", "cnn-vae", "fs-ae")
_MEMBERS = 6


def _png(picture: np.ndarray, scale: Scale, window: Window) -> bytes:
    lon, lat = coastline("50m" if window.x1 - window.x0 < 90 else "110m").T
    height, width = picture.shape
    x = (lon - window.x0) * (width / (window.x1 - window.x0))
    y = (lat - window.y0) * (height / (window.y1 - window.y0))
    return still(picture, palette(scale.palette), scale.low, scale.high, (x, y))


def _halves(left: Field, right: Field, scale: Scale, window: Window) -> str:
    """Two fields in one window, one left and one right of its middle."""
    return _images("halves", [_png(render(field, _FLAT, window), scale, window) for field in (right, left)])


def _images(kind: str, pictures: list[bytes]) -> str:
    images = "".join(f'<img alt="" src="{png_address(png)}">' for png in pictures)
    return f'<span class="{kind}">{images}</span>'


def _compress() -> Thumbnail:
    s = CompressState()
    shown = resolve(Asked(s.archive, s.variable, s.time, s.method, s.ratio), {})
    p, unit = shown.picture, shown.archive.unit(shown.asked.variable)
    few, many = (count(field.cells.size) for field in (p.compressed, p.recon))
    line = f"{few} values, left, make {many}, right: RMSE {number(p.sums.rmse)} {unit}"
    return Thumbnail(_halves(p.compressed, p.recon, shown.scale, Window(width=_WIDTH, height=_HEIGHT)), line)


def _compare() -> Thumbnail:
    s = CompressState()
    archive = store.named_archive(s.archive)
    table = known_table(archive, s.variable)
    curves = {
        m: [(r["ratio_bytes"], r["rmse"]) for r in table.rows if r["method"] == m and r["axis"] == "bytes"]
        for m in _METHODS
    }
    curves = {m: [(x, y) for x, y in its if x and y] for m, its in curves.items()}
    at = {m: table.row(m, "bytes", s.ratio) for m in ("fs-ae", "jpeg2000")}
    unit = archive.unit(s.variable)
    said = [f"{method_name(m)} {number(row['rmse'])} {unit}" for m, row in at.items() if row and row["rmse"]]
    return Thumbnail(_chart(curves), f"RMSE at {s.ratio}× fewer bytes: {', '.join(said)}")


def _chart(curves: Mapping[str, list[tuple[float, float]]]) -> str:
    """Curves on logarithmic axes, the first method's under the others."""
    every = np.log([point for its in curves.values() for point in its])
    low, high = every.min(axis=0), every.max(axis=0)
    box = np.array([[22.0, _HEIGHT - 20.0], [_WIDTH - 18.0, 16.0]])
    lines = []
    for method, its in curves.items():
        if its:
            places = box[0] + (np.log(its) - low) / np.where(high > low, high - low, 1) * (box[1] - box[0])
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            width, colour = 4.5 if method == "fs-ae" else 2.2, colour_of(method)
            lines.append(f'<polyline points="{points}" stroke="{colour}" stroke-width="{width}"/>')
            lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{width}" fill="{colour}"/>' for x, y in places]
    (x0, y0), (x1, y1) = box
    axes = f'<path class="axes" d="M{x0 - 10} {y1}V{y0 + 10}H{x1}"/>'
    return _drawing(axes + f'<g fill="none" stroke-linejoin="round">{"".join(lines)}</g>')


def _drawing(inside: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" aria-hidden="true">{inside}</svg>'


def _zoom() -> Thumbnail:
    s = ZoomState()
    scene = scene_of(
        ZoomAsked(s.archive, s.variable, s.time, s.zoom_in, s.zoom_out, s.model, s.calibrated), {}
    )
    x0, x1, y0, y1 = s.window
    window = Window(x0, x1, y0, y1, _WIDTH, _HEIGHT)
    view = made_view(scene, scene.start(), Look(_FLAT, window))
    seen = render(view.sharp.field, _FLAT, window)
    place = next(p.name for p in PLACES if p.key == "himalaya")
    line = f"{place}, zoom {s.zoom_in} made zoom {s.zoom_out}"
    if view.numbers is not None and view.numbers.rmse:
        unit, rmse = scene.archive.unit(s.variable), view.numbers.rmse
        line += f": RMSE {number(rmse[SHARP])} {unit}, interpolation {number(rmse[SMOOTH])} {unit}"
    return Thumbnail(_halves(scene.coarse, view.sharp.field, field_scale(s.variable, seen), window), line)


def _latent() -> Thumbnail:
    opened = named_atlas(LatentState().archive)
    places = opened.places("deseasonalised")
    year = coloured(opened.atlas.table, "year", opened.unit)
    colours = palette(year.palette)
    share = (year.values - year.low) / (year.high - year.low)
    low, high = places.min(axis=0), places.max(axis=0)
    xy = np.array([14.0, 10.0]) + (places - low) / (high - low) * [_WIDTH - 28.0, _HEIGHT - 20.0]
    dots = "".join(
        f'<circle cx="{x:.0f}" cy="{_HEIGHT - y:.0f}" r="3.4" fill="{colours[int(255 * s)]}"/>'
        for (x, y), s in zip(xy, np.clip(share, 0, 1), strict=True)
    )
    first, last = opened.labels[0][:4], opened.labels[-1][:4]
    line = f"{len(opened)} months less their season, coloured from {first} to {last} · simulated"
    return Thumbnail(_drawing(dots), line)


def _ensemble() -> Thumbnail:
    s = EnsembleState()
    wish = ensemble_store.Wish(**{name: getattr(s, name) for name in COMPUTED})
    usual = ensemble_store.climatology(wish.month, wish.days, wish.zoom)[0]
    window = Window(width=_WIDTH // 3, height=_HEIGHT // 2 - 3)
    fields = [ensemble_store.draw(wish.request, k, lambda: False).fields[0] - usual for k in range(_MEMBERS)]
    scale = error_scale(np.stack(fields))
    tiles = [_png(render(Field(field), _FLAT, window), scale, window) for field in fields]
    line = f"{_MEMBERS} draws of {wish.month}, less its climatology · simulated"
    return Thumbnail(_images("tiles", tiles), line)


#: By the page's key, in the order in which they are made.
MAKERS: Mapping[str, Callable[[], Thumbnail]] = {
    "compress": _compress,
    "compare": _compare,
    "zoom": _zoom,
    "latent": _latent,
    "ensemble": _ensemble,
}
