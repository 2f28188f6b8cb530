"""The Compare page's lists: ranking of the methods, worst places, figures of A and B, the card.

Figures are written with four digits, as `fsae evaluate` prints them. Pure: it knows rows, not widgets.
"""

from __future__ import annotations

__all__ = ["card", "figures", "four", "interval", "places", "ranking", "target_of"]

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


def four(value: Any, unit: str = "") -> str:
    """A figure to four digits with its unit; a dash for none."""
    if value is None:
        return "–"
    return f"{value:.4g} {unit}".strip() if isinstance(value, float) else f"{value} {unit}".strip()


def _times(value: Any) -> str:
    return "–" if value is None else f"{value:.4g}×"


def interval(row: Mapping[str, Any], unit: str) -> str:
    """The 95 % interval of a row's RMSE; empty for none."""
    if row["rmse_low"] is None or row["rmse_high"] is None:
        return ""
    return f"{row['rmse_low']:.4g}–{row['rmse_high']:.4g} {unit}".strip()


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

    def written(row: Mapping[str, Any] | None) -> str:
        return four(row["rmse"]) if row else ""

    best = {axis: min((value(m, axis) for m in at), default=np.inf) for axis in AXES}
    lines = []
    for method in sorted(at, key=lambda m: (value(m, wish.axis), value(m, "bytes"))):
        rows = at[method]
        stands = [i for i, axis in enumerate(AXES, 1) if value(method, axis) == best[axis] < np.inf]
        note = next((row["note"] for row in rows.values() if row and row.get("note")), "")
        keys = []
        for letter, now in (("A", wish.a), ("B", wish.b)):
            if method in shown.methods:
                keys.append(
                    (f"{letter};{method}", letter, f"{method_name(method)} as {letter}", method == now)
                )
        lines.append(
            line(
                [method_name(method), *(written(rows[axis]) for axis in AXES)],
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
            lines.append(line([_place(lon, lat), _signed(error, unit)], [key]))
    rows = [] if wish.speed else [row for row in shown.table.rows if row["worst"]]
    rows = [row for row in rows if (row["axis"], row["ratio"]) == (wish.axis, wish.ratio)]
    if rows:
        lines.append(line(["Worst of all held-out times"], heading=True))
    pair = (wish.a, wish.b)
    for row in sorted(rows, key=lambda r: (r["method"] not in pair, abs(r["worst"]["error"]))):
        worst = row["worst"]
        there = _place(worst["lon"], worst["lat"])
        name = method_name(row["method"])
        goal = f"{row['method']};{worst['time']};{worst['lon']:.2f};{worst['lat']:.2f}"
        lines.append(
            line(
                [f"{name}, {there}, {_short(worst['time'], now)}", _signed(worst["error"], unit)],
                [(goal, "Go", f"Go to the worst place of {name}", None)],
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

    def two(name: str, key: str, unit: str = "", write: Any = four) -> Line:
        return line([f"{name}, {unit}" if unit else name, *(write(row.get(key)) for row in rows)])

    return [
        two("RMSE", "rmse", unit),
        line(["95 % interval", *(interval(row, "") or "–" for row in rows)]),
        two("PSNR", "psnr_db", "dB"),
        two("Mean size of error", "mae", unit),
        two("Bias", "bias", unit),
        two("Largest error", "max_error", unit),
        two("DSSIM", "dssim"),
        line([f"Extremes, RMSE in {unit}" if unit else "Extremes, RMSE"], heading=True),
        two("Highest 0.1 % of cells", "error_top"),
        two("Lowest 0.1 % of cells", "error_bottom"),
        line(["Size, and speed on one CPU"], heading=True),
        two("Fewer numbers", "ratio_floats", write=_times),
        two("Fewer bytes", "ratio_bytes", write=_times),
        two("Encoding", "encode_mb_s", "MB/s"),
        two("Decoding", "decode_mb_s", "MB/s"),
    ]


def card(shown: Compared) -> list[Line]:
    """Split, times, and what each method learned and must have beforehand."""
    split, head = shown.split, shown.table.head
    count = len(shown.held.times)
    said = [f"{count} times, too few to hold some out: all are shown"]
    if shown.held_out:
        said = [
            f"Held out: {split.test[0]} to {split.test[1]}, {count} times; 95 % by block bootstrap over time",
            f"What is fitted here learns from {split.train[0]} to {split.train[1]}",
        ]
    lines = [line([sentence], heading=True) for sentence in said]
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
        maps = "vectors" if side.method.startswith("eof") else "climatology"
        return f"none, {maps}" if side.known.parameters else "none"
    names = [card.name for card in side.cards]
    return names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"


def _trained(side: Side, key: str) -> str:
    files = {card.sha256: card.training.get(key) for card in side.cards}
    return " + ".join(four(value) for value in files.values()) or "–"


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
