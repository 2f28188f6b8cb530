"""A colour and a dash for every method of the comparison, the same on all of the page's charts.

One colour serves light and dark: each has a contrast of three or more to both grounds.
"""

from __future__ import annotations

__all__ = ["colour_of", "dash_of"]

_COLOURS = {
    "fs-ae": "#0d8b97",
    "fs-ae-adaptive": "#0a6b4f",
    "cnn-vae": "#d2691e",
    "fs-ae-joint": "#4a6fd8",
    "block-mean": "#94802f",
    "eof": "#77838c",
    "sht": "#8d66d0",
    "jpeg2000": "#2f7fd6",
    "sperr": "#3c9447",
    "sperr-3d": "#6f9a1f",
    "sz3": "#d64d72",
    "zfp": "#bf4fb0",
    "bitround": "#a5705a",
}


def colour_of(method: str) -> str:
    """Of a method and of the same on anomalies."""
    return _COLOURS.get(method.removesuffix("+clim"), "#77838c")


def dash_of(method: str) -> str:
    """Anomalies are dashed."""
    return "dashed" if method.endswith("+clim") else "solid"
