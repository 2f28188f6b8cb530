"""The Latent page's controls, tied to the session's state in both directions."""

from __future__ import annotations

__all__ = ["LatentControls"]

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import panel as pn

from app.atlases import OpenAtlas, offered_atlases
from app.binding import Binding
from app.cards import Sentences
from app.controls import Action, Choice, Segmented, TimePlayer, Upload, column
from app.export import GRIDS, grid_step
from app.field_controls import MapControls
from app.latent_state import DRAGS, LatentState
from app.latent_words import enso_note
from app.quantities import QUANTITIES, column_of


class LatentControls:
    """Builds the controls; `show` makes them say what is on the screen.

    on_window: told the number of the eruption that is chosen; on_clear, on_table, on_fields: buttons.
    """

    def __init__(
        self,
        state: LatentState,
        on_file: Callable[[Path, str], None],
        on_problem: Callable[[str], None],
        on_window: Callable[[int], None],
        buttons: Mapping[str, Callable[[], None]],
    ) -> None:
        self._binding = binding = Binding(state)
        self.archive = Choice(
            label="Atlas",
            help="Which archive's map of times is shown. Atlases of your own can be made with fsae atlas.",
            value=state.archive,
        )
        self.upload = Upload(
            on_file,
            on_problem,
            label="Place your own file…",
            help="Puts the times of a NetCDF, GRIB or zipped Zarr on this map as diamonds. It is "
            "kept for this visit only.",
        )
        self.which = Segmented(
            label="Map",
            help="As it is, the seasons rule the map; without season, warming, El Niño and "
            "volcanoes come out.",
            value=state.map,
            options=[["raw", "As it is", ""], ["deseasonalised", "Without season", ""]],
        )
        self.colour = Choice(label="Colour", help="What the colour of a point says.", value=state.colour)
        self.enso = Segmented(
            label="El Niño in the displacement",
            help="Removed: what a regression on Niño 3.4 explains is taken out of the year displacement.",
            value="out" if state.enso else "in",
            options=[["in", "Kept", ""], ["out", "Removed", ""]],
        )
        self.enso_words = Sentences(css_classes=["quiet"])
        self.time = TimePlayer(
            label="Time",
            help="The time that is looked at. Play walks through the map in order.",
            interval=250,
        )
        self.target = Segmented(
            label="Draw around times for",
            help="Which of the two groups the next drawing or eruption fills.",
            value=state.target,
            options=[["a", "A", ""], ["b", "B", ""]],
        )
        self.drag = Segmented(
            label="Dragging",
            help="What dragging on the map does: draw around points, draw a box, or move the map.",
            value=state.drag,
            options=[[key, name, ""] for key, name in DRAGS.items()],
        )
        self.window = Choice(
            label="or take the months after",
            help="Fills the group with 24 months from three months after an eruption.",
            value="",
        )
        self.clear = Action(
            label="Clear all", help="Empties both groups, takes your own times off and shows the whole map."
        )
        self.grid = Segmented(
            label="Grid of NetCDF",
            help="The grid of the file: latitudes and longitudes that any tool reads, or the "
            "HEALPix cells that were computed.",
            value="latlon",
        )
        self.table, self.fields = (
            Action(
                label="Save CSV of A and B",
                help="Saves the times of both groups with all that the atlas knows of them.",
            ),
            Action(
                label="Save NetCDF of A and B",
                help="Saves the mean departures of A, of B and between them, with what is significant.",
            ),
        )
        self.map = MapControls(binding)
        binding.tie(self.archive, lambda name: {"archive": name, "time": "", "a": "", "b": "", "cloud": None})
        binding.tie(self.which, lambda value: {"map": value, "cloud": None})
        binding.tie(self.colour, "colour")
        binding.tie(self.enso, lambda value: {"enso": value == "out"})
        binding.tie(self.target, "target")
        binding.tie(self.drag, "drag")
        binding.tie(self.time, lambda i: {"time": self.time.labels[i]} if i < len(self.time.labels) else {})
        self._on_window = on_window
        self.window.param.watch(self._windowed, "value")
        for name, button in (("clear", self.clear), ("table", self.table), ("fields", self.fields)):
            button.param.watch(lambda _, act=buttons[name]: act(), "clicks")

    def _windowed(self, event: Any) -> None:
        if event.new:  # not where the list goes back to its first line
            self._on_window(int(event.new))

    @property
    def groups(self) -> dict[str, pn.Column]:
        """The controls by their place in the page's template."""
        return {
            "data": column(self.archive, self.which, self.colour, self.enso, self.enso_words),
            "time": column(self.time),
            "groups": column(self.target, self.drag, self.window, self.clear),
            "own": column(self.upload),
            "download": column(self.grid, self.table, self.fields),
            "look": self.map.column,
        }

    def show(self, opened: OpenAtlas, row: int | None, state: LatentState) -> None:
        """Options and values for what is on the screen; the state is not touched."""
        frame = opened.atlas.table
        colours = [
            [key, name] for key, name in QUANTITIES.items() if frame[column_of(key, False)].notna().any()
        ]
        no_enso = frame["displacement_no_enso"].notna().any()
        with self._binding.quiet() as put:
            put(self.archive, options=[list(pair) for pair in offered_atlases().items()], value=opened.name)
            put(self.colour, options=colours, value=state.colour)
            put(self.which, value=state.map)
            why = "" if no_enso else "This atlas tells no El Niño."
            options = [["in", "Kept", ""], ["out", "Removed", why]]
            put(self.enso, options=options, value="out" if state.enso else "in")
            put(self.enso_words, items=[["", enso_note(opened, state.enso)]])
            if list(opened.labels) != self.time.labels:
                put(self.time, labels=list(opened.labels), value=row or 0)
            elif row is not None:
                put(self.time, value=row)
            self.time.shown = self.time.value
            put(self.target, value=state.target)
            put(self.drag, value=state.drag)
            named = [[str(i), eruption.name] for i, (eruption, _) in enumerate(opened.windows)]
            put(self.window, options=[["", "an eruption…"], *named], value="")
            latlon = f"{GRIDS['latlon']} {grid_step(opened.archive.zoom):g}°"
            put(self.grid, options=[["latlon", latlon, ""], ["healpix", GRIDS["healpix"], ""]])
