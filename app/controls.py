"""The page's controls: native form elements, so that keyboard, screen reader and phone work as anywhere.

Each is a small ES module in assets/style with the parameters below; none loads anything from elsewhere.
"""

from __future__ import annotations

__all__ = ["Action", "Buttons", "Choice", "JobBar", "Range", "Segmented", "TimePlayer", "Upload", "column"]

import base64
import binascii
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import panel as pn
import param
from panel.custom import JSComponent

from app import scratch
from app.settings import settings
from fsae_core.assets import asset_path
from fsae_core.errors import UserError

_SHEET = "\n".join(asset_path("style", f"{name}.css").read_text("utf-8") for name in ("controls", "help"))
_HELP = asset_path("style", "help.js").read_text(encoding="utf-8")


def _module(name: str) -> str:
    return _HELP + asset_path("style", f"{name}.js").read_text(encoding="utf-8")


class _Control(JSComponent):
    label = param.String("")
    help = param.String("", doc="What it does, its unit and when to use it, in a sentence or two.")

    __abstract = True

    def __init__(self, **params: Any) -> None:
        super().__init__(**{"stylesheets": [_SHEET], "sizing_mode": "stretch_width", "margin": 0, **params})


def column(*controls: Any) -> pn.Column:
    """Controls one below the other, as wide as their place."""
    return pn.Column(*controls, sizing_mode="stretch_width", margin=0, stylesheets=[":host { gap: 8px; }"])


class Choice(_Control):
    """A drop-down list. options: [value, text] pairs."""

    value = param.String("")
    options = param.List(default=[])
    _esm = _module("choice")


class Segmented(_Control):
    """A row of which one is chosen. options: [value, text, why not] triples; with a reason it is disabled."""

    value = param.String("")
    options = param.List(default=[])
    _esm = _module("segmented")


class Range(_Control):
    """A slider for a number, its value written beside it with a suffix."""

    value = param.Number(0.0)
    start = param.Number(0.0)
    end = param.Number(1.0)
    step = param.Number(1.0)
    suffix = param.String("")
    _esm = _module("range")


class TimePlayer(_Control):
    """A slider through times with play, step and the date.

    shown: the position whose picture is on the screen. The player waits for it, so a slow line drops frames
    instead of piling them up.
    """

    value = param.Integer(0)
    shown = param.Integer(0)
    labels = param.List(default=[])
    interval = param.Integer(400, doc="Shortest time between two pictures, milliseconds.")
    _esm = _module("player")


class Action(_Control):
    """A button; `clicks` counts."""

    clicks = param.Integer(0)
    _esm = _module("action")


class Buttons(_Control):
    """Buttons in two columns, each of which does something at once; `value` names the one that is in effect.

    options: [value, text] pairs. on_press: called with the value of the button that was pressed.
    """

    value = param.String("")
    options = param.List(default=[])
    _esm = _module("buttons")

    def __init__(self, on_press: Callable[[str], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_press = on_press

    def _handle_msg(self, data: Any) -> None:
        pressed = data.get("pressed") if isinstance(data, dict) else None
        if pressed in [value for value, _ in self.options]:
            self._on_press(str(pressed))


class JobBar(_Control):
    """Progress of long work with a button that stops it; hidden while nothing runs."""

    running = param.Boolean(False)
    share = param.Number(0.0)
    text = param.String("")
    stops = param.Integer(0, doc="How often stop was pressed.")
    _esm = _module("job")


def _harmless(name: str, suffix: str) -> str:
    """A file name that says what the visitor's said and can do nothing: messages name the file by it."""
    stem = "".join(c if c.isalnum() or c in "-_ " else "_" for c in name[: -len(suffix)])[:80].strip()
    return (stem or "file") + suffix


class Upload(_Control):
    """Takes one file from the visitor, piece by piece, into a temporary file.

    limit: bytes, the server's own (FSAE_MAX_UPLOAD_MB) by default; checked in the browser and here.
    on_file: called with (path, name) of a complete file; it owns the path from then on.
    on_problem: called with one sentence.
    """

    limit = param.Integer(200 * 1000 * 1000)
    received = param.Integer(0, doc="Bytes that have arrived; the browser waits for it.")
    number = param.Integer(0, doc="Counts the uploads, so that a late piece of an old one is told apart.")
    refused = param.Integer(0, doc="The number of the last upload that was refused.")
    suffixes = param.List(default=[".nc", ".nc4", ".grib", ".grb", ".grib2", ".grb2", ".zip", ".h5"])
    _esm = _module("upload")

    def __init__(
        self, on_file: Callable[[Path, str], None], on_problem: Callable[[str], None], **params: Any
    ) -> None:
        super().__init__(**{"limit": settings().max_upload_mb * 1000 * 1000, **params})
        self._on_file, self._on_problem = on_file, on_problem
        self._folder: Path | None = None
        self._path: Path | None = None
        self._size = 0

    def _handle_msg(self, data: Any) -> None:
        if not isinstance(data, dict):
            return
        kind = data.get("kind")
        if kind == "start":
            self._start(str(data.get("name", "")), int(data.get("size", 0)), int(data.get("number", 0)))
        elif kind == "piece" and self._path is not None and data.get("number") == self.number:
            self._piece(str(data.get("body", "")))
        elif kind == "problem":
            self._on_problem(self._too_big(str(data.get("name", "")), int(data.get("size", 0))))

    def _too_big(self, name: str, size: int) -> str:
        return (
            f"{name[:80]} has {size / 1e6:.0f} MB, but at most {self.limit / 1e6:.0f} MB can be uploaded: "
            "cut it to fewer times or variables, or open it with the command line."
        )

    def _start(self, name: str, size: int, number: int) -> None:
        self.close()
        self.param.update(number=number, received=0)
        # The name is the visitor's word: only its last part, and only as a label and a suffix.
        name = Path(name.replace("\\", "/")).name or "file"
        suffix = next((s for s in self.suffixes if name.lower().endswith(s)), None)
        if suffix is None:
            self._refuse(
                f"{name[:80]} is not a NetCDF, GRIB or zipped Zarr file by its name: expected one of "
                f"{', '.join(self.suffixes)}."
            )
        elif size > self.limit:
            self._refuse(self._too_big(name, size))
        elif size <= 0:
            self._refuse(f"{name[:80]} is empty: choose a file with data.")
        else:
            try:
                self._folder = scratch.place("upload")
                self._path = self._folder / _harmless(name, suffix)
                self._path.touch()
            except (UserError, OSError):
                self._refuse(str(scratch.no_room()))
            self._size, self._name = size, name

    def _refuse(self, sentence: str) -> None:
        self.close()
        self.refused = self.number
        self._on_problem(sentence)

    def _piece(self, body: str) -> None:
        assert self._path is not None
        try:
            piece = base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            self._refuse("The upload was garbled on its way: send the file again.")
            return
        received = self.received + len(piece)
        if received > min(self._size, self.limit) or not piece:
            self._refuse(self._too_big(self._name, received))
            return
        try:
            with self._path.open("ab") as file:
                file.write(piece)
        except OSError:
            self._refuse(str(scratch.no_room()))
            return
        self.received = received
        if received == self._size:
            path, self._path = self._path, None
            self._on_file(path, self._name)

    def close(self) -> None:
        """Forget the file and delete it."""
        self._path = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
