"""The Compare page's controls, tied to the session's state in both directions."""

from __future__ import annotations

__all__ = ["CompareSidebar"]

from collections.abc import Callable, Mapping
from pathlib import Path

import panel as pn

from app.binding import Binding
from app.compare_fields import Compared
from app.compare_state import AXES, CELLS, CURVES, GRIDS, SPANS, CompareState, method_name
from app.controls import Action, Choice, Segmented, column
from app.export import grid_step
from app.field_controls import FieldControls, MapControls
from app.listing import Listing, line
from app.state import RATIOS
from app.store import Archive


class CompareSidebar:
    """Builds the controls; `show` makes them say what is on the screen.

    on_table: called with "csv" or "json"; on_compute: with whether for all methods; on_save: with the grid.
    """

    def __init__(
        self,
        state: CompareState,
        on_file: Callable[[Path, str], None],
        on_problem: Callable[[str], None],
        on_save: Callable[[str], None],
        on_table: Callable[[str], None],
        on_compute: Callable[[bool], None],
    ) -> None:
        self._binding = binding = Binding(state)
        self._all_that_is_left = False
        self.field = FieldControls(binding, on_file, on_problem)
        self.map = MapControls(binding)
        self.speed = Segmented(
            label="Wind",
            help="One component of the wind, or its speed, made of both components after they "
            "were compressed.",
            value="speed" if state.speed else "part",
            options=[["part", "Component", ""], ["speed", "Speed and arrows", ""]],
        )
        self.a = Choice(
            label="Method A",
            help="The method on the left. Methods with + clim work on departures from the annual cycle.",
            value=state.a,
        )
        self.b = Choice(
            label="Method B",
            help="The method on the right. Methods with + clim work on departures from the annual cycle.",
            value=state.b,
        )
        self.swap = Action(label="Swap A and B", help="A becomes B, and B becomes A.")
        self.axis = Segmented(
            label="Ratio counted in",
            help="Compare at equal numbers kept, or at equal bytes on disk. Some methods have "
            "one of the two only.",
            value=state.axis,
            options=[[k, v, ""] for k, v in AXES.items()],
        )
        self.ratio = Segmented(
            label="Ratio",
            help="How many times fewer numbers, or bytes, both methods may keep.",
            value=str(state.ratio),
            options=[[str(r), f"{r}×", ""] for r in RATIOS],
        )
        self.cells = Segmented(
            label="Cells",
            help="Outlines of the cells that the method has numbers for: small where the field is hard to "
            "tell. Those too small to be seen are left out until you zoom in.",
            value=state.cells,
            options=[[k, v, ""] for k, v in CELLS.items()],
        )
        self.curves = Segmented(
            label="Curves",
            help="Which methods the charts show: on fields as they are, on departures from a "
            "climatology, all, or A and B alone.",
            value=state.curves,
            options=[[k, v, ""] for k, v in CURVES.items()],
        )
        self.span = Segmented(
            label="Figures of",
            help="Charts and figures of all held-out times, or of the time on the maps.",
            value=state.span,
            options=[[k, v, ""] for k, v in SPANS.items()],
        )
        self.status = Listing(label="Where the table comes from", heads=[""])
        self.which = Segmented(
            label="Compute the table for",
            help="Which methods are measured: the two that are compared, or all, which can take minutes.",
            value="pair",
            options=[["pair", "A and B", ""], ["all", "All", ""]],
        )
        self.compute = Action(
            label="Compute table",
            help="Measures the methods on all held-out times. It can be stopped; rows come one by one.",
        )
        self.csv, self.json = (
            Action(label="Table, CSV", help="The table of all methods and ratios, for a spreadsheet."),
            Action(
                label="Table, JSON",
                help="The same table with all that is known of its making, as fsae evaluate writes it.",
            ),
        )
        self.grid = Segmented(
            label="Grid",
            help="The grid of the file: latitudes and longitudes that any tool reads, or the "
            "HEALPix cells that were computed.",
            value="latlon",
        )
        self.save = Action(label="Save fields, NetCDF", help="Saves truth, A and B of this time.")
        binding.tie(self.a, "a")
        binding.tie(self.b, "b")
        binding.tie(self.axis, "axis")
        binding.tie(self.ratio, lambda v: {"ratio": int(v)})
        binding.tie(self.cells, "cells")
        binding.tie(self.curves, "curves")
        binding.tie(self.span, "span")
        binding.tie(self.speed, lambda v: {"speed": v == "speed"})
        self.swap.param.watch(lambda _: state.param.update(a=state.b, b=state.a), "clicks")
        self.save.param.watch(lambda _: on_save(self.grid.value), "clicks")
        self.csv.param.watch(lambda _: on_table("csv"), "clicks")
        self.json.param.watch(lambda _: on_table("json"), "clicks")
        self.compute.param.watch(lambda _: on_compute(self.which.value == "all"), "clicks")

    @property
    def groups(self) -> dict[str, pn.Column]:
        """The controls by their place in the page's template."""
        return {
            "data": column(self.field.archive, self.field.variable, self.speed, self.field.upload),
            "time": column(self.field.time),
            "methods": column(self.a, self.b, self.swap, self.axis, self.ratio, self.cells),
            "figures": column(self.curves, self.span),
            "table": column(self.status, self.which, self.compute),
            "map": self.map.column,
            "download": column(self.grid, self.save, self.csv, self.json),
        }

    def show(self, shown: Compared, own: Mapping[str, Archive], status: str) -> None:
        """Options and values for what is on the screen; the state is not touched."""
        wish, table = shown.wish, shown.table
        fitting = [[m, method_name(m)] for m, axes in shown.methods.items() if wish.axis in axes]
        self.field.show(shown.held, wish.variable, shown.index, own)
        lacking = table.lacking(shown.methods)
        with self._binding.quiet() as put:
            put(self.a, options=fitting, value=wish.a)
            put(self.b, options=fitting, value=wish.b)
            put(self.axis, value=wish.axis)
            put(self.ratio, value=str(wish.ratio))
            put(self.cells, visible=any(side.leaves is not None for side in (shown.a, shown.b)))
            put(self.speed, value="speed" if wish.speed else "part", visible=shown.windy)
            latlon = f"{GRIDS['latlon']} {grid_step(shown.archive.zoom):g}°"
            put(self.grid, options=[["latlon", latlon, ""], ["healpix", GRIDS["healpix"], ""]])
            put(self.status, rows=[line([status])])
            pair = not any(m in lacking for m in (wish.a, wish.b))
            why = "They have their rows." if pair else ""
            put(self.which, options=[["pair", "A and B", why], ["all", f"All {len(shown.methods)}", ""]])
            if pair and lacking:
                put(self.which, value="all")
            elif self._all_that_is_left:  # it was not the visitor's choice
                put(self.which, value="pair")
            self._all_that_is_left = bool(pair and lacking)
            put(self.which, visible=bool(lacking))
            put(self.compute, visible=bool(lacking))
            for control in (self.csv, self.json):
                put(control, visible=bool(table.rows))
