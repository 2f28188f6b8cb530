"""What the Ensemble page says: titles, figures and notes, as plain text by place. Pure: no widgets."""

from __future__ import annotations

__all__ = ["BADGE", "day_name", "describe", "world"]

import calendar

import numpy as np

from app import ensemble_store as store
from app.ensemble_fields import Ensemble
from app.ensemble_reference import Reference
from app.ensemble_state import EnsembleState
from app.ensemble_store import Wish
from app.words import number
from fsae_core.evaluate.ensemble import power_over

BADGE = "Simulated: drawn by an emulator; not an observation, not a forecast"
_MARK = "simulated · "


def _month(month: str) -> str:
    return f"{calendar.month_name[int(month[5:])]} {month[:4]}"


def day_name(time: np.datetime64) -> str:
    """1991-12-03 as it is written on the player."""
    return str(time.astype("datetime64[D]"))


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign; zero has none."""
    words = f"{abs(value):.{digits}f}"
    return words if float(words) == 0 else ("+" if value > 0 else "−") + words


def world(wish: Wish) -> str:
    """The world that is drawn, in a few words."""
    said = [] if wish.volcanoes else ["without volcanoes"]
    said += [f"{float(wish.co2):g} ppm CO₂"] if wish.co2 else []
    if wish.nino:
        said.append(
            "Niño 3.4 unknown" if wish.nino == "unknown" else f"Niño 3.4 {signed(float(wish.nino), 1)} K"
        )
    return ", ".join(said) or "the world as it was"


def _other(wish: Wish) -> str:
    if wish.versus == "volcanoes":
        return "no volcanoes" if wish.volcanoes else "no volcanoes, as here"
    return f"{wish.other_co2} ppm CO₂"


def describe(
    ensemble: Ensemble, state: EnsembleState, day: int, reference: Reference | None, years: str, place: str
) -> dict[str, str]:
    """All of the page's words. years: what the archive's values at the place are; place: its coordinates."""
    wish, count = ensemble.wish, len(ensemble)
    maps = ensemble.maps(state.shown, day, state.test)
    area = ensemble.values(state.shown, day).mean(axis=1)
    of = f"{count} of {wish.members}" if not ensemble.complete else f"{count}"
    kind = "anomaly from climatology" if state.shown == "anomaly" else "temperature"
    when = f"{_month(wish.month)} · {of} members · {world(wish)}"
    if wish.days:
        when = f"{day_name(ensemble.times[day])} · {of} members · {world(wish)}"
    beyond = f"{'above' if state.above else 'below'} {number_of(state.threshold)} K"
    out = {
        "title": "Near-surface temperature that could have been",
        "when": when,
        "simulated": BADGE,
        "attribution": store.attribution(),
        "area": f"{signed(area.mean())} K" if state.shown == "anomaly" else f"{area.mean():.2f} K",
        "area_note": f"members ± {area.std(ddof=1):.2f} K" if count > 1 else "one member",
        "spread": f"{number(float(np.sqrt(np.mean(maps.spread**2))))} K" if count > 1 else "–",
        "spread_note": "RMS about the mean",
        "note_mean": f"{_MARK}{kind}",
        "note_spread": f"{_MARK}standard deviation of {count} members",
        "note_members": f"{_MARK}{kind}; click one to enlarge it",
        "note_likely": f"{_MARK}share of members {beyond}",
        "note_one": f"{_MARK}{_tile(state, ensemble, reference)}, {kind}",
        "note_place": f"{_MARK}{place}; {years}",
        "note_limits": "",
    }
    return out | _change(ensemble, state, day, maps.certain) | _truths(ensemble, reference)


def number_of(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _tile(state: EnsembleState, ensemble: Ensemble, reference: Reference | None) -> str:
    if state.member == 0:
        truth = reference.truth if reference is not None and ensemble.wish.as_it_was else None
        return f"{truth.name}, the archive's truth" if truth else "the archive has none of this world"
    return f"member {min(state.member, len(ensemble))}"


def _change(ensemble: Ensemble, state: EnsembleState, day: int, certain: np.ndarray | None) -> dict[str, str]:
    wish = ensemble.wish
    if not ensemble.other:
        nothing = "choose a world to compare with"
        return {"change": "–", "change_note": nothing, "note_changed": nothing}
    mean, error = ensemble.change_of_area(day)
    stood = "weather" if state.test == "weather" else "pairs"
    dotted = "" if certain is None else f"; dots ({100 * certain.mean():.0f} %): out of {stood}"
    return {
        "change": f"{signed(mean)} K",
        "change_note": f"± {error:.3f} K over pairs",
        "note_changed": f"{_MARK}this world − {_other(wish)}{dotted}",
    }


def _truths(ensemble: Ensemble, reference: Reference | None) -> dict[str, str]:
    """What depends on the archive: scores, spectra, ranks."""
    scores = ensemble.scores(reference)
    truth = None if reference is None else reference.truth
    if scores is None or truth is None or reference is None:
        why = "the archive has none of this world" if not ensemble.wish.as_it_was else "no truth at hand"
        why = "two members are needed" if len(ensemble) < 2 else why
        out = {"crps": "–", "crps_note": why, "skill": "–", "skill_note": why}
        out["note_ranks"] = f"{_MARK}{why}: grey is what members have among themselves"
    else:
        learned = ", a training month" if truth.learned else ", not trained on"
        beside = f"other years: {number(reference.guess)} K" if reference.guess else f"against {truth.name}"
        out = {
            "crps": f"{number(scores[0])} K",
            "crps_note": beside,
            "skill": f"{scores[1]:.2f}",
            "skill_note": f"against {truth.name}{learned}",
            "note_ranks": f"{_MARK}of {truth.name}, over the sphere{learned}",
        }
    out["note_spectrum"] = f"{_MARK}anomalies"
    if reference is not None:
        ratios = power_over([member.by_zoom for member in ensemble.one], reference.by_zoom)
        said = ", ".join(f"{ratio:.2f}" for zoom, ratio in ratios.items() if zoom >= 2)
        out["note_spectrum"] = (
            f"{_MARK}of reconstruction's at zooms 2–{ensemble.wish.zoom}: {said}; {reference.what}"
        )
    return out
