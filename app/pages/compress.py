"""The Compress page: a field, compressed, beside what it was."""

from __future__ import annotations

__all__ = ["CompressPage", "page"]

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import panel as pn
from bokeh.document import Document
from bokeh.events import DocumentReady
from bokeh.io import curdoc
from bokeh.models import ColumnDataSource, CustomJS

from app.bridge import Bridge
from app.export import to_netcdf
from app.gallery import PANES, Gallery
from app.jobs import Job, Progress, Stopped, pool
from app.resolve import Asked, Shown, resolve
from app.shell import shell
from app.sidebar import Sidebar
from app.state import PageState
from app.store import Archive, own_archive
from app.words import EMPTY, describe
from fsae_core.errors import UserError

_log = logging.getLogger(__name__)
_FIRST_WAIT_S = 0.8
_LOOK_EVERY_MS = 30
_COMPUTED = ("archive", "variable", "time", "method", "ratio")


class CompressPage:
    """One visitor's page.

    schedule: runs a function in the session's turn; the document's `add_next_tick_callback` when None.
    """

    def __init__(
        self, query: Mapping[str, str], document: Document, schedule: Callable[..., Any] | None = None
    ) -> None:
        self.document = document
        self.state = PageState()
        problems = self.state.read_query(query)
        self._schedule = schedule or document.add_next_tick_callback
        self.bridge = Bridge(EMPTY)
        self.gallery = Gallery(self.bridge, self.state)
        self.job = Job(self._schedule, self._progress)
        self.own: dict[str, Archive] = {}
        self.sidebar = Sidebar(self.state, self._open_file, self.toast, self._save, self.job.stop)
        self.shown: Shown | None = None
        self._working = False
        self._look_due = False
        self._swipe = ColumnDataSource({"share": [self.state.swipe]})
        self._wire()
        self.request(first=True)
        for problem in problems:
            self.toast(problem)

    # -- from the visitor ------------------------------------------------------------------------

    def _wire(self) -> None:
        state, maps = self.state, self.gallery.maps
        state.param.watch(lambda *_: self.request(), list(_COMPUTED))
        state.param.watch(lambda *_: self._schedule(self._reproject), ["projection", "lon0", "lat0"])
        state.param.watch(lambda *_: self._schedule(self._recolour), ["fit"])
        for bokeh_range in (maps.x_range, maps.y_range):
            for edge in ("start", "end"):
                bokeh_range.on_change(edge, self.look_soon)
        for fig in (self.gallery.original.figure, self.gallery.swipe_left.figure):
            fig.on_change("inner_width", self._resized)
        self._swipe.on_change("data", self._swiped)
        self.gallery.look()

    def _swiped(self, attr: str, old: Any, new: Mapping[str, Any]) -> None:
        share = new["share"][0]
        if isinstance(share, int | float) and 0 <= share <= 1:
            self.state.swipe = float(share)
            self._tell_address()

    def look_soon(self, attr: str, old: Any, new: Any) -> None:
        """Draw again shortly: a turn of the wheel sends many small changes and needs few pictures."""
        if not self._look_due:
            self._look_due = True
            self.document.add_timeout_callback(self.look, _LOOK_EVERY_MS)

    def _resized(self, attr: str, old: Any, new: Any) -> None:
        # A picture of nearly the right size need not be sent again.
        if abs(self.gallery.window.width / self.gallery.drawn_width - 1) > 0.2:
            self.look_soon(attr, old, new)

    def look(self) -> None:
        """Draw the window of now."""
        self._look_due = False
        window = self.gallery.window
        self.state.window = (window.x0, window.x1, window.y0, window.y1)
        self.gallery.look()
        self._tell_address()

    def _reproject(self) -> None:
        projection = self.gallery.projection
        before = self.gallery.maps.projection
        if before.name != projection.name:
            self.state.window = projection.bounds
            self.gallery.maps.look_at(projection.bounds)
        self.sidebar.follow()
        self.look()

    def _recolour(self) -> None:
        self.gallery.recolour()
        self._tell_address()

    # -- pictures --------------------------------------------------------------------------------

    @property
    def asked(self) -> Asked:
        return Asked(**{name: getattr(self.state, name) for name in _COMPUTED})

    def request(self, first: bool = False) -> None:
        """Make the picture that the controls ask for; while one is made, only the last wish is remembered."""
        asked = self.asked
        if self._working or (self.shown is not None and asked == self.shown.asked):
            return
        self._working = True
        future = pool().submit(resolve, asked, dict(self.own), not first)
        if first:
            # A picture that is at hand goes out with the page itself; a slow one follows.
            try:
                future.result(timeout=_FIRST_WAIT_S)
            except (Late, UserError):
                pass
            else:
                self._arrived(asked, future)
                return
        future.add_done_callback(lambda done: self._schedule(lambda: self._arrived(asked, done)))

    def _arrived(self, asked: Asked, future: Future[Shown]) -> None:
        self._working = False
        error = future.exception()
        if error is not None:
            self.failed(error)
            if self.asked == asked and self.shown is not None:
                self._take_over(self.shown)  # the controls go back to what is on the screen
        elif self.asked == asked:
            shown = future.result()
            self._take_over(shown)
            for problem in shown.problems:
                self.toast(problem)
        behind = self.shown is None or self.asked != self.shown.asked
        if behind and (error is None or self.asked != asked):
            self.request()

    def _take_over(self, shown: Shown) -> None:
        fresh = shown is not self.shown
        self.shown = shown
        # From here on the state equals what is shown, so that its watchers find nothing to do.
        self.state.param.update(**{name: getattr(shown.asked, name) for name in _COMPUTED})
        if fresh:
            self.gallery.show(shown)
            a = shown.asked
            self.bridge.say(
                describe(
                    shown.archive, a.variable, shown.index, a.method, a.ratio, shown.picture, shown.learned
                )
            )
        self.sidebar.show(shown)
        self._tell_address()

    def _tell_address(self) -> None:
        self.bridge.address(self.state.to_query())

    # -- words -----------------------------------------------------------------------------------

    def toast(self, sentence: str) -> None:
        """Say one sentence over the page."""
        self.bridge.toast(sentence)

    def failed(self, error: BaseException) -> None:
        """An error that reached the page: the visitor gets a sentence, the log the rest."""
        if isinstance(error, Stopped):
            self.toast("Stopped.")
        elif isinstance(error, UserError):
            self.toast(str(error))
        else:
            _log.error("unexpected error", exc_info=error)
            self.toast(
                f"Something went wrong here ({type(error).__name__}); the page goes on, the log has the rest."
            )

    # -- files -----------------------------------------------------------------------------------

    def _progress(self, share: float, text: str) -> None:
        self.sidebar.job.param.update(share=share, text=text, running=True)

    def _start(self, text: str, work: Callable[[Progress], Any], done: Callable[[Any], None]) -> None:
        def finished(result: Any) -> None:
            self.sidebar.job.running = False
            done(result)

        def failed(error: BaseException) -> None:
            self.sidebar.job.running = False
            self.failed(error)

        if self.job.start(work, finished, failed):
            self._progress(0.0, text)
        else:
            self.toast("Another piece of long work is running: wait for it or stop it first.")

    def _open_file(self, path: Path, name: str) -> None:
        def work(progress: Progress) -> Archive:
            archive = own_archive(path, name)
            progress.at(1.0)
            return archive

        def done(archive: Archive) -> None:
            self.own = {archive.name: archive}
            self.sidebar.own = {archive.name: archive.title}
            asked = replace(self.asked, archive=archive.name, variable=archive.variables[0], time="")
            if self.shown is not None and self.shown.asked.archive == archive.name:
                self.shown = None  # a second file of the same name
            self.state.param.update(archive=asked.archive, variable=asked.variable, time=asked.time)
            self.request()

        self._start(f"Opening {name}", work, done)

    def _save(self, grid: str, everything: bool) -> None:
        shown = self.shown
        if shown is None:
            return
        a = shown.asked
        indices = range(len(shown.archive.times)) if everything else [shown.index]

        def work(progress: Progress) -> tuple[str, bytes]:
            return to_netcdf(shown.archive, a.variable, list(indices), a.method, a.ratio, grid, progress)

        self._start("Writing NetCDF", work, lambda file: self.bridge.save(*file))

    # -- into the document -----------------------------------------------------------------------

    def template(self) -> pn.Template:
        """The page around the figures."""
        parts: dict[str, Any] = dict(self.sidebar.groups)
        for name, fig in self.gallery.figures.items():
            parts[name] = pn.pane.Bokeh(fig, sizing_mode="stretch_width")
        self.bridge.attach(self.document, self.gallery.original.figure, self._swipe)
        self.document.js_on_event(
            DocumentReady,
            CustomJS(
                args={"source": self._swipe},
                code="window.fieldSpace.swipe(source, source.data.share[0]); window.fieldSpace.ready()",
            ),
        )
        return shell("page.html", parts, {"words": self.bridge.words, "panes": PANES})

    def close(self, *_: Any) -> None:
        """The visitor has left: stop their work, delete their file."""
        self.job.stop()
        self.sidebar.upload.close()
        self.own = {}


#: Each session's page by its document's id. Panel keeps a session's exception handler as long as the document
#: lives, so a handler that holds the page, which holds the document, would keep both for ever.
_pages: WeakValueDictionary[int, CompressPage] = WeakValueDictionary()


def _failed(error: BaseException) -> None:
    page = _pages.get(id(pn.state.curdoc))
    if page is None:
        _log.error("unexpected error outside a page", exc_info=error)
    else:
        page.failed(error)


def page() -> None:
    """Put the Compress page into the session that asks."""
    document = curdoc()
    query = {k: v[-1].decode(errors="replace") for k, v in pn.state.session_args.items() if v}
    # Bokeh walks the whole document after each part that is added, unless it is told to wait for the end.
    with document.models.freeze():
        built = CompressPage(query, document)
        _pages[id(document)] = built
        pn.extension(exception_handler=_failed)
        document.on_session_destroyed(built.close)
        built.template().servable(title="Field-Space Explorer")
