"""What the Zoom page says: titles, figures, notes, the table of places, how the estimate was made.

Pure: it knows fields and numbers, not widgets.
"""

from __future__ import annotations

__all__ = ["about", "describe", "table", "table_csv"]

import csv
import io
from collections.abc import Mapping
from html import escape

import numpy as np

from app.words import number
from app.zoom_scene import Scene
from app.zoom_view import LAPSE, SHARP, SMOOTH, Globe, Numbers
from fsae_core.evaluate.lapse_rate import STANDARD
from fsae_core.sphere.healpix import n_cells

_NAMES = {SMOOTH: "interpolation", LAPSE: "lapse rate", SHARP: "super-resolved"}
_WAIT = "…"


def describe(
    scene: Scene, numbers: Numbers | None, globe: Globe | None, against: str, refining: bool
) -> dict[str, str]:
    """All of the page's words but those of the table. refining: the view is about to become sharper."""
    a, archive = scene.asked, scene.archive
    unit = archive.unit(a.variable)
    label = archive.labels[scene.index]
    when = (label.replace("T", "\u2002") + (" UTC" if "T" in label else "")) if label else "no time given"
    name = archive.long_name(a.variable)
    mark = " · simulated" if archive.simulated else ""
    return {
        "title": f"{name[:1].upper()}{name[1:]}",
        "when": f"{when} · zoom {a.zoom_in} → {a.zoom_out}"
        + (" · the weights were trained on it" if scene.learned else ""),
        "simulated": "Simulated: not an observation, not a forecast" if archive.simulated else "",
        "attribution": archive.attribution,
        **_metrics(scene, numbers, globe, unit),
        **{key: f"{note}{mark}" for key, note in _notes(scene, numbers, against, refining, unit).items()},
    }


def _metrics(scene: Scene, numbers: Numbers | None, globe: Globe | None, unit: str) -> dict[str, str]:
    rmse = numbers.rmse if numbers else {}
    everywhere = globe.rmse if globe else {}
    out: dict[str, str] = {}
    best = min(rmse, key=lambda name: rmse[name]) if rmse else ""
    for method in (SMOOTH, LAPSE, SHARP):
        out[method], out[f"{method}_note"] = _rmse(scene, method, rmse, everywhere, best, unit)
    share = rmse[SHARP] / rmse[SMOOTH] if rmse and rmse[SMOOTH] > 0 else np.nan
    out["share"] = f"{100 * share:.0f} %" if np.isfinite(share) else _nothing(scene)
    out["share_note"] = "of interpolation’s"
    if everywhere and everywhere[SMOOTH] > 0:
        out["share_note"] += f"; globe {100 * everywhere[SHARP] / everywhere[SMOOTH]:.0f} %"
    if scene.truth is None:
        out["share_note"] = f"detail added: {number(numbers.added)} {unit}" if numbers else ""
    ratio = numbers.power_ratio(scene.asked.zoom_in) if numbers else {}
    out["power"] = " · ".join(_ratio(value) for value in ratio.values()) or _nothing(scene)
    zooms = " · ".join(str(zoom) for zoom in ratio)
    out["power_note"] = f"of truth’s at zoom {zooms}" if zooms else ""
    return out


def _rmse(
    scene: Scene,
    method: str,
    rmse: Mapping[str, float],
    everywhere: Mapping[str, float],
    best: str,
    unit: str,
) -> tuple[str, str]:
    if method == LAPSE and scene.lapse is None:
        return "–", "for temperature only"
    if scene.truth is None:
        return "–", "no finer truth here"
    note = f"globe {number(everywhere[method])} {unit}" if everywhere else ""
    if method == best:
        note = f"nearest here; {note}" if note else "nearest here"
    return (f"{number(rmse[method])} {unit}".strip() if rmse else _WAIT), note


def _nothing(scene: Scene) -> str:
    return "–" if scene.truth is None else _WAIT


def _ratio(value: float) -> str:
    return f"{value:.2f}".replace("-", "\u2212") if np.isfinite(value) else "–"


def _count(zoom: int) -> str:
    return f"{n_cells(zoom):,} cells".replace(",", "\u2009")


def _notes(scene: Scene, numbers: Numbers | None, against: str, refining: bool, unit: str) -> dict[str, str]:
    a, archive = scene.asked, scene.archive
    made = "" if a.zoom_in == archive.zoom else ", block means"
    plainly = "lapse rate" if against == "lapse" and scene.lapse is not None else "interpolation"
    smooth = _beyond(scene)
    by = ", ".join(dict.fromkeys(card.name for card in scene.resolver.route.cards))
    out = {
        "note_coarse": f"zoom {a.zoom_in}{made}, {_count(a.zoom_in)}",
        "note_sharp": "refining this view…" if refining else f"zoom {a.zoom_out} by {by}{smooth}",
        "note_plain": f"{STANDARD:g} K/km on the relief that interpolation misses"
        if plainly == "lapse rate"
        else "smooth prolongation, means kept",
        "note_truth": f"{archive.name}, zoom {scene.judge}",
        "note_swipe": "input | super-resolved",
        "note_power": "this view"
        if numbers is None
        else f"this view, {_cells(numbers.cells)} of zoom {numbers.zoom}",
    }
    rmse = numbers.rmse if numbers else {}
    here = {key: f", RMSE {number(value)} {unit}".rstrip() for key, value in rmse.items()}
    at = f" at zoom {scene.judge}" if scene.judge < a.zoom_out else ""
    if scene.truth is None:
        out["note_sharp_error"] = f"− {plainly}: what the weights add"
        out["note_plain_error"] = ""
    else:
        key = LAPSE if plainly == "lapse rate" else SMOOTH
        out["note_sharp_error"] = f"super-resolved − truth{at}{here.get(SHARP, '')}"
        out["note_plain_error"] = f"{plainly} − truth{at}{here.get(key, '')}"
    return out


def _cells(count: int) -> str:
    return f"{count:,} cells".replace(",", "\u2009")


def _beyond(scene: Scene) -> str:
    """Which of the added zooms no weights know."""
    if not scene.smooth_zooms:
        return ""
    first, last = scene.known + 1, scene.asked.zoom_out
    return f"; zoom {first}{f' to {last}' if last > first else ''} is smooth: no detail known"


def about(scene: Scene, globe: Globe | None) -> str:
    """How the estimate was made and what it is worth, as HTML."""
    a, archive = scene.asked, scene.archive
    source = (
        f"The input is {escape(archive.title)} as it is"
        if a.zoom_in == archive.zoom
        else f"The input is made from {escape(archive.title)} by means over its cells"
    )
    parts = [
        f"{source}: {_count(a.zoom_in)}. The estimate: {escape(scene.resolver.route.method)}. No pairs of "
        "coarse and fine fields were learned from for this; means over the input’s cells are kept."
    ]
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
        cells += [f"<td>{_ratio(row.detail[m].spread)}</td>" for m in judged]
        cells += [f"<td>{_ratio(row.detail[m].correlation)}</td>" for m in judged]
        cells += [f"<td>{_ratio(row.power[zoom])}</td>" for zoom in zooms]
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
