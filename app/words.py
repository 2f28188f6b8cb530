"""What the page says: titles, figures and notes of a picture, as plain text by place.

Pure: it knows pictures and numbers, not widgets.
"""

from __future__ import annotations

__all__ = ["count", "describe", "number"]

import numpy as np

from app.compress_state import METHODS
from app.picture import Picture
from app.store import Archive
from fsae_core.codec.choice import ADAPTIVE


def number(value: float, digits: int = 3) -> str:
    """A number to so many significant digits, without an exponent where it can be avoided."""
    if not np.isfinite(value):
        return "exact" if value > 0 else "–"
    if value == 0:
        return "0"
    decimals = digits - 1 - int(np.floor(np.log10(abs(value))))
    return f"{round(value, decimals):,.{max(0, decimals)}f}".replace(",", "\u2009")


def count(n: int) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{n:,}".replace(",", "\u2009")


def _bytes(n: int) -> str:
    return f"{n} B" if n < 1000 else f"{number(n / 1000)} kB" if n < 1e6 else f"{number(n / 1e6)} MB"


def _date(label: str) -> str:
    if not label:
        return "no time given"
    return label.replace("T", "\u2002") + (" UTC" if "T" in label else "")


def describe(
    archive: Archive,
    variable: str,
    index: int,
    method: str,
    ratio: int,
    picture: Picture,
    learned: bool = False,
    *,
    anomaly: bool = False,
) -> dict[str, str]:
    """All of the page's words for one picture. learned: the weights were trained on this time; anomaly: its
    compressed field is one."""
    unit = archive.unit(variable)
    n, m = picture.truth.cells.size, picture.numbers
    sums = picture.sums
    if method == "block-mean":
        against = "no network: the baseline itself"
    elif sums.rmse <= picture.plain_rmse:
        against = f"block mean + smooth: {number(picture.plain_rmse)} {unit}"
    else:
        against = f"worse than block mean + smooth: {number(picture.plain_rmse)} {unit}"
    simulated = "Simulated: not an observation, not a forecast" if archive.simulated else ""
    mean = sums.bias if abs(sums.bias) > sums.rmse / 1000 else 0.0
    packed = 4 * n / picture.bytes_stored
    mark = " · simulated" if archive.simulated else ""
    speed = picture.wind is not None
    adaptive = method.endswith(f"-{ADAPTIVE}")
    tree, what = "", "values on the sphere"
    if adaptive:
        tree, what = " and their places", "numbers, cells as they tell them apart"
    return {
        "title": "Wind speed" if speed else _capital(archive.long_name(variable)),
        "when": _date(archive.labels[index]) + (" · the weights were trained on it" if learned else ""),
        "simulated": simulated,
        "attribution": archive.attribution,
        "rmse": f"{number(sums.rmse)} {unit}".strip(),
        "rmse_note": against,
        "max": f"{number(sums.max_error)} {unit}".strip(),
        "max_note": f"mean error {_signed(mean)} {unit}".strip(),
        "psnr": f"{sums.psnr_db:.1f} dB" if np.isfinite(sums.psnr_db) else number(sums.psnr_db),
        "psnr_note": f"peak: range of {number(sums.truth_max - sums.truth_min)} {unit}".strip(),
        "floats": f"{ratio}×",
        "floats_note": f"{count(n)} values → {count(m)}{tree}{', each component' if speed else ''}",
        "bytes": f"{number(packed, 2 if packed < 10 else 3)}×",
        "bytes_note": f"{_bytes(4 * n)} → {_bytes(picture.bytes_stored)}{', each' if speed else ''}",
        "note_original": f"{archive.name}{mark}",
        "note_reconstruction": f"{METHODS.get(method, method)}, {ratio}×{mark}",
        "note_difference": f"reconstruction − original{mark}",
        "note_compressed": f"{count(m)} {what}{', an anomaly' if anomaly else ''}{mark}",
        "note_swipe": f"original | reconstruction{mark}",
        "note_latitude": f"RMSE in 5° bands{mark}",
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _signed(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    text = number(abs(value), 2)
    return text if value == 0 else ("+" if value > 0 else "−") + text
