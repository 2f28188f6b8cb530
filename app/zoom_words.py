"""What the Zoom page says: titles, figures, notes.

Pure: it knows fields and numbers, not widgets.
"""

from __future__ import annotations

__all__ = ["count", "describe", "ratio"]

from collections.abc import Mapping

import numpy as np

from app.words import number
from app.zoom_scene import Scene
from app.zoom_view import LAPSE, SHARP, SMOOTH, Globe, Numbers
from fsae_core.evaluate.lapse_rate import STANDARD
from fsae_core.sphere.healpix import n_cells

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
    power = numbers.power_ratio(scene.asked.zoom_in) if numbers else {}
    out["power"] = " · ".join(ratio(value) for value in power.values()) or _nothing(scene)
    zooms = " · ".join(str(zoom) for zoom in power)
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


def ratio(value: float) -> str:
    return f"{value:.2f}".replace("-", "\u2212") if np.isfinite(value) else "–"


def count(zoom: int) -> str:
    return f"{n_cells(zoom):,} cells".replace(",", "\u2009")


def _notes(scene: Scene, numbers: Numbers | None, against: str, refining: bool, unit: str) -> dict[str, str]:
    a, archive = scene.asked, scene.archive
    made = "" if a.zoom_in == archive.zoom else ", block means"
    plainly = "lapse rate" if against == "lapse" and scene.lapse is not None else "interpolation"
    smooth, fitted = _beyond(scene), ", calibrated" if a.calibrated else ""
    by = ", ".join(dict.fromkeys(card.name for card in scene.resolver.route.cards))
    out = {
        "note_coarse": f"zoom {a.zoom_in}{made}, {count(a.zoom_in)}",
        "note_sharp": "refining this view…" if refining else f"zoom {a.zoom_out} by {by}{fitted}{smooth}",
        "note_plain": f"{STANDARD:g} K/km on the relief that interpolation misses"
        if plainly == "lapse rate"
        else "smooth prolongation, means kept",
        "note_truth": f"{archive.title if archive.own else archive.name}, zoom {scene.judge}",
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
