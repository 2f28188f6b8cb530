"""The Compare page's state."""

from __future__ import annotations

__all__ = ["AXES", "CELLS", "CURVES", "GRIDS", "NAMES", "SPANS", "CompareState", "method_name"]

from typing import Any, ClassVar

import param

from app.state import RATIOS, MapState, Part, flag, number, one_of, text

_PLAIN = {
    "fs-ae": "FS-AE",
    "fs-ae-adaptive": "FS-AE adaptive",
    "cnn-vae": "CNN-VAE",
    "fs-ae-joint": "FS-AE, variables together",
    "block-mean": "Block mean",
    "eof": "EOF",
    "sht": "Harmonics",
    "jpeg2000": "JPEG 2000",
    "sperr": "SPERR",
    "sperr-3d": "SPERR 3-D",
    "sz3": "SZ3",
    "zfp": "ZFP",
    "bitround": "Bit rounding",
}
_NEVER_ON_ANOMALIES = ("fs-ae-adaptive", "fs-ae-joint")
NAMES = {
    **_PLAIN,
    **{f"{key}+clim": f"{name} + clim" for key, name in _PLAIN.items() if key not in _NEVER_ON_ANOMALIES},
}
"""What `fsae evaluate` calls a method, and what the page writes."""

AXES = {"floats": "Numbers", "bytes": "Bytes"}
CURVES = {"raw": "Raw", "clim": "+ clim", "all": "All", "pair": "A, B"}
CELLS = {"on": "Outlined", "off": "Hidden"}
SPANS = {"all": "Held-out times", "one": "This time"}
GRIDS = {"latlon": "Lat–lon", "healpix": "HEALPix"}


def method_name(key: str) -> str:
    """As the page writes it."""
    return NAMES.get(key, key)


class CompareState(MapState):
    """The Compare page of one session."""

    archive = param.String("era5-week", doc="Catalogue name, or the name of an uploaded file.")
    variable = param.String("t2m")
    time = param.String("", doc="A held-out time; empty is the first.")
    a: Any = param.Selector(default="fs-ae", objects=list(NAMES))
    b: Any = param.Selector(default="cnn-vae", objects=list(NAMES))
    axis: Any = param.Selector(default="floats", objects=list(AXES))
    ratio: Any = param.Selector(default=64, objects=list(RATIOS))
    curves: Any = param.Selector(default="raw", objects=list(CURVES))
    span: Any = param.Selector(default="all", objects=list(SPANS))
    speed = param.Boolean(False, doc="Wind speed instead of a component.")
    cells: Any = param.Selector(
        default="on", objects=list(CELLS), doc="Outlines of cells of different sizes."
    )
    swipe = param.Number(0.5, bounds=(0.0, 1.0), doc="Where the divider stands, as a share of the window.")
    place: Any = param.Tuple(default=None, length=2, allow_None=True, doc="Marked (lon, lat).")

    parts: ClassVar[tuple[Part, ...]] = (
        text("archive"),
        text("variable"),
        text("time", "a time"),
        one_of("a", NAMES, "a method"),
        one_of("b", NAMES, "a method"),
        one_of("axis", AXES, "floats or bytes"),
        one_of("ratio", RATIOS, "4, 16, 64 or 256"),
        one_of("curves", CURVES),
        one_of("span", SPANS, "all or one"),
        flag("speed"),
        one_of("cells", CELLS, "on or off"),
        *MapState.parts,
        number("swipe", 0, 1, "a share from 0 to 1"),
        Part("place", lambda words: _place(words), "a longitude and a latitude", lambda p: _written(p)),
    )


def _place(words: str) -> tuple[float, float] | None:
    if not words:
        return None
    lon, lat = (float(part) for part in words.split(","))
    if not (-360 <= lon <= 360 and -90 <= lat <= 90):
        raise ValueError(words)
    return lon, lat


def _written(place: tuple[float, float] | None) -> str:
    return "" if place is None else ",".join(f"{value:.2f}" for value in place)
