"""What the Latent page says: figures, notes and sentences, as plain text.

Pure: it knows atlases and numbers, not widgets.
"""

from __future__ import annotations

__all__ = [
    "between_note",
    "chance",
    "describe",
    "enso_note",
    "group_words",
    "near_words",
    "placed_words",
    "sentences",
    "tip",
]

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from app.atlases import OpenAtlas
from app.group_chance import Chance
from app.latent_pictures import Compared, Group, Guests, Near, Seen
from app.quantities import Coloured, column_of
from app.words import number

_PLAIN = 0.1


def chance(p: float) -> str:
    """A p-value as one says it."""
    if not np.isfinite(p):
        return "no p-value"
    if p > _PLAIN:
        return f"usual, p {p:.2f}"
    return f"1 in {_many(round(1 / p))} by chance, p {_p(p)}"


def _many(n: int) -> str:
    return f"{n:,}".replace(",", "\u2009")


def _p(p: float) -> str:
    return f"{p:.2f}" if p >= 0.1 else f"{p:.3f}" if p >= 0.001 else f"{p:.5f}".rstrip("0")


def signed(value: float, digits: int = 1) -> str:
    """With a sign that is as wide as a digit."""
    return f"{value:+.{digits}f}".replace("-", "−")


def years_words(value: float) -> str:
    """A displacement as one says it."""
    if not np.isfinite(value):
        return "its year is not told"
    if abs(value) < 0.5:
        return "it looks like its own year"
    return f"it looks {abs(value):.0f} years {'earlier' if value < 0 else 'later'} than it is"


def _row(seen: Seen, guests: Guests | None, guest: int | None) -> dict[str, float]:
    if seen.row is not None:
        row = seen.atlas.atlas.table.iloc[seen.row]
        return {key: float(row[key]) for key in row.index if key != "time"}
    if guests is None or guest is None:
        return {}
    own = guests.placed.table.iloc[guest]
    return {"displacement": float(own["displacement"])}


def describe(
    seen: Seen, enso: bool, guests: Guests | None = None, guest: int | None = None
) -> dict[str, str]:
    """Words that belong to the time that is looked at."""
    opened, missing = seen.atlas, float("nan")
    archive = opened.archive
    row = _row(seen, guests, guest)
    column = column_of("displacement", enso)
    shift, p = row.get(column, missing), row.get(f"p_{column}", missing)
    novel, p_novel = row.get("novelty", missing), row.get("p_novelty", missing)
    nino = row.get("nino34", missing)
    name = archive.long_name(opened.variable)
    mark = " · simulated" if archive.simulated else ""
    mine = guests.name if guests is not None and seen.row is None else ""
    return {
        "title": f"Atlas of {name[:1].lower()}{name[1:]}",
        "when": f"{seen.label}{f' of {mine}' if mine else ''}",
        "simulated": "Simulated: not an observation, not a forecast" if archive.simulated else "",
        "attribution": archive.attribution,
        "shift": f"{signed(shift)} years" if np.isfinite(shift) else "–",
        "shift_note": _shift_note(opened, shift, p, bool(mine)),
        "novelty": number(novel) if np.isfinite(novel) else "–",
        "novelty_note": chance(p_novel) if not mine else "told for the atlas' own times",
        "nino": f"{signed(nino)} K" if np.isfinite(nino) else "–",
        "nino_note": f"relative Niño 3.4 · {'taken out' if enso else 'kept in'}",
        "note_map": f"{_many(len(opened))} times, one point each{mark}",
        "note_field": f"{seen.label}{mark if not mine else f' · {mine}'}",
        "note_anomaly": f"less its season · {seen.label}{mark if not mine else f' · {mine}'}",
        "note_near": f"closest in the map's space, more than five years away{mark}",
    }


def _shift_note(opened: OpenAtlas, shift: float, p: float, mine: bool) -> str:
    if np.isfinite(shift):
        return chance(p) if np.isfinite(p) else "no p-value for a placed time"
    if mine:
        return "outside the years of the atlas"
    return "years are not told apart here"


def group_words(
    key: str, group: Group, coloured: Coloured, opened: OpenAtlas, chance: Chance | None = None
) -> dict[str, str]:
    """Words that belong to a group: key "a" or "b"; coloured: the displacement."""
    values = coloured.values[group.rows]
    known = values[np.isfinite(values)]
    told = f"mean {signed(float(known.mean()))} years" if known.size else "no displacement"
    found = window_of(opened, group.rows, "removed" in coloured.title)
    p = f", p {_p(found['p'])}" if found and found["p"] is not None else ""
    if chance is not None and not found:
        p = f", p {_p(chance.p)}"
    kind = "example: " if group.example else ""
    mark = " · simulated" if opened.archive.simulated else ""
    many = "1 time" if group.rows.size == 1 else f"{_many(group.rows.size)} times"
    return {
        key: many,
        f"{key}_note": f"{told}{p}",
        f"note_{key}": f"{kind}{group.name}, minus all others · dots: significant{mark}",
    }


def window_of(opened: OpenAtlas, rows: np.ndarray, enso: bool) -> dict[str, Any] | None:
    """What the atlas keeps of an eruption whose 24 months these times are; None for others."""
    kept = opened.kept(rows)
    if kept is None:
        return None
    suffix = "_no_enso" if enso else ""
    return {
        "date": kept["date"],
        "note": kept["note"],
        "aod": kept["peak_aod"],
        "mean": kept[f"displacement{suffix}"],
        "p": kept[f"p{suffix}"],
        "low": kept[f"quantile{suffix}"],
    }


def enso_note(opened: OpenAtlas, enso: bool) -> str:
    """What the switch does, for the sidebar."""
    share = opened.atlas.about.get("enso_share")
    if share is None:
        return "This atlas tells no El Niño (cells too large, record too short, or no temperature)."
    if enso:
        return (
            "Taken out of the displacement: what a regression on relative Niño 3.4 of now, 3 and 6 months "
            f"before explains, {100 * share:.0f} % of the variance below ten years. It is linear: great El "
            "Niños leave a rest. Map and novelty are as they were."
        )
    return (
        "The displacement is of the fields as they are: an El Niño warms and so makes a time look later, and "
        "it can hide a volcano. Taking it out is a regression on relative Niño 3.4."
    )


def sentences(
    seen: Seen,
    compared: Compared | None,
    enso: bool,
    guests: Guests | None = None,
    guest: int | None = None,
    chances: Mapping[str, Chance | None] | None = None,
) -> list[list[str]]:
    """The panel "In words": [about what, text] pairs. chances: of the groups, as far as they are known."""
    opened, missing = seen.atlas, float("nan")
    row = _row(seen, guests, guest)
    column = column_of("displacement", enso)
    shift, p = row.get(column, missing), row.get(f"p_{column}", missing)
    out = []
    text = f"By its nearest neighbours {years_words(shift)}."
    if np.isfinite(p):
        text += (
            f" Of {round(1 / max(p, 1e-9)) if p < _PLAIN else 100} records put together from two-year blocks "
            f"of quiet years, about {1 if p < _PLAIN else round(100 * p)} would be as far off (p {_p(p)})."
        )
    if np.isfinite(row.get("novelty", missing)):
        novel, p_novel = row["novelty"], row["p_novelty"]
        unusual = "unusual" if p_novel < 0.05 else "not unusual"
        text += (
            f" Novelty {novel:.2f}, where 1 is usual: {unusual} for a record of this spread without events "
            f"(p {_p(p_novel)})."
        )
    out.append([seen.label, text])
    if compared is not None:
        for key, group in (("a", compared.a), ("b", compared.b)):
            said = _group_sentence(opened, group, enso, (chances or {}).get(key))
            out.append([f"{key.upper()}:", said])
        out.append(["A − B:", _between_sentence(compared)])
    about = opened.atlas.about
    out.append(
        [
            "The map:",
            f"t-SNE of {about['variable']} compressed {opened.atlas.config.ratio}× by {about['model']}. Near "
            "points are alike; distances between far groups and the size of groups mean little.",
        ]
    )
    return out


def _group_sentence(opened: OpenAtlas, group: Group, enso: bool, found: Chance | None) -> str:
    kept = window_of(opened, group.rows, enso)
    share = f"{100 * group.share:.0f} % of the sphere differs significantly from all other times"
    if kept is None and found is None:
        return f"{group.name}; {share} (one in ten of such cells is expected to be false)."
    if kept is None and found is not None:
        return (
            f"{group.name}: mean displacement {signed(found.mean)} years; in 95 % of {found.surrogates} "
            f"shuffled records these times have {signed(found.low)} to {signed(found.high)} "
            f"(p {_p(found.p)}, which means nothing where they were chosen for their displacement). {share}."
        )
    assert kept is not None
    if kept["mean"] is None:
        return f"{group.name}; {share}."
    low = kept["mean"] < kept["low"]
    judged = "below" if low else "not below"
    return (
        f"{group.name} ({kept['date']}, peak optical depth about {kept['aod']:g}): mean displacement "
        f"{signed(kept['mean'])} years, {judged} the {signed(kept['low'])} that 2.5 % of shuffled records "
        f"reach (one-sided p {_p(kept['p'])}). {share}. {kept['note']}".strip()
    )


def _between_sentence(compared: Compared) -> str:
    text = f"they differ significantly in {100 * compared.between.share:.0f} % of the sphere"
    if compared.overlap:
        text += f"; {compared.overlap} times are in both and were left out"
    return f"{text}."


def between_note(compared: Compared, opened: OpenAtlas) -> str:
    """The caption of A minus B."""
    mark = " · simulated" if opened.archive.simulated else ""
    out = f" · {compared.overlap} in both left out" if compared.overlap else ""
    return f"{compared.between.name}{out} · dots: significant{mark}"


def near_words(place: int, near: Near, shift: Coloured) -> tuple[str, str]:
    """Of a neighbour's card."""
    said = f" · {shift.words(near.row)}" if np.isfinite(shift.values[near.row]) else ""
    return f"{place + 1} · {near.label}", f"distance {near.distance:.1f}{said}"


def placed_words(guests: Guests, opened: OpenAtlas) -> str:
    """What is said when a visitor's file is on the map."""
    many = len(guests.labels)
    first, last = (label[:4] for label in (opened.labels[0], opened.labels[-1]))
    said = f"{many} time{'s' if many > 1 else ''} of {guests.name} placed, as diamonds"
    if guests.outside:
        which = "all of them" if guests.outside == many else f"{guests.outside} of them"
        said += f"; {which} lie outside {first} to {last}, so their year displacement is not told"
    return f"{said}."


def tip(row: int, shown: Sequence[Coloured]) -> str:
    """The small words under the pointer."""
    parts = [f"{c.title.split(',')[0].split(' (')[0]} {c.words(row)}" for c in shown if c.told]
    return " · ".join(
        dict.fromkeys(part for part in parts if not part.startswith(("Month", "Year 1", "Year 2")))
    )
