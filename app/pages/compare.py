"""The Compare page: two methods side by side, error against ratio for all, and where each fails."""

from __future__ import annotations

__all__ = ["PAGE", "ComparePage"]

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from app import compare_lists, compare_words
from app.compare_export import fields_to_netcdf
from app.compare_fields import Compared, Wish, compare
from app.compare_gallery import CompareGallery
from app.compare_layout import LAYOUT
from app.compare_methods import fitting_methods
from app.compare_sidebar import CompareSidebar
from app.compare_state import CompareState, method_name
from app.compare_tables import known_table, put
from app.export import file_word
from app.jobs import Progress
from app.latest import Latest
from app.listing import Listing
from app.pages.map_frame import MapPage
from app.rate_chart import Point
from app.store import Archive
from fsae_core.evaluate.table import Evaluation, evaluate

_FIRST_WAIT_S = 0.8
_COMPUTED = ("archive", "variable", "time", "a", "b", "axis", "ratio", "speed")
_MOST = 330
"""Pixels of a list beside charts."""
_REACH = 30.0
"""Degrees from a place to the left and right edge of the maps that jump to it."""


class ComparePage(MapPage):
    """One visitor's Compare page."""

    key = "compare"
    state_type = CompareState
    state: CompareState
    layout = LAYOUT

    def build(self) -> None:
        self.gallery = CompareGallery(self.bridge, self.state, self._point)
        self.maps = self.gallery.maps
        self.sidebar = CompareSidebar(
            self.state, self._open, self.toast, self._save, self._table, self._compute
        )
        self.map_controls = self.sidebar.map
        self.ranking = Listing(label="All methods", heads=["", "Numbers", "Bytes", ""], most=_MOST)
        self.worst = Listing(label="Worst places", heads=["", "Error", ""], most=_MOST)
        self.figures = Listing(label="Figures", heads=["", "A", "B"], most=_MOST)
        self.card = Listing(label="What was known beforehand", heads=["", "A", "B"])
        self.ranking.param.watch(lambda _: self._taken(*self.ranking.key.split(";")), "asked")
        self.worst.param.watch(lambda _: self.jump(*compare_lists.target_of(self.worst.key)), "asked")
        self.pictures = Latest(self._make, self._arrived, self._missed, self.schedule)
        self.shown: Compared | None = None

    def wire(self) -> None:
        super().wire()
        self.state.param.watch(lambda *_: self.request(), list(_COMPUTED))
        self.state.param.watch(lambda *_: self._tell(), ["curves", "span"])
        self.state.param.watch(lambda *_: self._outlined(), ["cells"])
        self.swipe("swipe", self.state.swipe, self._swiped)

    def start(self) -> None:
        self.pictures.ask(self.wish, wait=_FIRST_WAIT_S)

    def parts(self) -> dict[str, Any]:
        groups = self.sidebar.groups
        groups["figures_of"] = groups.pop("figures")
        lists = {name: getattr(self, name) for name in ("ranking", "worst", "figures", "card")}
        return {**groups, **self.gallery.parts, **lists}

    def closing(self) -> None:
        self.sidebar.field.upload.close()

    # -- pictures --------------------------------------------------------------------------------

    @property
    def wish(self) -> Wish:
        """What the controls say."""
        return Wish(**{name: getattr(self.state, name) for name in _COMPUTED})

    def request(self) -> None:
        """Make the fields that the controls ask for."""
        if self.shown is not None and self.wish == self.shown.wish:
            self.pictures.forget()
        else:
            self.pictures.ask(self.wish)

    def _make(self, wish: Wish) -> Compared:
        # The first picture is the address's wish: where it cannot be had, another is better than none.
        return compare(wish, dict(self.own), strict=self.shown is not None)

    def _arrived(self, wish: Wish, shown: Compared) -> None:
        self._take_over(shown)
        for problem in shown.problems:
            self.toast(problem)

    def _missed(self, wish: Wish, error: BaseException) -> None:
        self.failed(error)
        if self.wish == wish and self.shown is not None:
            self._take_over(self.shown)  # the controls go back to what is on the screen

    def _take_over(self, shown: Compared) -> None:
        fresh, self.shown = shown is not self.shown, shown
        # From here on the state equals what is shown, so that its watchers find nothing to do.
        self.state.param.update(**{name: getattr(shown.wish, name) for name in _COMPUTED})
        if fresh:
            self.gallery.show(shown)
        self._tell()

    def _tell(self) -> None:
        """Charts, lists and words of what is shown."""
        shown, span = self.shown, self.state.span
        if shown is None:
            return
        self.gallery.chart(shown)
        names = [f"A: {method_name(shown.wish.a)}", f"B: {method_name(shown.wish.b)}"]
        self.ranking.rows = compare_lists.ranking(shown)
        self.worst.rows = compare_lists.places(shown)
        self.figures.param.update(heads=["", *names], rows=compare_lists.figures(shown, span))
        self.card.param.update(heads=["", *names], rows=compare_lists.card(shown))
        self.say(compare_words.describe(shown, span))
        self.sidebar.show(shown, self.own, compare_words.status(shown))
        self.tell_address()

    def redraw(self, moved: bool) -> None:
        self.gallery.redraw(moved)

    def _outlined(self) -> None:
        self.gallery.outline()
        self.tell_address()

    def recolour(self) -> None:
        self.gallery.recolour()

    def _swiped(self, share: float) -> None:
        self.state.swipe = share
        self.tell_address()

    # -- what is clicked -------------------------------------------------------------------------

    def _taken(self, letter: str, method: str) -> None:
        """A method of the ranking as A or as B; the other one steps aside where it is the same, and the axis
        where the method is not measured on it."""
        state, one = self.state, letter.lower()
        other = "b" if one == "a" else "a"
        taken = {one: method}
        if getattr(state, other) == method:
            taken[other] = getattr(state, one)
        if self.shown is not None and state.axis not in self.shown.methods.get(method, (state.axis,)):
            taken["axis"] = self.shown.methods[method][0]
        state.param.update(**taken)

    def _point(self, point: Point) -> None:
        """A point of a chart: its ratio, and its method as A unless it is one of the two already."""
        taken = {} if point.method in (self.state.a, self.state.b) else {"a": point.method}
        self.state.param.update(axis=point.axis, ratio=point.ratio, **taken)

    def jump(self, method: str, time: str, lon: float, lat: float) -> None:
        """To a place at a time, with the method as A unless it is one of the two already."""
        state = self.state
        lon = (lon + 180) % 360 - 180
        taken: dict[str, Any] = {} if method in (state.a, state.b) else {"a": method}
        if state.projection == "globe":
            taken |= {"lon0": lon, "lat0": lat}
        state.param.update(time=self._label(time), place=(round(lon, 2), round(lat, 2)), **taken)
        x, y = (float(v[0]) for v in state.looks.forward(np.array([lon]), np.array([lat])))
        self.gallery.mark()
        self.look_at((x - _REACH, x + _REACH, y - _REACH / 2, y + _REACH / 2))

    def _label(self, time: str) -> str:
        """The archive's label of a stamp of a table."""
        assert self.shown is not None
        held = self.shown.held
        if held.index_of(time) is not None:
            return time
        return held.labels[int(np.argmin(np.abs(held.times - np.datetime64(time))))]

    # -- the table -------------------------------------------------------------------------------

    def _compute(self, everything: bool) -> None:
        shown = self.shown
        if shown is None:
            return
        archive, variable = shown.archive, shown.wish.variable
        pair = {m: shown.methods[m] for m in (shown.wish.a, shown.wish.b)}
        name = archive.title if archive.own else archive.name

        def keep(table: Evaluation) -> None:
            put(archive, variable, table)
            self.schedule(lambda: self._table_grew(archive, variable))

        def work(progress: Progress) -> None:
            wanted = fitting_methods(archive, variable) if everything else pair
            lacking = shown.table.lacking(wanted) or tuple(wanted)

            def told(jobs: Iterable[Any]) -> Iterable[Any]:
                return progress(jobs, desc=f"Comparing {', '.join(map(method_name, lacking[:3]))}")

            evaluate(archive.dataset, variable, lacking, archive=name, progress=told, on_row=keep)

        self.run("Computing the table", work, lambda _: self._table_grew(archive, variable))

    def _table_grew(self, archive: Archive, variable: str) -> None:
        shown = self.shown
        if shown is None or shown.archive is not archive or shown.wish.variable != variable:
            return
        self.shown = replace(shown, table=known_table(archive, variable))
        self._tell()

    def _table(self, kind: str) -> None:
        shown = self.shown
        if shown is None or not shown.table.rows:
            return
        body = shown.table.to_csv() if kind == "csv" else shown.table.to_json()
        self.bridge.save(f"{file_word(shown.archive.name)}-{shown.wish.variable}.{kind}", body.encode())

    # -- files -----------------------------------------------------------------------------------

    def _open(self, path: Path, name: str) -> None:
        self.open_file(path, name, self._opened)

    def _opened(self, archive: Archive) -> None:
        if self.shown is not None and self.shown.wish.archive == archive.name:
            self.shown = None  # a second file of the same name
        self.state.param.update(archive=archive.name, variable=archive.variables[0], time="", place=None)
        self.request()

    def _save(self, grid: str) -> None:
        shown = self.shown
        if shown is None:
            return

        def work(progress: Progress) -> tuple[str, bytes]:
            made = fields_to_netcdf(shown, grid)
            progress.at(1.0)
            return made

        self.run("Writing NetCDF", work, lambda file: self.bridge.save(*file))


PAGE = ComparePage
