"""What every page is made on: document, words, toasts, address, navigation, long work, errors, the template.

A new page is a state (what is in the address), a layout (panes, groups, figures) and a class:

    class TidePage(MapPage):                      # or Page, when it has no maps
        key, layout, state_type = "tide", Layout(...), TideState
        state: TideState

        def build(self) -> None: ...        # figures and controls; `self.bridge` and `self.state` are there
        def parts(self) -> dict[str, Any]: ...  # map, figure or Panel object for every name in `layout.roots`
        def start(self) -> None: ...        # ask for the first picture

    PAGE = TidePage

in app/pages/tide.py, and one line in `app.pages.registry.PAGES`. Work that computes goes through
`app.latest.Latest` (pictures: only the last wish counts) or `self.run` (long: progress, stop); both call back
in the session's turn. Whatever changes the address ends with `self.tell_address()`.
"""

from __future__ import annotations

__all__ = ["Page", "open_page"]

import logging
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode
from weakref import WeakValueDictionary

import panel as pn
from bokeh.document import Document
from bokeh.events import DocumentReady
from bokeh.io import curdoc
from bokeh.models import CustomJS, Model
from panel.io.resources import get_dist_path
from tornado.ioloop import IOLoop

from app import visitors
from app.bridge import Bridge
from app.controls import JobBar, column
from app.jobs import Job, Progress, Stopped
from app.late import LatePanes, made
from app.layout import Layout
from app.pages import registry
from app.shell import shell
from app.starting import Starting
from app.state import PageState
from app.store import Archive, own_archive
from app.swipe import Swipe
from app.turns import Turns
from app.warming import rehearse
from fsae_core.errors import UserError

_log = logging.getLogger(__name__)


class Page:
    """One visitor's page.

    schedule: runs a function in the session's turn; the document's `add_next_tick_callback` when None.
    later: the same after some milliseconds; the document's `add_timeout_callback` when None.
    own: an archive of the visitor's own that is there from the start.
    """

    key: ClassVar[str]
    layout: ClassVar[Layout]
    state_type: ClassVar[type[PageState]]
    source: ClassVar[str] = "page.html"
    """Its template in assets/style."""

    def __init__(
        self,
        query: Mapping[str, str],
        document: Document,
        schedule: Callable[..., Any] | None = None,
        later: Callable[[Callable[[], Any], int], Any] | None = None,
        own: Archive | None = None,
    ) -> None:
        self.document = document
        self.schedule = schedule or document.add_next_tick_callback
        self.later = later or document.add_timeout_callback
        self.state: Any = self.state_type()
        problems = self.state.read_query(query)
        self.bridge = Bridge(self.layout.words())
        self.job_bar = JobBar()
        self.job = Job(self.schedule, self._progress)
        self.job_bar.param.watch(lambda _: self.job.stop(), "stops")
        self.own: dict[str, Archive] = {} if own is None else {own.name: own}
        self._swipes: list[Swipe] = []
        self.left = False
        self.build()
        self.wire()
        self.start()
        self.tell_address()
        for problem in problems:
            self.toast(problem)

    # -- what a page gives -----------------------------------------------------------------------

    def build(self) -> None:
        """Make figures and controls."""

    def wire(self) -> None:
        """Watch the state and the controls."""

    def start(self) -> None:
        """Ask for the first picture."""

    def parts(self) -> dict[str, Any]:
        """The map, figure or Panel object, or a function that makes it, of every name in `layout.roots`."""
        return {}

    def stills(self) -> dict[str, bytes]:
        """PNGs by pane that stand in until the browser has made the live figures."""
        return {}

    def hidden_panes(self) -> frozenset[str]:
        """Panes that have nothing to show at first (see `app.hidden_panes`)."""
        return frozenset()

    def variables(self) -> Mapping[str, object]:
        """What its template writes beside what every page's does."""
        return {}

    def closing(self) -> None:
        """The visitor has left: let go of what is not the frame's."""

    # -- words and address -----------------------------------------------------------------------

    def toast(self, sentence: str) -> None:
        """Say one sentence over the page."""
        self.bridge.toast(sentence)

    def say(self, words: Mapping[str, str]) -> None:
        """Change words of the page, by the keys of `Layout.words`."""
        self.bridge.say(words)

    def tell_address(self) -> None:
        """Write the state into the address bar and into the links to the other pages."""
        self.bridge.address(registry.address(self.key, self.state.to_query()), self.links())

    def links(self) -> dict[str, str]:
        """The query of every page, with what it keeps of this one."""
        kept = {e.key: urlencode(self.state.shared(e.keeps), safe=",:") for e in registry.available()}
        return {key: registry.address(key, query) for key, query in kept.items()}

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

    # -- long work -------------------------------------------------------------------------------

    def _progress(self, share: float, text: str) -> None:
        self.job_bar.param.update(share=share, text=text, running=True)

    def run(self, text: str, work: Callable[[Progress], Any], done: Callable[[Any], None]) -> None:
        """Long work in a thread, with a bar and a stop button; then `done(result)` in the session's turn."""

        began = time.monotonic()

        def over(how: str) -> None:
            if not self.left:  # Panel warns of changes that no browser is there for
                self.job_bar.running = False
            visitors.tell(self, f"job {how}", job=text, seconds=round(time.monotonic() - began, 2))

        def finished(result: Any) -> None:
            over("done")
            done(result)

        def failed(error: BaseException) -> None:
            over("stopped" if isinstance(error, Stopped) else "failed")
            if not self.left:
                self.failed(error)

        if self.job.start(work, finished, failed):
            visitors.tell(self, "job begins", job=text)
            self._progress(0.0, text)
        else:
            self.toast("Another piece of long work is running: wait for it or stop it first.")

    def open_file(self, path: Path, name: str, done: Callable[[Archive], None]) -> None:
        """Open a visitor's file; it is kept in `own` for this visit, in place of the one before."""

        def work(progress: Progress) -> Archive:
            visitors.tell(self, "upload", file=name, bytes=path.stat().st_size)
            archive = own_archive(path, name)
            progress.at(1.0)
            return archive

        def opened(archive: Archive) -> None:
            self.own = {archive.name: archive}
            done(archive)

        self.run(f"Opening {name}", work, opened)

    # -- into the document -----------------------------------------------------------------------

    def swipe(self, pane: str, share: float, told: Callable[[float], None]) -> Swipe:
        """The divider of a pane with two figures; told: called with the share it was moved to."""
        self._swipes.append(Swipe(pane, share, told))
        return self._swipes[-1]

    def assemble(self, phone: bool = False) -> tuple[dict[str, Model], dict[str, Any], set[str]]:
        """Figures and Panel objects by name, and which panes are late. phone: one pane is seen at a time, so
        all but the first are late."""
        parts = self.parts()
        others = self.layout.panes[1:]
        late = tuple(pane for pane in others if pane.late or (phone and not pane.natural))
        self.late = LatePanes(late, parts, self.bridge, self.schedule)
        found = {name: self.late.places.get(name) or made(part) for name, part in parts.items()}
        figures = {name: part for name, part in found.items() if isinstance(part, Model)}
        for name, figure in figures.items():
            figure.name = name
        controls = {name: part for name, part in found.items() if name not in figures}
        return figures, controls | {"job": column(self.job_bar)}, {pane.key for pane in late}

    def attach(self, starting: Starting, anchor: Model) -> None:
        """Register what runs when the browser has the page. anchor: a model that is on it."""
        self.bridge.attach(starting, anchor, self.late.source, *[swipe.source for swipe in self._swipes])
        for swipe in self._swipes:
            swipe.attach(starting)
        ready = CustomJS(args={"late": self.late.source}, code="window.fieldSpace.of(late).ready(late)")
        starting.js_on_event(DocumentReady, ready)

    def template(self, phone: bool = False) -> pn.Template:
        """The page around its figures."""
        figures, controls, late = self.assemble(phone)
        # Straight into the document: as a Panel object each would be walked through several times.
        for figure in figures.values():
            self.document.add_root(figure)
        self.attach(self.document, next(iter(figures.values())))
        links = self.links()
        variables = {
            "words": self.bridge.words,
            "layout": self.layout,
            "late": late,
            "hidden": self.hidden_panes(),
            "stills": {key: b64encode(png).decode() for key, png in self.stills().items()},
            "nav": [(e.key, e.title, links[e.key], e.key == self.key) for e in registry.available()],
            **self.variables(),
        }
        return shell(self.source, controls, variables)

    def close(self, *_: Any) -> None:
        """The visitor has left: stop their work, forget their file."""
        self.left = True
        self.job.stop()
        self.own = {}
        self.closing()


#: Each session's page by its document's id. Panel keeps a session's exception handler as long as the document
#: lives, so a handler that holds the page, which holds the document, would keep both for ever.
_pages: WeakValueDictionary[int, Page] = WeakValueDictionary()


def _failed(error: BaseException) -> None:
    page = _pages.get(id(pn.state.curdoc))
    if page is None:
        _log.error("unexpected error outside a page", exc_info=error)
    else:
        page.failed(error)


def open_page() -> None:
    """Put the page that the address asks for into the session that asks."""
    document = curdoc()
    query = {k: v[-1].decode(errors="replace") for k, v in pn.state.session_args.items() if v}
    entry, problems = registry.chosen(query)
    # Panel says where its styles are when it writes the page; a browser that is so slow that its session is
    # made anew when it connects would ask for them abroad.
    document.template_variables.setdefault("dist_url", get_dist_path())
    # Bokeh walks the whole document after each part that is added, unless it is told to wait for the end.
    with document.models.freeze():
        if not pn.state.headers:
            rehearse()  # the server starts and nobody asks yet
        turns = Turns(document, IOLoop.current())
        document.on_event(DocumentReady, lambda _: turns.begin())
        document.on_session_destroyed(lambda _: turns.close())
        page: Page = registry.page_type(entry)(query, document, turns, turns.later)
        _pages[id(document)] = page
        pn.extension(exception_handler=_failed)
        document.on_session_destroyed(page.close)
        visitors.arrived(page)
        for problem in problems:
            page.toast(problem)
        phone = "Mobi" in pn.state.headers.get("User-Agent", "")
        page.template(phone).servable(title=f"{entry.title} · Field-Space Explorer")
