"""The Compress page's controls, tied to the session's state in both directions."""

from __future__ import annotations

__all__ = ["Sidebar"]

from collections.abc import Callable, Mapping
from pathlib import Path

import panel as pn

from app.binding import Binding
from app.compress_state import METHODS, CompressState
from app.controls import Action, Choice, Segmented, column
from app.export import GRIDS, grid_step
from app.field_controls import FieldControls, MapControls
from app.resolve import Shown
from app.state import RATIOS
from app.store import Archive


class Sidebar:
    """Builds the controls; `show` makes them say what is on the screen."""

    def __init__(
        self,
        state: CompressState,
        on_file: Callable[[Path, str], None],
        on_problem: Callable[[str], None],
        on_save: Callable[[str, bool], None],
    ) -> None:
        self._binding = Binding(state)
        self.field = FieldControls(self._binding, on_file, on_problem)
        self.map = MapControls(self._binding)
        self.ratio = Segmented(
            label="Ratio, in numbers",
            help="How many times fewer values are kept. The ratio in bytes follows from it and "
            "stands above the maps.",
            value=str(state.ratio),
        )
        self.method = Choice(
            label="Method",
            help="General weights take any variable; an archive's own lose less there; all variables "
            "together lose less again, for as many values each; block means need no network.",
            value=state.method,
        )
        self.speed = Segmented(
            label="Wind",
            help="One component of the wind, or its speed with arrows; both components are then compressed.",
            value="speed" if state.speed else "part",
            options=[["part", "Component", ""], ["speed", "Speed and arrows", ""]],
        )
        self.grid = Segmented(
            label="Grid",
            help="The grid of the file: latitudes and longitudes that any tool reads, or the "
            "HEALPix cells that were computed.",
            value="latlon",
        )
        self.span = Segmented(
            label="Times",
            help="Save the time that is shown, or all times of the archive, which takes longer.",
            value="one",
        )
        self.save = Action(
            label="Save NetCDF",
            help="Saves original and reconstruction, with ratio, method and errors in the attributes.",
        )
        self._binding.tie(self.ratio, lambda v: {"ratio": int(v)})
        self._binding.tie(self.method, "method")
        self._binding.tie(self.speed, lambda v: {"speed": v == "speed"})
        self.save.param.watch(lambda _: on_save(self.grid.value, self.span.value == "all"), "clicks")

    @property
    def groups(self) -> dict[str, pn.Column]:
        """The controls by their place in the page's template."""
        return {
            "data": column(self.field.archive, self.field.variable, self.speed, self.field.upload),
            "compression": column(self.ratio, self.method),
            "time": column(self.field.time),
            "map": self.map.column,
            "download": column(self.grid, self.span, self.save),
        }

    def show(self, shown: Shown, own: Mapping[str, Archive]) -> None:
        """Options and values for what is on the screen; the state is not touched."""
        archive, asked = shown.archive, shown.asked
        methods = [[key, name] for key, name in METHODS.items() if key in shown.choices]
        ratios = [[str(r), f"{r}×", shown.choices[asked.method][r]] for r in RATIOS]
        count = len(archive.times)
        self.field.show(archive, asked.variable, shown.index, own)
        with self._binding.quiet() as put:
            put(self.method, options=methods, value=asked.method)
            put(self.speed, value="speed" if asked.speed else "part", visible=shown.windy)
            put(self.ratio, options=ratios, value=str(asked.ratio))
            latlon = f"{GRIDS['latlon']} {grid_step(archive.zoom):g}°"
            put(self.grid, options=[["latlon", latlon, ""], ["healpix", GRIDS["healpix"], ""]])
            several = "" if count > 1 else "There is one."
            put(self.span, options=[["one", "This time", ""], ["all", f"All {count}", several]])
            if count == 1:
                put(self.span, value="one")
