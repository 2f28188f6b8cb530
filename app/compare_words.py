"""What the Compare page says beside its lists: headline, figures in large type, notes; plain text by place.

Pure: it knows rows, not widgets.
"""

from __future__ import annotations

__all__ = ["describe", "status"]

from app.compare_fields import Compared
from app.compare_lists import four, interval
from app.compare_state import method_name

_COUNTED = {"floats": "fewer numbers", "bytes": "fewer bytes"}


def status(shown: Compared) -> str:
    """Where the table comes from and what of it is missing, in a sentence or two."""
    table, wish = shown.table, shown.wish
    if wish.speed:
        return "The table is of one component at a time; for the speed there is this time alone."
    lacking = table.lacking(shown.methods)
    said = {
        "shipped": "The table that comes with the app, as fsae evaluate gives it.",
        "computed": "The table was computed here, as fsae evaluate does it.",
        "": "There is no table of this field yet: compute it.",
    }[table.source]
    if table.stale:
        names = ", ".join(method_name(m) for m in table.stale)
        what = ", ".join(table.changed)
        said = (
            f"The shipped table was made with other weights ({what}): its rows of {names} are left out. "
            "Compute them."
        )
    elif lacking and table.rows:
        said += f" {len(lacking)} of {len(shown.methods)} methods have no rows yet."
    return said


def describe(shown: Compared, span: str) -> dict[str, str]:
    """All of the page's words."""
    wish, unit = shown.wish, shown.unit
    mark = " · simulated" if shown.archive.simulated else ""
    counted = f"{wish.ratio}× {_COUNTED[wish.axis]}"
    rows = [shown.table.row(m, wish.axis, wish.ratio) for m in (wish.a, wish.b)]
    if wish.speed:
        rows = [None, None]
    words: dict[str, str] = {}
    for letter, side, row in zip("ab", (shown.a, shown.b), rows, strict=True):
        name = method_name(side.method)
        words[letter] = four(row["rmse"], unit) if row else "–"
        sure = interval(row, unit) if row else ""
        words[f"{letter}_note"] = f"{name}{', 95 %: ' + sure if sure else ''}"
        words[f"one_{letter}"] = four(side.row["rmse"], unit)
        largest = f"largest error {four(side.row['max_error'], unit)}"
        words[f"one_{letter}_note"] = largest if side.recon else "out of reach at this ratio"
        reached = side.row.get("ratio_bytes" if wish.axis == "floats" else "ratio_floats")
        other = "bytes" if wish.axis == "floats" else "numbers"
        also = f", {four(reached)}× in {other}" if reached else ""
        words[f"note_{letter}"] = side.why or f"{name}, {counted}{also}{mark}"
        words[f"note_error_{letter}"] = f"{name} − truth{mark}"
    both = [row["rmse"] if row else None for row in rows]
    where = "held-out times"
    if None in both:
        both, where = [shown.a.row["rmse"], shown.b.row["rmse"]], "this time"
    words["share"] = f"{both[0] / both[1]:.3f}" if both[0] and both[1] else "–"
    words["share_note"] = (
        f"{'A' if both[0] < both[1] else 'B'} loses less, {where}" if both[0] and both[1] else ""
    )
    label = shown.held.labels[shown.index].replace("T", "\u2002")
    learned = f" · {', '.join(shown.learned)} learned from it" if shown.learned else ""
    table = f"{len(shown.table.head['times'])} held-out times" if shown.table.head else "no table yet"
    split = "held out" if shown.held_out else "all times, none held out"
    title = "wind speed" if wish.speed else shown.archive.long_name(wish.variable)
    from_one = f"this time{mark}"
    from_all = f"{table}{mark}" if span == "all" and all(rows) else from_one
    words |= {
        "title": title[:1].upper() + title[1:],
        "when": label + (" UTC" if "\u2002" in label else "") + learned,
        "simulated": "Simulated: not an observation, not a forecast" if shown.archive.simulated else "",
        "attribution": shown.archive.attribution,
        "note_truth": f"{shown.archive.name}, {split}{mark}",
        "note_swipe": f"{method_name(wish.a)} | {method_name(wish.b)}{mark}",
        "note_rate_floats": f"click a point for its field{mark}",
        "note_rate_bytes": f"bars: 95 % intervals{mark}",
        "note_ranking": f"{table}, {wish.ratio}×{mark}",
        "note_worst": f"{counted}{mark}",
    }
    for pane in ("power", "coherence", "latitude", "steepness"):
        words[f"note_{pane}"] = from_all
    words["note_figures"] = from_all
    words["note_card"] = "what both sides know beforehand is counted in no ratio"
    return words
