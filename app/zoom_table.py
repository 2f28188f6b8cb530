"""The Zoom page's table of places and its account of how an estimate was made and what it is worth.

Pure: it knows fields and numbers, not widgets.
"""

from __future__ import annotations

__all__ = ["SHEET", "about", "table", "table_csv"]

import csv
import io
from html import escape

from app.words import number
from app.zoom_scene import Scene
from app.zoom_view import LAPSE, SHARP, SMOOTH, Globe
from app.zoom_words import count, ratio

_NAMES = {SMOOTH: "interpolation", LAPSE: "lapse rate", SHARP: "super-resolved"}
SHEET = """
:host { font: 13px/1.5 var(--sans); color: var(--ink); }
p, table { font-family: var(--sans); }
p { margin: 0 0 6px; max-width: 110ch; color: var(--ink-soft); }
strong, b { color: var(--ink); font-weight: 650; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 6px 0 8px; }
th, td { padding: 4px 12px 4px 0; text-align: right; white-space: nowrap; font-weight: 400; }
th { color: var(--ink-soft); font-size: 12px; }
thead th[colspan] { text-align: left; padding-left: 18px; border-bottom: 1px solid var(--line); }
tbody th { text-align: left; color: var(--ink); font-size: 13px; }
tbody tr { border-top: 1px solid var(--hair); }
tbody tr[aria-current] { background: var(--hair); }
"""


def about(scene: Scene, globe: Globe | None) -> str:
    """How the estimate was made and what it is worth, as HTML."""
    a, archive = scene.asked, scene.archive
    source = (
        f"The input is {escape(archive.title)} as it is"
        if a.zoom_in == archive.zoom
        else f"The input is made from {escape(archive.title)} by means over its cells"
    )
    parts = [
        f"{source}: {count(a.zoom_in)}. The estimate: {escape(scene.resolver.route.method)}. No pairs of "
        "coarse and fine fields were learned from for this; means over the input’s cells are kept."
    ]
    if a.calibrated:
        parts.append(
            "Calibrated: a factor and a lapse rate were fitted to what is known, the input’s finest zoom, "
            "and taken to the zooms that are sought. It helps on fields unlike those that the weights know."
        )
    if scene.smooth_zooms:
        first, last = scene.known + 1, a.zoom_out
        zooms = f"Zoom {first} is" if first == last else f"Zooms {first} to {last} are"
        parts.append(
            f"<strong>{zooms} beyond what the weights know</strong> of {escape(a.variable)} here: smooth "
            f"prolongation from zoom {scene.known}, finer cells without finer detail."
        )
    if scene.known > 6 and a.zoom_out > 6:
        parts.append(
            "Beyond zoom 6 the weights have learned little: on fields of another model they are worth about "
            "as much as a lapse rate there, with about half of the true small scales."
        )
    parts.append(
        "It is one field near the mean of all that are possible, not an observation: small scales are weaker "
        "than in truth, and what the coarse cells do not tell is left out or, where the surface misleads, "
        "wrong."
    )
    if scene.truth is None:
        parts.append("To see what it is worth, choose an input that is coarser than the archive.")
    if scene.learned:
        parts.append("The weights were trained on this very time: it looks better here than on new ones.")
    if archive.simulated:
        parts.append("The archive is simulated: neither an observation nor a forecast.")
    if globe is not None:
        parts.append(_verdict(globe))
    return "".join(f"<p>{part}</p>" for part in parts)


def _verdict(globe: Globe) -> str:
    places = globe.rows[:-1]
    if LAPSE not in globe.rmse:
        worse = [row.name for row in places if row.rmse[SHARP] >= row.rmse[SMOOTH]]
        return _sentence("interpolation", worse, len(places))
    return _sentence("a lapse rate", [r.name for r in places if r.rmse[LAPSE] < r.rmse[SHARP]], len(places))


def _sentence(other: str, wins: list[str], count: int) -> str:
    if not wins:
        return f"The super-resolved field is nearer to the truth than {other} in all of the {count} places."
    return f"Of the {count} places, {other} is nearer to the truth in: {escape(', '.join(wins))}."


def table(globe: Globe, unit: str, here: str = "") -> str:
    """Where it helps and where it invents, as HTML; a row's smallest error is bold. here: a place's name."""
    methods = [m for m in (SMOOTH, LAPSE, SHARP) if m in globe.rmse]
    zooms = list(globe.rows[0].power)
    head = "".join(f'<th scope="col">{_NAMES[m]}</th>' for m in methods)
    judged = [m for m in methods if m != SMOOTH]
    span = "".join(f'<th scope="col">{_NAMES[m]}</th>' for m in judged)
    power = "".join(f'<th scope="col">zoom {zoom}</th>' for zoom in zooms)
    rows = []
    for row in globe.rows:
        best = min(row.rmse, key=lambda m: row.rmse[m])
        cells = [
            f"<td>{'<b>' if m == best else ''}{number(row.rmse[m])}{'</b>' if m == best else ''}</td>"
            for m in methods
        ]
        cells += [f"<td>{ratio(row.detail[m].spread)}</td>" for m in judged]
        cells += [f"<td>{ratio(row.detail[m].correlation)}</td>" for m in judged]
        cells += [f"<td>{ratio(row.power[zoom])}</td>" for zoom in zooms]
        mark = ' aria-current="true"' if row.name == here else ""
        rows.append(f'<tr{mark}><th scope="row">{escape(row.name)}</th>{"".join(cells)}</tr>')
    groups = (
        (f"RMSE, {escape(unit)}" if unit else "RMSE", len(methods)),
        ("Spread of detail, of truth’s", len(judged)),
        ("Correlation with truth’s", len(judged)),
        ("Power, of truth’s", len(zooms)),
    )
    top = "".join(f'<th colspan="{n}" scope="colgroup">{name}</th>' for name, n in groups)
    return (
        f'<table><thead><tr><th rowspan="2" scope="col">Place</th>{top}</tr>'
        f"<tr>{head}{span}{span}{power}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        "<p>Detail is what a method adds to interpolation, beside what that misses. A spread below 1: less "
        "than there is. A low correlation: what is added is not what is missing, it is invented.</p>"
    )


def table_csv(globe: Globe) -> bytes:
    """The same as CSV."""
    scene = globe.scene
    methods = [m for m in (SMOOTH, LAPSE, SHARP) if m in globe.rmse]
    judged = [m for m in methods if m != SMOOTH]
    zooms = list(globe.rows[0].power)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        [
            "archive",
            "variable",
            "unit",
            "time",
            "zoom_in",
            "zoom_out",
            "zoom_of_truth",
            "place",
            *(f"rmse_{_NAMES[m].replace(' ', '_').replace('-', '_')}" for m in methods),
            *(f"detail_spread_{_NAMES[m].replace(' ', '_').replace('-', '_')}" for m in judged),
            *(f"detail_correlation_{_NAMES[m].replace(' ', '_').replace('-', '_')}" for m in judged),
            *(f"power_super_resolved_zoom_{zoom}" for zoom in zooms),
        ]
    )
    a = scene.asked
    unit = str(scene.archive.dataset[a.variable].attrs.get("units", ""))
    for row in globe.rows:
        writer.writerow(
            [
                a.archive,
                a.variable,
                unit,
                a.time,
                a.zoom_in,
                a.zoom_out,
                scene.judge,
                row.name,
                *(f"{row.rmse[m]:.6g}" for m in methods),
                *(f"{row.detail[m].spread:.4f}" for m in judged),
                *(f"{row.detail[m].correlation:.4f}" for m in judged),
                *(f"{row.power[zoom]:.4f}" for zoom in zooms),
            ]
        )
    return out.getvalue().encode()
