"""The Zoom page's controls, tied to the session's state in both directions."""

from __future__ import annotations

__all__ = ["ZoomSidebar"]

from collections.abc import Callable, Mapping
from pathlib import Path

import panel as pn

from app.binding import Binding
from app.bookmarks import GLOBE, PLACES, place_name
from app.controls import Action, Buttons, Choice, Segmented, column
from app.field_controls import FieldControls, MapControls
from app.store import Archive
from app.zoom_scene import Scene
from app.zoom_state import AGAINST, RELIEFS, WEIGHTS, ZoomState


class ZoomSidebar:
    """Builds the controls; `show` makes them say what is on the screen."""

    def __init__(
        self,
        state: ZoomState,
        on_file: Callable[[Path, str], None],
        on_problem: Callable[[str], None],
        on_place: Callable[[str], None],
        on_save: Callable[[bool], None],
        on_table: Callable[[], None],
    ) -> None:
        self._state = state
        self._binding = binding = Binding(state)
        self.field = FieldControls(binding, on_file, on_problem)
        self.map = MapControls(binding)
        self.zoom_in = Segmented(
            label="Input zoom",
            help="How coarse the input is. Zoom 4 has cells 3.7 degrees wide, each zoom more "
            "halves them. Coarser than the archive, there is a truth to judge by.",
            value=str(state.zoom_in),
        )
        self.zoom_out = Segmented(
            label="To zoom",
            help="How fine the estimate becomes. Beyond what the weights know, marked ~, it is smooth.",
            value=str(state.zoom_out),
        )
        self.model = Choice(
            label="Weights",
            help="The archive's own weights lose less there; general ones take any variable.",
            value=state.model,
            visible=False,
        )
        self.estimate = Segmented(
            label="Estimate",
            help="Calibrated fits a factor and a lapse rate to the input's own scales: for "
            "temperature that the weights do not know well.",
            value="1" if state.calibrated else "0",
        )
        self.against = Segmented(
            label="Compare with",
            help="What the plain maps show: interpolation, or interpolation corrected by height "
            "(temperature only).",
            value=state.against,
        )
        places = [[key, place_name(key)] for key in (*(p.key for p in PLACES), GLOBE)]
        self.places = Buttons(
            on_place,
            label="Look at",
            help="Moves all maps to a place where fine detail matters.",
            options=places,
        )
        self.relief = Segmented(
            label="Relief",
            help="Heights of the land over the maps, to see what follows them.",
            value=state.relief,
            options=[[key, name, ""] for key, name in RELIEFS.items()],
        )
        self.span = Segmented(
            label="Super-resolved view, times",
            help="Save the estimate of what the maps show, at this time or at all times of the archive.",
            value="one",
        )
        self.save = Action(
            label="Save NetCDF",
            help="Saves the estimate of what the maps show, as latitudes and longitudes, with "
            "how it was made.",
        )
        self.table = Action(
            label="Save table (CSV)", help="Saves the table of places at the end of the page."
        )
        self.arrows = Segmented(
            label="Wind",
            help="Arrows over a component of the wind: of the input, over the truth its own, and over the "
            "super-resolved field of both components, super-resolved.",
            value="on" if state.arrows else "off",
            options=[["off", "Component", ""], ["on", "With arrows", ""]],
        )
        binding.tie(self.zoom_in, lambda v: {"zoom_in": int(v)})
        binding.tie(self.zoom_out, lambda v: {"zoom_out": int(v)})
        binding.tie(self.model, "model")
        binding.tie(self.estimate, lambda v: {"calibrated": v == "1"})
        binding.tie(self.against, "against")
        binding.tie(self.relief, "relief")
        binding.tie(self.arrows, lambda v: {"arrows": v == "on"})
        self.save.param.watch(lambda _: on_save(self.span.value == "all"), "clicks")
        self.table.param.watch(lambda _: on_table(), "clicks")

    @property
    def groups(self) -> dict[str, pn.Column]:
        """The controls by their place in the page's template."""
        return {
            "data": column(self.field.archive, self.field.variable, self.arrows, self.field.upload),
            "time": column(self.field.time),
            "bookmarks": column(self.places),
            "zooms": column(self.zoom_in, self.zoom_out, self.model, self.estimate, self.against),
            "map": column(self.relief, self.map.column),
            "download": column(self.span, self.save, self.table),
        }

    def show(self, scene: Scene, own: Mapping[str, Archive]) -> None:
        """Options and values for what is on the screen; the state is not touched."""
        a, archive = scene.asked, scene.archive
        self.field.show(archive, a.variable, scene.index, own)
        smooth = any(zoom > scene.reach for zoom in scene.targets)
        targets = [[str(zoom), f"{zoom}{'~' if zoom > scene.reach else ''}", ""] for zoom in scene.targets]
        inputs = [
            [str(zoom), f"{zoom}{' own' if zoom == archive.zoom else ''}", why]
            for zoom, why in scene.inputs.items()
        ]
        lapse = "" if scene.lapse is not None else "A lapse rate is for temperature."
        count = len(archive.times)
        with self._binding.quiet() as put:
            put(self.arrows, value="on" if self._state.arrows else "off", visible=scene.windy)
            put(self.zoom_in, options=inputs, value=str(a.zoom_in))
            put(self.zoom_out, label="To zoom (~ smooth, no detail known)" if smooth else "To zoom")
            put(self.zoom_out, options=targets, value=str(a.zoom_out))
            put(self.model, options=[[key, WEIGHTS[key]] for key in scene.models], value=a.model)
            put(self.model, visible=len(scene.models) > 1)
            estimates = [["0", "Weights alone", ""], ["1", "Calibrated", scene.why_not_calibrated]]
            put(self.estimate, options=estimates, value="1" if a.calibrated else "0")
            against = "smooth" if lapse else self._state.against
            put(self.against, options=[["smooth", AGAINST["smooth"], ""], ["lapse", AGAINST["lapse"], lapse]])
            put(self.against, value=against)
            several = "" if count > 1 else "There is one."
            put(self.span, options=[["one", "This time", ""], ["all", f"All {count}", several]])
            if count == 1:
                put(self.span, value="one")
            self.table.visible = scene.truth is not None

    def at(self, place: str) -> None:
        """Which place the maps show; empty for another."""
        if self.places.value != place:
            self.places.value = place
