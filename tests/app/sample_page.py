"""A page made on the frame, as small as one can be: two maps with a swipe of them, a chart, a choice."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import param
from bokeh.models import ColumnDataSource

from app import charts, store
from app.binding import Binding
from app.colours import error_scale
from app.controls import Segmented, column
from app.field_controls import FieldControls, MapControls
from app.latest import Latest
from app.layout import Group, Layout, Metric, Pane
from app.map_pane import MapPane
from app.map_set import MapSet
from app.pages.map_frame import MapPage
from app.sphere_view import Field
from app.state import MapState, Part, number, one_of, text


@dataclass(frozen=True)
class Wish:
    """What the visitor asks for."""

    archive: str
    variable: str
    time: str
    step: int


@dataclass(frozen=True)
class Made:
    """What can be shown."""

    archive: store.Archive
    index: int
    now: Field
    change: Field
    variable: str


def make(wish: Wish) -> Made:
    """Runs in a thread."""
    archive = store.named_archive(wish.archive)
    variable = wish.variable if wish.variable in archive.variables else archive.variables[0]
    index = archive.index_of(wish.time) or 0
    now = archive.values(variable, index)
    later = archive.values(variable, min(index + wish.step, len(archive.times) - 1))
    return Made(archive, index, Field(now), Field(later - now), variable)


class SampleState(MapState):
    """What is in the address."""

    archive = param.String("era5-week")
    variable = param.String("t2m")
    time = param.String("")
    step: Any = param.Selector(default=1, objects=[1, 2, 4])
    swipe = param.Number(0.5, bounds=(0.0, 1.0))
    parts: ClassVar[tuple[Part, ...]] = (
        text("archive"),
        text("variable"),
        text("time", "a time"),
        one_of("step", (1, 2, 4)),
        number("swipe", 0, 1, "a share from 0 to 1"),
        *MapState.parts,
    )


class SamplePage(MapPage):
    """A field and its change until a later time."""

    key = "sample"
    state_type = SampleState
    state: SampleState
    layout = Layout(
        panes=(
            Pane("now", "Now"),
            Pane("change", "Change until then", "Change"),
            Pane("both", "One over the other", "Both", swipe=("left", "right")),
            Pane("spread", "Spread against latitude", "Spread", wide=True, shape=4.0, late=True),
        ),
        groups=(
            Group("data", "Data"),
            Group("time", "Time", phone=-1),
            Group("step", "Step", heading=True),
            Group("map", "Map"),
        ),
        metrics=(Metric("rms", "Change, RMS"), Metric("most", "Largest change")),
    )

    def build(self) -> None:
        self.maps = MapSet(self.bridge, self.state.looks, self.state.window)
        self.now, self.change = MapPane(self.maps, "now"), MapPane(self.maps, "change")
        MapPane(self.maps, "left", self.now.mapper, like=self.now)
        MapPane(self.maps, "right", self.change.mapper, like=self.change)
        self.curve = ColumnDataSource({"lat": [], "spread": []})
        binding = Binding(self.state)
        self.field = FieldControls(binding, self.open_own, self.toast)
        self.map_controls = MapControls(binding)
        self.step = Segmented(
            label="Steps", value=str(self.state.step), options=[[n, n, ""] for n in ("1", "2", "4")]
        )
        binding.tie(self.step, lambda v: {"step": int(v)})
        self.pictures = Latest(make, self.arrived, lambda wish, error: self.failed(error), self.schedule)
        self.made: Made | None = None

    def spread(self):
        """Made when the browser asks for it: its pane is a late one."""
        fig = charts.chart(self.bridge, "spread", x_label="latitude", y_label="K")
        charts.line(self.bridge, fig, "lat", "spread", self.curve, 0)
        return fig

    def wire(self) -> None:
        super().wire()
        self.state.param.watch(lambda *_: self.ask(), ["archive", "variable", "time", "step"])
        self.swipe("both", self.state.swipe, lambda share: self.state.param.update(swipe=share))

    def start(self) -> None:
        self.ask(wait=0.8)

    def ask(self, wait: float = 0.0) -> None:
        state = self.state
        self.pictures.ask(Wish(state.archive, state.variable, state.time, state.step), wait)

    def arrived(self, wish: Wish, made: Made) -> None:
        """In the session's turn."""
        self.made = made
        unit = made.archive.unit(made.variable)
        self.now.scale(made.archive.scale(made.variable), f"{made.variable}, {unit}")
        self.change.scale(error_scale(made.change.cells), f"change, {unit}")
        self.redraw(True)
        rows = np.sort(made.change.cells)[:: made.change.cells.size // 60]
        self.curve.data = {"lat": np.linspace(-90, 90, rows.size), "spread": rows}
        self.field.show(made.archive, made.variable, made.index, self.own)
        size = np.abs(made.change.cells)
        self.say(
            {
                "title": made.archive.long_name(made.variable),
                "when": made.archive.labels[made.index],
                "attribution": made.archive.attribution,
                "rms": f"{np.sqrt((size**2).mean()):.2f} {unit}",
                "most": f"{size.max():.1f} {unit}",
            }
        )
        self.tell_address()

    def redraw(self, moved: bool) -> None:
        if self.made is not None:
            self.maps.draw(((self.now, self.made.now), (self.change, self.made.change)), base=moved)

    def open_own(self, path, name: str) -> None:
        self.open_file(path, name, lambda archive: self.toast(f"{archive.title} was opened."))

    def parts(self) -> dict[str, Any]:
        return {
            **{pane.name: pane for pane in self.maps.panes},
            "spread": self.spread,
            "data": self.field.data,
            "time": column(self.field.time),
            "step": column(self.step),
            "map": self.map_controls.column,
        }

    def closing(self) -> None:
        self.field.upload.close()


PAGE = SamplePage
