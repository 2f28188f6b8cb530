"""The Compress page: a field, compressed, beside what it was."""

from __future__ import annotations

__all__ = ["PAGE", "CompressPage"]

from pathlib import Path
from typing import Any

from app.compress_layout import LAYOUT
from app.compress_state import CompressState
from app.export import to_netcdf
from app.gallery import Gallery
from app.jobs import Progress
from app.latest import Latest
from app.pages.map_frame import MapPage
from app.resolve import Asked, Shown, resolve
from app.sidebar import Sidebar
from app.store import Archive
from app.words import describe

_FIRST_WAIT_S = 0.8
_COMPUTED = ("archive", "variable", "time", "method", "ratio", "speed")


class CompressPage(MapPage):
    """One visitor's Compress page."""

    key = "compress"
    state_type = CompressState
    state: CompressState
    layout = LAYOUT

    def build(self) -> None:
        self.gallery = Gallery(self.bridge, self.state)
        self.maps = self.gallery.maps
        self.sidebar = Sidebar(self.state, self._open, self.toast, self._save)
        self.map_controls = self.sidebar.map
        self.pictures = Latest(self._make, self._arrived, self._missed, self.schedule)
        self.shown: Shown | None = None

    def wire(self) -> None:
        super().wire()
        self.state.param.watch(lambda *_: self.request(), list(_COMPUTED))
        self.swipe("swipe", self.state.swipe, self._swiped)

    def start(self) -> None:
        self.pictures.ask(self.asked, wait=_FIRST_WAIT_S)

    def parts(self) -> dict[str, Any]:
        return {**self.sidebar.groups, **self.gallery.parts}

    def closing(self) -> None:
        self.sidebar.field.upload.close()

    # -- pictures --------------------------------------------------------------------------------

    @property
    def asked(self) -> Asked:
        """What the controls say."""
        return Asked(**{name: getattr(self.state, name) for name in _COMPUTED})

    def request(self) -> None:
        """Make the picture that the controls ask for."""
        if self.shown is not None and self.asked == self.shown.asked:
            self.pictures.forget()
        else:
            self.pictures.ask(self.asked)

    def _make(self, asked: Asked) -> Shown:
        # The first picture is the address's wish: where it cannot be had, another is better than none.
        return resolve(asked, dict(self.own), strict=self.shown is not None)

    def _arrived(self, asked: Asked, shown: Shown) -> None:
        self._take_over(shown)
        for problem in shown.problems:
            self.toast(problem)

    def _missed(self, asked: Asked, error: BaseException) -> None:
        self.failed(error)
        if self.asked == asked and self.shown is not None:
            self._take_over(self.shown)  # the controls go back to what is on the screen

    def _take_over(self, shown: Shown) -> None:
        fresh = shown is not self.shown
        self.shown = shown
        # From here on the state equals what is shown, so that its watchers find nothing to do.
        self.state.param.update(**{name: getattr(shown.asked, name) for name in _COMPUTED})
        if fresh:
            self.gallery.show(shown)
            a = shown.asked
            self.say(
                describe(
                    shown.archive,
                    a.variable,
                    shown.index,
                    a.method,
                    a.ratio,
                    shown.picture,
                    shown.learned,
                    anomaly=shown.anomaly,
                )
            )
        self.sidebar.show(shown, self.own)
        self.tell_address()

    def redraw(self, moved: bool) -> None:
        self.gallery.redraw(moved)

    def recolour(self) -> None:
        self.gallery.recolour()

    def _swiped(self, share: float) -> None:
        self.state.swipe = share
        self.tell_address()

    # -- files -----------------------------------------------------------------------------------

    def _open(self, path: Path, name: str) -> None:
        self.open_file(path, name, self._opened)

    def _opened(self, archive: Archive) -> None:
        if self.shown is not None and self.shown.asked.archive == archive.name:
            self.shown = None  # a second file of the same name
        self.state.param.update(archive=archive.name, variable=archive.variables[0], time="")
        self.request()

    def _save(self, grid: str, everything: bool) -> None:
        shown = self.shown
        if shown is None:
            return
        a = shown.asked
        indices = range(len(shown.archive.times)) if everything else [shown.index]

        def work(progress: Progress) -> tuple[str, bytes]:
            return to_netcdf(shown.archive, a.variable, list(indices), a.method, a.ratio, grid, progress)

        self.run("Writing NetCDF", work, lambda file: self.bridge.save(*file))


PAGE = CompressPage
