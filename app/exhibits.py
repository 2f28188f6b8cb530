"""Pictures and tables of the lessons: what the last line of a cell shows, in a notebook and in the app.

Each is a piece of HTML with vector graphics in the colour of the text around it, so that it can be read on
light and dark ground and needs no script. Drawn by matplotlib, maps by `app.sphere_view`.
"""

from __future__ import annotations

__all__ = ["Exhibit", "bars", "curves", "maps", "table"]

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from app.colours import Scale, error_scale, field_scale, palette
from app.projection import Projection
from app.sphere_view import Field, Window, render
from app.state import FULL_WINDOW
from app.words import number
from fsae_core.archive.coastlines import coastline

#: Stands for the colour of the text around a picture until the picture is written.
_INK = "#010203"
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "path.simplify_threshold": 1.0,
    "font.family": "sans-serif",
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "legend.frameon": False,
    **{f"{name}.color": _INK for name in ("text", "xtick", "ytick")},
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
}
#: Colours of series, between those of the app's light and of its dark pages: read on both.
_COLOURS = ("#1f8f9a", "#b08a3c", "#8a6cbf", "#d2604f", "#5b8bd0", "#6f9f3f")


class Exhibit:
    """HTML that shows itself as the last line of a cell. alt: what it shows, for those who do not see it."""

    def __init__(self, html: str, alt: str) -> None:
        self.html, self.alt = html, alt

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.alt


def _svg(fig: Figure, alt: str, width: int, least: int = 0) -> str:
    """A figure as SVG, as wide as its place: from `least` to `width` pixels."""
    out = io.StringIO()
    salt = hashlib.sha256(alt.encode()).hexdigest()[:8]  # names within must not meet those of another picture
    with matplotlib.rc_context({"svg.hashsalt": salt}):
        fig.savefig(
            out,
            format="svg",
            transparent=True,
            bbox_inches="tight",
            pad_inches=0.04,
            metadata={"Date": None, "Creator": None},
        )
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    svg = re.sub(r"\d+\.\d{2,}(?=[ \"\n])", lambda found: f"{float(found[0]):.1f}", svg)  # a tenth of a point
    head = svg[: svg.index(">")]
    kept = " ".join(part for part in head.split(" ") if not part.startswith(("width=", "height=")))
    size = f"width:100%;min-width:{least}px;max-width:{width}px;height:auto"
    family = "<style>text{font-family:system-ui,sans-serif!important}</style>"
    return f'{kept} role="img" aria-label="{escape(alt)}" style="{size}">{family}{svg[len(head) + 1 :]}'


def _chart(fig: Figure, alt: str) -> Exhibit:
    # Narrower it could not be read: on a phone it is moved sideways.
    return Exhibit(f'<figure style="margin:8px 0;overflow-x:auto">{_svg(fig, alt, 840, 500)}</figure>', alt)


def maps(
    fields: Mapping[str, np.ndarray],
    unit: str,
    *,
    variable: str = "",
    differences: Sequence[str] = (),
    signed: bool = False,
    window: tuple[float, ...] = FULL_WINDOW,
    columns: int = 2,
) -> Exhibit:
    """Maps of fields (cells,) on the sphere by their titles, which share one colour range.

    variable: whose colours they have; differences: titles of fields with a range of their own about zero;
    signed: all of them are about zero; window: (west, east, south, north) in degrees.
    """
    shared = [cells for title, cells in fields.items() if title not in differences]
    common = error_scale(np.stack([_even(c) for c in shared])) if signed and shared else None
    if common is None and shared:
        common = field_scale(variable, np.concatenate([np.ravel(cells) for cells in shared]))
    if shared and window != FULL_WINDOW and not signed:
        images = [_image(cells, window) for cells in shared]
        common = field_scale(variable, np.concatenate([image.ravel() for image in images]))
    apart = [_even(fields[title]) for title in differences]
    other = error_scale(np.concatenate([a.ravel() for a in apart])) if apart else common
    shape = (window[1] - window[0]) / (window[3] - window[2])
    pieces = []
    for title, cells in fields.items():
        scale = other if title in differences else common
        assert scale is not None
        with matplotlib.rc_context(_STYLE):
            fig = Figure(figsize=(5, 5 / shape + 0.8), layout="constrained")
            ax = fig.subplots()
            _map(fig, ax, cells, scale, unit, window)
            ax.set_title(title)
            pieces.append(_svg(fig, f"Map: {title}, in {unit}", 640))
    # As many beside each other as are asked for, fewer where the place is narrow.
    least = f"minmax(min(100%,{280 if columns > 1 else 600}px),1fr)"
    place = f"display:grid;grid-template-columns:repeat(auto-fill,{least});gap:10px 18px"
    html = f'<figure style="margin:8px 0;max-width:{640 if columns == 1 else 470 * columns}px;{place}">'
    return Exhibit(f"{html}{''.join(pieces)}</figure>", f"Maps: {', '.join(fields)}, in {unit}.")


def _even(cells: np.ndarray) -> np.ndarray:
    return np.asarray(cells, np.float64).ravel()


def _image(cells: np.ndarray, window: tuple[float, ...]) -> np.ndarray:
    west, east, south, north = window
    width = 480
    height = max(60, round(width * (north - south) / (east - west)))
    return render(Field(np.ravel(cells)), Projection(), Window(west, east, south, north, width, height))


def _map(
    fig: Figure, ax: Axes, cells: np.ndarray, scale: Scale, unit: str, window: tuple[float, ...]
) -> None:
    west, east, south, north = window
    colours = ListedColormap(list(palette(scale.palette)))
    image = ax.imshow(
        _image(cells, window),
        extent=(west, east, south, north),
        origin="lower",
        cmap=colours,
        vmin=scale.low,
        vmax=scale.high,
        interpolation="nearest",
    )
    lon, lat = coastline("110m" if east - west > 120 else "50m").T
    ax.plot(lon, lat, color="#101010", lw=0.5)
    ax.set_xlim(west, east)
    ax.set_ylim(south, north)
    ax.set_xticks([])
    ax.set_yticks([])
    bar = fig.colorbar(image, ax=ax, orientation="horizontal", fraction=0.05, pad=0.03, aspect=36)
    bar.set_label(unit)


def curves(
    x: Sequence[Any] | np.ndarray,
    lines: Mapping[str, Sequence[float] | np.ndarray],
    *,
    x_label: str = "",
    y_label: str = "",
    log: str = "",
    dots: bool = False,
    spans: Mapping[str, tuple[Any, Any]] | None = None,
    zero: bool = False,
) -> Exhibit:
    """Curves over one x. log: axes that are logarithmic ("x", "y", "xy"); dots: points on the curves; spans:
    stretches of x that are shaded, by name; zero: a line at 0."""
    with matplotlib.rc_context(_STYLE):
        fig = Figure(figsize=(8.4, 3.4), layout="constrained")
        ax = fig.subplots()
        for i, (name, y) in enumerate(lines.items()):
            marker: dict[str, Any] = {"marker": "o", "ms": 5} if dots else {}
            ax.plot(x, y, color=_COLOURS[i % len(_COLOURS)], lw=1.6, label=name, **marker)
        for axis in log:
            getattr(ax, f"set_{axis}scale")("log")
        if "x" in log:
            ax.set_xticks(list(x), [f"{value:g}" for value in x])
            ax.minorticks_off()
        if zero:
            ax.axhline(0, color=_INK, lw=0.6, ls=(0, (4, 3)))
        for name, (left, right) in (spans or {}).items():
            ax.axvspan(left, right, color="#d2604f", alpha=0.16, lw=0)
            ax.annotate(name, (left, 1.0), xycoords=("data", "axes fraction"), va="top", xytext=(3, -2),
                        textcoords="offset points")  # fmt: skip
        ax.set_xlabel(x_label)
        ax.set_ylabel(y_label)
        ax.grid(color=_INK, alpha=0.12, lw=0.6)
        if len(lines) > 1:
            ax.legend()
    return _chart(fig, f"Curves of {', '.join(lines)} against {x_label}: {y_label}.")


def bars(
    names: Sequence[str],
    groups: Mapping[str, Sequence[float] | np.ndarray],
    *,
    x_label: str = "",
    y_label: str = "",
    line: float | None = None,
) -> Exhibit:
    """Bars by name, one for each group. line: a height to compare with."""
    with matplotlib.rc_context(_STYLE):
        fig = Figure(figsize=(8.4, 3.2), layout="constrained")
        ax = fig.subplots()
        places = np.arange(len(names))
        wide = 0.8 / len(groups)
        for i, (name, heights) in enumerate(groups.items()):
            at = places + (i - (len(groups) - 1) / 2) * wide
            ax.bar(at, heights, wide * 0.92, color=_COLOURS[i % len(_COLOURS)], label=name)
        ax.set_xticks(places, list(names))
        if line is not None:
            ax.axhline(line, color=_INK, lw=0.8, ls=(0, (4, 3)))
        ax.set_xlabel(x_label)
        ax.set_ylabel(y_label)
        ax.grid(axis="y", color=_INK, alpha=0.12, lw=0.6)
        if len(groups) > 1:
            ax.legend()
    return _chart(fig, f"Bars of {', '.join(groups)} for {', '.join(names)}: {y_label}.")


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]], caption: str = "") -> Exhibit:
    """A table of words and numbers; numbers with three digits that count."""
    cell = 'style="text-align:{};padding:3px 16px 3px 0;border-bottom:1px solid rgba(128,128,128,.35)"'
    left, right = cell.format("left"), cell.format("right")

    def words(value: Any) -> str:
        return escape(number(float(value)) if isinstance(value, float | np.floating) else str(value))

    head = "".join(
        f'<th scope="col" {left if i == 0 else right}>{escape(h)}</th>' if h else f"<td {right}></td>"
        for i, h in enumerate(heads)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row" {left}>{words(value)}</th>' if i == 0 else f"<td {right}>{words(value)}</td>"
            for i, value in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    said = f'<caption style="caption-side:top;text-align:left">{escape(caption)}</caption>' if caption else ""
    html = (
        '<table style="border-collapse:collapse;margin:8px 0;font-variant-numeric:tabular-nums;'
        'background:none">'
        f"{said}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
    return Exhibit(html, caption or f"Table of {', '.join(heads)}.")
