"""What the Compare page says: figures, notes, the ranking, worst places, the card; plain text by place.

Figures are written with four digits, as `fsae evaluate` prints them. Pure: it knows rows, not widgets.
"""

from __future__ import annotations

__all__ = ["card", "describe", "figures", "places", "ranking", "status", "target_of"]

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.compare_fields import Compared, Side
from app.compare_gallery import sides
from app.compare_state import AXES, method_name
from app.listing import line
from app.method_colours import colour_of, dash_of
from app.words import number

Line = dict[str, Any]
_COUNTED = {"floats": "fewer numbers", "bytes": "fewer bytes"}


def _four(value: Any, unit: str = "") -> str:
    if value is None:
        return "–"
    return f"{value:.4g} {unit}".strip() if isinstance(value, float) else f"{value} {unit}".strip()


def _times(value: Any) -> str:
    return "–" if value is None else f"{value:.4g}×"


def _interval(row: Mapping[str, Any], unit: str) -> str:
    if row["rmse_low"] is None or row["rmse_high"] is None:
        return ""
    return f"{row['rmse_low']:.4g} to {row['rmse_high']:.4g} {unit}".strip()


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
        words[letter] = _four(row["rmse"], unit) if row else "–"
        interval = _interval(row, unit) if row else ""
        words[f"{letter}_note"] = f"{name}{': ' + interval + ' (95 %)' if interval else ''}"
        words[f"one_{letter}"] = _four(side.row["rmse"], unit)
        largest = f"largest error {_four(side.row['max_error'], unit)}"
        words[f"one_{letter}_note"] = largest if side.recon else "out of reach at this ratio"
        reached = side.row.get("ratio_bytes" if wish.axis == "floats" else "ratio_floats")
        other = "bytes" if wish.axis == "floats" else "numbers"
        also = f", {number(reached, 3)}× in {other}" if reached else ""
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
    held = len(shown.held.times) < len(shown.archive.times)
    label = shown.held.labels[shown.index].replace("T", "\u2002")
    learned = f" · {', '.join(shown.learned)} learned from it" if shown.learned else ""
    table = f"{len(shown.table.head['times'])} held-out times" if shown.table.head else "no table yet"
    title = "wind speed" if wish.speed else shown.archive.long_name(wish.variable)
    from_one = f"this time{mark}"
    from_all = f"{table}{mark}" if span == "all" and all(rows) else from_one
    words |= {
        "title": title[:1].upper() + title[1:],
        "when": label + (" UTC" if "\u2002" in label else "") + learned,
        "simulated": "Simulated: not an observation, not a forecast" if shown.archive.simulated else "",
        "attribution": shown.archive.attribution,
        "note_truth": f"{shown.archive.name}, {'held out' if held else 'all times: too few for a split'}{mark}",
        "note_swipe": f"{method_name(wish.a)} | {method_name(wish.b)}{mark}",
        "note_rate_floats": f"{table}, 95 % intervals; click a point{mark}",
        "note_rate_bytes": f"{table}, 95 % intervals; click a point{mark}",
        "note_ranking": f"{table}, {wish.ratio}×{mark}",
        "note_worst": f"{counted}{mark}",
    }
    for pane in ("power", "coherence", "latitude", "steepness"):
        words[f"note_{pane}"] = f"A {method_name(wish.a)}, B {method_name(wish.b)}; {from_all}"
    words["note_figures"] = f"{counted}; {from_all}"
    words["note_card"] = "what both sides know beforehand is counted in no ratio"
    return words


def ranking(shown: Compared) -> list[Line]:
    """Every method of the table at the ratio, the best on the chosen axis first."""
    wish, table = shown.wish, shown.table
    if wish.speed:
        return [line(["No table for the speed"], heading=True)]
    at = {
        m: {axis: table.row(m, axis, wish.ratio) for axis in AXES} for m in (table.methods or shown.methods)
    }

    def value(method: str, axis: str) -> float:
        row = at[method][axis]
        return float(row["rmse"]) if row and row["rmse"] else float("inf")

    best = {axis: min((value(m, axis) for m in at), default=np.inf) for axis in AXES}
    lines = []
    for method in sorted(at, key=lambda m: value(m, wish.axis)):
        rows = at[method]
        stands = [
            i + 1
            for i, axis in enumerate(AXES)
            if np.isfinite(value(method, axis)) and value(method, axis) == best[axis]
        ]
        note = next((row["note"] for row in rows.values() if row and row.get("note")), "")
        keys = []
        for letter, now in (("A", wish.a), ("B", wish.b)):
            if wish.axis in shown.methods.get(method, ()):
                keys.append(
                    (f"{letter};{method}", letter, f"{method_name(method)} as {letter}", method == now)
                )
        lines.append(
            line(
                [method_name(method), *(_four(rows[axis]["rmse"]) if rows[axis] else "" for axis in AXES)],
                keys,
                colour=colour_of(method),
                dash=dash_of(method),
                chosen=method in (wish.a, wish.b),
                best=stands,
                title=note,
            )
        )
    return lines


def _place(lon: float, lat: float) -> str:
    lon = (lon + 180) % 360 - 180
    return f"{abs(lat):.1f}°{'S' if lat < 0 else 'N'} {abs(lon):.1f}°{'W' if lon < 0 else 'E'}"


def _signed(value: float, unit: str) -> str:
    return f"{'+' if value > 0 else '−'}{abs(value):.4g} {unit}".strip()


def places(shown: Compared) -> list[Line]:
    """The worst places of A and B at this time, and every method's worst of the held-out times."""
    wish, unit = shown.wish, shown.unit
    now = shown.held.labels[shown.index]
    lines: list[Line] = []
    for letter, side in (("A", shown.a), ("B", shown.b)):
        lines.append(line([f"{letter}, {method_name(side.method)}, this time"], heading=True))
        for lon, lat, error in side.worst:
            key = (f"{side.method};{now};{lon:.2f};{lat:.2f}", "Go", f"Go to {_place(lon, lat)}", None)
            lines.append(line([_place(lon, lat), _signed(error, unit), ""], [key]))
    rows = [] if wish.speed else [row for row in shown.table.rows if row["worst"]]
    rows = [row for row in rows if (row["axis"], row["ratio"]) == (wish.axis, wish.ratio)]
    if rows:
        lines.append(line(["Worst of all held-out times"], heading=True))
    pair = (wish.a, wish.b)
    for row in sorted(rows, key=lambda r: (r["method"] not in pair, abs(r["worst"]["error"]))):
        worst = row["worst"]
        there = _place(worst["lon"], worst["lat"])
        name = method_name(row["method"])
        key = f"{row['method']};{worst['time']};{worst['lon']:.2f};{worst['lat']:.2f}"
        lines.append(
            line(
                [f"{name}: {there}", _signed(worst["error"], unit), _short(worst["time"], now)],
                [(key, "Go", f"Go to the worst place of {name}", None)],
                colour=colour_of(row["method"]),
                dash=dash_of(row["method"]),
            )
        )
    return lines


def _short(stamp: str, like: str) -> str:
    """A time as long as the archive's labels."""
    return stamp[: len(like)].replace("T", " ")


def target_of(key: str) -> tuple[str, str, float, float]:
    """(method, time, longitude, latitude) of a place's button."""
    method, time, lon, lat = key.split(";")
    return method, time, float(lon), float(lat)


def figures(shown: Compared, span: str) -> list[Line]:
    """All figures of A and B."""
    unit = shown.unit
    rows = [row for _, row in sides(shown, span)]

    def two(name: str, key: str, unit: str = "", write: Any = _four) -> Line:
        values = [row.get(key) for row in rows]
        return line([name, *(write(v, unit) if write is _four else write(v) for v in values)])

    return [
        two("RMSE", "rmse", unit),
        line(["95 % interval", *(_interval(row, unit) or "–" for row in rows)]),
        two("PSNR (peak: range)", "psnr_db", "dB"),
        two("Mean absolute error", "mae", unit),
        two("Bias", "bias", unit),
        two("Largest error", "max_error", unit),
        two("DSSIM", "dssim"),
        line(["Extremes"], heading=True),
        two("RMSE, highest 0.1 % of cells", "error_top", unit),
        two("RMSE, lowest 0.1 % of cells", "error_bottom", unit),
        line(["Size and speed"], heading=True),
        two("Fewer numbers", "ratio_floats", write=_times),
        two("Fewer bytes", "ratio_bytes", write=_times),
        two("Encoding", "encode_mb_s", "MB per CPU-s"),
        two("Decoding", "decode_mb_s", "MB per CPU-s"),
    ]


def card(shown: Compared) -> list[Line]:
    """Split, times, and what each method learned and must have beforehand."""
    split, head = shown.split, shown.table.head
    held = len(shown.held.times) < len(shown.archive.times)
    lines = []
    if held:
        first, last = split.test
        lines.append(
            line(
                [f"Held out: {first} to {last}, {len(shown.held.times)} times; 95 % by block bootstrap"],
                heading=True,
            )
        )
        lines.append(
            line(
                [f"To learn from, for what is fitted here: {split.train[0]} to {split.train[1]}"],
                heading=True,
            )
        )
    else:
        lines.append(
            line([f"{len(shown.held.times)} times, too few to hold some out: all are shown"], heading=True)
        )
    two = (shown.a, shown.b)
    lines += [
        line(["Weights", *(_weights(side) for side in two)]),
        line(["Training, minutes", *(_trained(side, "minutes") for side in two)]),
        line(["Training steps", *(_trained(side, "steps") for side in two)]),
        line(["Parameters", *(_count(side.known.parameters) for side in two)]),
        line(["Side information", *(_bytes(side.side_bytes) for side in two)]),
        line(["Paid back after", *(_paid(side, shown.truth.cells.size, shown) for side in two)]),
    ]
    if head.get("climatology"):
        lines.append(line([f"Climatology of + clim: {head['climatology']}"], heading=True))
    return lines


def _weights(side: Side) -> str:
    if not side.cards:
        return "none" if not side.known.parameters else "fitted to training times"
    names = [card.name for card in side.cards]
    return names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"


def _trained(side: Side, key: str) -> str:
    found = [card.training.get(key) for card in side.cards]
    if not found:
        return "–"
    return " + ".join(
        "?" if v is None else f"{v:.4g}" if isinstance(v, float) else str(v) for v in dict.fromkeys(found)
    )


def _count(n: int) -> str:
    return f"{n:,}".replace(",", "\u2009")


def _bytes(n: int) -> str:
    return "0 B" if not n else f"{number(n / 1e3)} kB" if n < 1e6 else f"{number(n / 1e6)} MB"


def _paid(side: Side, cells: int, shown: Compared) -> str:
    """How many fields must be sent until side information and fields are fewer bytes than the fields were."""
    if not side.side_bytes:
        return "at once"
    size = side.row.get("bytes")
    if not size:
        return "–"
    raw = 4 * cells * (2 if shown.wish.speed else 1)
    return f"{_count(int(np.ceil(side.side_bytes / (raw - size))))} fields"
