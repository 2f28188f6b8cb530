"""The shipped relief over maps: contours or a shading, for the window of now.

Both are those of the ground as `fsae_core.archive.statics` has it (a quarter of a degree), interpolated
between its cells, so that steps of the field are not taken for steps of the ground.
"""

from __future__ import annotations

__all__ = ["LEVELS", "Relief", "ReliefPane", "contours", "heights", "shading"]

from functools import lru_cache

import numpy as np
from bokeh.models import CDSView, ColumnDataSource, Image, Line, LinearColorMapper
from bokeh.plotting import figure as Figure
from bokeh.plotting.contour import contour_data
from numpy.typing import NDArray

from app.map_pane import MapPane
from app.view_region import Look
from fsae_core.archive.statics import STATIC_ZOOM, static_fields
from fsae_core.sphere.healpix import face_point, xyf_cell
from fsae_core.sphere.pyramid import restrict

Floats = NDArray[np.float32]

LEVELS = (500.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0)
"""Heights of the contours, metres."""
_WIDTH, _HEIGHT = 320, 160
_SHADES = 41
_DARK = 0.5  # opacity of the deepest shadow
_LIGHT = 0.3
_KM_PER_UNIT = 111.2
_STEEP = 0.08  # a slope, at the window's own scale, that is half shaded


@lru_cache(maxsize=8)
def heights(look: Look) -> Floats:
    """Metres above the sea, (height, width) of a fixed size, bottom row first; NaN beside the map."""
    w = look.window
    x = w.x0 + (np.arange(_WIDTH) + 0.5) * (w.x1 - w.x0) / _WIDTH
    y = w.y0 + (np.arange(_HEIGHT) + 0.5) * (w.y1 - w.y0) / _HEIGHT
    lon, lat = look.projection.inverse(x[None, :], y[:, None])
    here = np.isfinite(lon)
    # No finer than a pixel: the ground between would only be noise.
    pixel = (w.x1 - w.x0) / _WIDTH
    zoom = int(np.clip(np.ceil(np.log2(58.6 / max(pixel, 1e-6))), 3, STATIC_ZOOM))
    out = np.full(lon.shape, np.nan, np.float32)
    out[here] = _between(_ground(zoom), zoom, lon[here], lat[here])
    out.setflags(write=False)
    return out


@lru_cache(maxsize=8)
def _ground(zoom: int) -> Floats:
    return np.asarray(restrict(static_fields(STATIC_ZOOM)["orography"], STATIC_ZOOM - zoom), np.float32)


def _between(field: Floats, zoom: int, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Floats:
    """Bilinear between cell centres of a face; at its edges the nearest cell of the face."""
    n = 2**zoom
    x, y, face = face_point(lon, lat)
    u, v = np.clip(x * n - 0.5, 0, n - 1), np.clip(y * n - 0.5, 0, n - 1)
    i, j = np.minimum(u.astype(np.int64), n - 2), np.minimum(v.astype(np.int64), n - 2)
    fu, fv = (u - i).astype(np.float32), (v - j).astype(np.float32)
    low = field[xyf_cell(i, j, face, zoom)] * (1 - fu) + field[xyf_cell(i + 1, j, face, zoom)] * fu
    high = field[xyf_cell(i, j + 1, face, zoom)] * (1 - fu) + field[xyf_cell(i + 1, j + 1, face, zoom)] * fu
    return np.asarray(low * (1 - fv) + high * fv, np.float32)


def contours(look: Look) -> tuple[Floats, Floats]:
    """Contours of `LEVELS` as one NaN-separated curve (x, y) in projection units."""
    w, z = look.window, heights(look)
    x = w.x0 + (np.arange(_WIDTH) + 0.5) * (w.x1 - w.x0) / _WIDTH
    y = w.y0 + (np.arange(_HEIGHT) + 0.5) * (w.y1 - w.y0) / _HEIGHT
    masked = np.ma.masked_invalid(z)
    lines = contour_data(x, y, masked, list(LEVELS), want_fill=False, want_line=True).line_data
    empty = np.empty(0, np.float32)
    if lines is None:
        return empty, empty
    gap = np.array([np.nan], np.float32)
    xs, ys = [empty], [empty]
    for px, py in zip(lines.xs, lines.ys, strict=True):
        xs += [np.asarray(px, np.float32), gap]
        ys += [np.asarray(py, np.float32), gap]
    return np.concatenate(xs), np.concatenate(ys)


def shading(look: Look) -> Floats:
    """Light from the north-west on the ground: -1 (dark) to 1 (light), NaN where level, (height, width)."""
    w, z = look.window, heights(look)
    dx = (w.x1 - w.x0) / _WIDTH * _KM_PER_UNIT * 1000
    dy = (w.y1 - w.y0) / _HEIGHT * _KM_PER_UNIT * 1000
    up, across = np.gradient(np.nan_to_num(z))
    slope = (up / dy - across / dx) / np.sqrt(2)  # rising towards the light is dark, away from it light
    typical = _STEEP * 20_000 / max(dx, 20_000)  # at a smaller scale slopes are gentler
    light = np.tanh(-slope / typical * 4).astype(np.float32)
    light[~np.isfinite(z) | (np.abs(light) < 0.02)] = np.nan
    return light


def _shades() -> list[str]:
    """Black over white, from opaque to clear and back."""
    t = np.linspace(-1, 1, _SHADES)
    alpha = np.where(t < 0, -t * _DARK, t * _LIGHT)
    return [f"#{'000000' if v < 0 else 'ffffff'}{round(255 * a):02x}" for v, a in zip(t, alpha, strict=True)]


class Relief:
    """What the panes of one session share: lines and shading; `show` makes them follow the window."""

    def __init__(self) -> None:
        self.lines = ColumnDataSource({"x": [], "y": []})
        self.shade = ColumnDataSource(_blank())
        self.mapper = LinearColorMapper(palette=_shades(), low=-1, high=1, nan_color="rgba(0, 0, 0, 0)")
        self.line_view, self.shade_view = CDSView(), CDSView()
        self._shown: tuple[str, Look | None] = ("off", None)

    def show(self, kind: str, look: Look) -> None:
        """kind: off, contours or shaded."""
        wanted = (kind, None if kind == "off" else look)
        if wanted == self._shown:
            return
        before, self._shown = self._shown[0], wanted
        if kind == "contours":
            x, y = contours(look)
            self.lines.data = {"x": x, "y": y}
        elif before == "contours":
            self.lines.data = {"x": [], "y": []}
        if kind == "shaded":
            w = look.window
            place = {"x": [w.x0], "y": [w.y0], "dw": [w.x1 - w.x0], "dh": [w.y1 - w.y0]}
            self.shade.data = {"image": [shading(look)], **place}
        elif before == "shaded":
            self.shade.data = _blank()


def _blank() -> dict[str, list]:
    return {"image": [np.full((2, 2), np.nan, np.float32)], "x": [0.0], "y": [0.0], "dw": [1.0], "dh": [1.0]}


class ReliefPane(MapPane):
    """A map with the relief over it."""

    relief: Relief

    def _figure(self) -> Figure:
        fig = super()._figure()
        shade = Image(image="image", x="x", y="y", dw="dw", dh="dh", color_mapper=self.relief.mapper)
        fig.add_glyph(self.relief.shade, shade, level="image", view=self.relief.shade_view)
        lines = Line(x="x", y="y", line_width=0.8, line_alpha=0.75)
        fig.add_glyph(self.relief.lines, lines, view=self.relief.line_view)
        lines.line_color = "#3b2a12"
        return fig
