"""Controls that several pages have: which field (archive, variable, file, time) and how the maps look."""

from __future__ import annotations

__all__ = ["FieldControls", "MapControls"]

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import panel as pn

from app import store
from app.binding import Binding
from app.controls import Choice, Range, Segmented, TimePlayer, Upload, column
from app.store import Archive


class FieldControls:
    """Archive, variable, one's own file and time, tied to a state that has `archive`, `variable`, `time`.

    on_file, on_problem: as in `Upload`.
    offered: which archives are in the list, (name, title); all shipped ones when None.
    """

    def __init__(
        self,
        binding: Binding,
        on_file: Callable[[Path, str], None],
        on_problem: Callable[[str], None],
        offered: Callable[[], list[tuple[str, str]]] | None = None,
    ) -> None:
        state: Any = binding.state
        self._binding = binding
        self._offered = offered or _shipped
        self.archive = Choice(
            label="Archive",
            help="Where the field comes from. ERA5 is a reanalysis of observations; archives "
            "marked as simulated are neither observed nor forecast.",
            value=state.archive,
        )
        self.variable = Choice(
            label="Variable",
            help="What is shown: temperature, wind, pressure or rain, each in its own unit.",
            value=state.variable,
        )
        self.upload = Upload(
            on_file,
            on_problem,
            label="Use your own file…",
            help="A NetCDF, GRIB or zipped Zarr of the whole sphere. It is kept for this visit "
            "only and is put on HEALPix cells.",
        )
        self.time = TimePlayer(
            label="Time", help="Which time of the archive is shown, in UTC. Play runs through all of them."
        )
        binding.tie(self.archive, "archive")
        binding.tie(self.variable, "variable")
        binding.tie(self.time, lambda i: {"time": self.time.labels[i]} if i < len(self.time.labels) else {})

    @property
    def data(self) -> pn.Column:
        """Archive, variable and file, one below the other."""
        return column(self.archive, self.variable, self.upload)

    def show(self, archive: Archive, variable: str, index: int, own: Mapping[str, Archive]) -> None:
        """Options and values for what is on the screen; the state is not touched."""
        names = [list(pair) for pair in self._offered()]
        names += [[name, mine.title] for name, mine in own.items()]
        variables = [[v, f"{archive.long_name(v)} ({v})"] for v in archive.variables]
        with self._binding.quiet() as put:
            put(self.archive, options=names, value=archive.name)
            put(self.variable, options=variables, value=variable)
            if list(archive.labels) != self.time.labels:
                put(self.time, labels=list(archive.labels), value=index)
            self.time.shown = index


def _shipped() -> list[tuple[str, str]]:
    return [(entry.name, entry.title) for entry in store.shipped_archives()]


class MapControls:
    """Projection, its middle and where the colours come from, tied to a `MapState`."""

    def __init__(self, binding: Binding) -> None:
        state: Any = binding.state
        self._binding = binding
        self.projection = Segmented(
            label="Projection",
            help="How the sphere is laid flat. Flat is fit for reading places, Mollweide keeps "
            "areas, Globe shows one side.",
            value=state.projection,
            options=[["plate-carree", "Flat", ""], ["mollweide", "Mollweide", ""], ["globe", "Globe", ""]],
        )
        self.lon0 = Range(
            label="Middle longitude",
            help="The longitude in the middle of the maps, in degrees east.",
            value=state.lon0,
            start=-180,
            end=180,
            step=5,
            suffix="°",
        )
        self.lat0 = Range(
            label="Middle latitude",
            help="The latitude in the middle of the globe, in degrees north.",
            value=state.lat0,
            start=-90,
            end=90,
            step=5,
            suffix="°",
        )
        self.fit = Segmented(
            label="Colour range",
            help="Colours of the whole archive stay the same through time; those of this view "
            "show more detail where you look.",
            value="view" if state.fit else "archive",
            options=[["archive", "Whole archive", ""], ["view", "This view", ""]],
        )
        self.lat0.visible = state.projection == "globe"
        binding.tie(self.projection, "projection")
        binding.tie(self.lon0, lambda v: {"lon0": float(v)})
        binding.tie(self.lat0, lambda v: {"lat0": float(v)})
        binding.tie(self.fit, lambda v: {"fit": v == "view"})

    @property
    def column(self) -> pn.Column:
        return column(self.projection, self.lon0, self.lat0, self.fit)

    def follow(self) -> None:
        """Values from the state."""
        state: Any = self._binding.state
        with self._binding.quiet() as put:
            self.lat0.visible = state.projection == "globe"
            put(self.projection, value=state.projection)
            put(self.lon0, value=state.lon0)
            put(self.lat0, value=state.lat0)
            put(self.fit, value="view" if state.fit else "archive")
