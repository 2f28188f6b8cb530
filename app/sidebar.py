"""The Compress page's controls, tied to the session's state in both directions."""

from __future__ import annotations

__all__ = ["Sidebar"]

from collections.abc import Callable
from pathlib import Path

import panel as pn

from app import store
from app.controls import Action, Choice, JobBar, Range, Segmented, TimePlayer, Upload
from app.export import GRIDS, grid_step
from app.resolve import Shown
from app.state import METHODS, RATIOS, PageState

_NO_GAP = {"sizing_mode": "stretch_width", "margin": 0, "stylesheets": [":host { gap: 8px; }"]}


class Sidebar:
    """Builds the controls; `show` makes them say what is on the screen."""

    def __init__(
        self,
        state: PageState,
        on_file: Callable[[Path, str], None],
        on_problem: Callable[[str], None],
        on_save: Callable[[str, bool], None],
        on_stop: Callable[[], None],
    ) -> None:
        self.state = state
        self._quiet = False
        self.own: dict[str, str] = {}
        self.archive = Choice(label="Archive", value=state.archive)
        self.variable = Choice(label="Variable", value=state.variable)
        self.upload = Upload(on_file, on_problem, label="Use your own file…")
        self.job = JobBar()
        self.time = TimePlayer(label="Time")
        self.ratio = Segmented(label="Ratio, in numbers", value=str(state.ratio))
        self.method = Choice(label="Method", value=state.method)
        self.projection = Segmented(
            label="Projection",
            value=state.projection,
            options=[["plate-carree", "Flat", ""], ["mollweide", "Mollweide", ""], ["globe", "Globe", ""]],
        )
        self.lon0 = Range(label="Middle longitude", value=state.lon0, start=-180, end=180, step=5, suffix="°")
        self.lat0 = Range(label="Middle latitude", value=state.lat0, start=-90, end=90, step=5, suffix="°")
        self.fit = Segmented(
            label="Colour range",
            value="view" if state.fit else "archive",
            options=[["archive", "Whole archive", ""], ["view", "This view", ""]],
        )
        self.grid = Segmented(label="Grid", value="latlon")
        self.span = Segmented(label="Times", value="one")
        self.save = Action(label="Save NetCDF")
        self.lat0.visible = state.projection == "globe"

        watch = self._watch
        watch(self.archive, lambda v: {"archive": v})
        watch(self.variable, lambda v: {"variable": v})
        watch(self.time, lambda v: {"time": self.time.labels[v]} if v < len(self.time.labels) else {})
        watch(self.ratio, lambda v: {"ratio": int(v)})
        watch(self.method, lambda v: {"method": v})
        watch(self.projection, lambda v: {"projection": v})
        watch(self.lon0, lambda v: {"lon0": float(v)})
        watch(self.lat0, lambda v: {"lat0": float(v)})
        watch(self.fit, lambda v: {"fit": v == "view"})
        self.job.param.watch(lambda _: on_stop(), "stops")
        self.save.param.watch(lambda _: on_save(self.grid.value, self.span.value == "all"), "clicks")

    def _watch(self, control, change) -> None:
        def told(event) -> None:
            if not self._quiet:
                self.state.param.update(**change(event.new))

        control.param.watch(told, "value")

    @property
    def groups(self) -> dict[str, pn.Column]:
        """The controls by their place in the page's template."""
        return {
            "data": pn.Column(self.archive, self.variable, self.upload, **_NO_GAP),
            "compression": pn.Column(self.ratio, self.method, **_NO_GAP),
            "time": pn.Column(self.time, **_NO_GAP),
            "map": pn.Column(self.projection, self.lon0, self.lat0, self.fit, **_NO_GAP),
            "download": pn.Column(self.grid, self.span, self.save, **_NO_GAP),
            "job": pn.Column(self.job, **_NO_GAP),
        }

    def show(self, shown: Shown) -> None:
        """Options and values for what is on the screen; the state is not touched."""
        archive, asked = shown.archive, shown.asked
        names = [[e.name, e.title] for e in store.shipped_archives()]
        names += [[name, title] for name, title in self.own.items()]
        methods = [[key, METHODS[key]] for key in ("amip", "general", "block-mean") if key in shown.choices]
        ratios = [[str(r), f"{r}×", shown.choices[asked.method][r]] for r in RATIOS]
        variables = [[v, f"{archive.long_name(v)} ({v})"] for v in archive.variables]
        step = grid_step(archive.zoom)
        count = len(archive.times)
        self._quiet = True
        try:
            _set(self.archive, options=names, value=asked.archive)
            _set(self.variable, options=variables, value=asked.variable)
            _set(self.method, options=methods, value=asked.method)
            _set(self.ratio, options=ratios, value=str(asked.ratio))
            if list(archive.labels) != self.time.labels:
                _set(self.time, labels=list(archive.labels), value=shown.index)
            self.time.shown = shown.index
            self.grid.options = [
                ["latlon", f"{GRIDS['latlon']} {step:g}°", ""],
                ["healpix", GRIDS["healpix"], ""],
            ]
            self.span.options = [
                ["one", "This time", ""],
                ["all", f"All {count}", "" if count > 1 else "There is one."],
            ]
            if count == 1:
                self.span.value = "one"
        finally:
            self._quiet = False

    def follow(self) -> None:
        """Values of the map's controls from the state."""
        self._quiet = True
        try:
            self.lat0.visible = self.state.projection == "globe"
            _set(self.projection, value=self.state.projection)
            _set(self.fit, value="view" if self.state.fit else "archive")
        finally:
            self._quiet = False


def _set(control, **values) -> None:
    changed = {k: v for k, v in values.items() if getattr(control, k) != v}
    if changed:
        control.param.update(**changed)
