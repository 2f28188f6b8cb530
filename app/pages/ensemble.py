"""The Ensemble page: fields that a month could have had, drawn one by one, in this world and in another."""

from __future__ import annotations

__all__ = ["PAGE", "EnsemblePage"]

import time
from typing import Any

import numpy as np
import panel as pn

from app import ensemble_store as store
from app.ensemble_drawing import Drawing, Pair
from app.ensemble_export import to_file
from app.ensemble_fields import Ensemble
from app.ensemble_gallery import EnsembleGallery
from app.ensemble_layout import LAYOUT
from app.ensemble_reference import Reference, reference, years_at
from app.ensemble_sidebar import EnsembleSidebar
from app.ensemble_state import COMPUTED, EnsembleState
from app.ensemble_store import Wish
from app.ensemble_words import day_name, describe
from app.jobs import Progress
from app.latest import Latest
from app.pages.map_frame import MapPage
from fsae_core.sphere.healpix import lookup

_FIRST_WAIT_S = 0.9
_SOON_MS = 150
_AT_LEAST_EVERY_S = 1.0
_LOOKED_AT = ("shown", "test", "day")

Season = tuple[str, int, int]


class EnsemblePage(MapPage):
    """One visitor's Ensemble page."""

    key = "ensemble"
    state_type = EnsembleState
    state: EnsembleState
    layout = LAYOUT

    def build(self) -> None:
        self.gallery = EnsembleGallery(self.bridge, self.state, self._point, self._choose)
        self.maps = self.gallery.maps
        self.sidebar = EnsembleSidebar(self.state, self._save, self._draw)
        self.map_controls = self.sidebar.map
        self.drawing = Drawing(self._arrived, self._ended, self._progress, self.schedule)
        self.seasons = Latest(lambda key: reference(*key), self._referred, self._missed, self.schedule)
        self.ensemble: Ensemble | None = None
        self.reference: Reference | None = None
        self._season: Season | None = None
        self._shown_at = 0.0
        self._held = self._draw_due = self._tiles_due = False

    def wire(self) -> None:
        super().wire()
        watch = self.state.param.watch
        watch(lambda *_: self.draw_soon(), list(COMPUTED))
        watch(lambda *_: self._look_again(), list(_LOOKED_AT))
        watch(lambda *_: self._threshold(), ["threshold", "above"])
        watch(lambda *_: self._place(), ["point"])
        watch(lambda *_: self._enlarge(), ["member"])
        self.job_bar.param.watch(lambda _: self._stop(), "stops")

    def start(self) -> None:
        self._held = True
        self._draw(wait=_FIRST_WAIT_S)
        self._held = False
        if self.ensemble is not None:
            self._show(afresh=True)

    def parts(self) -> dict[str, Any]:
        text = pn.pane.HTML("", sizing_mode="stretch_width", margin=0)
        style = "margin:0;max-width:100ch;color:var(--ink);font-family:var(--sans)"
        text.object = f'<p style="{style}">{store.warnings()}</p>'
        return {**self.sidebar.groups, **self.gallery.parts, "limits": text}

    def closing(self) -> None:
        self.drawing.stop()

    # -- drawing ---------------------------------------------------------------------------------

    @property
    def wish(self) -> Wish:
        """What the controls say."""
        return Wish(**{name: getattr(self.state, name) for name in COMPUTED})

    def draw_soon(self) -> None:
        """A slider sends many changes and needs few ensembles."""
        self.sidebar.follow()
        if not self._draw_due:
            self._draw_due = True
            self.later(self._draw, _SOON_MS)

    def _draw(self, wait: float = 0.0) -> None:
        self._draw_due = False
        wish = self.wish
        shown = self.ensemble is not None and self.ensemble.wish == wish
        if shown and (self.drawing.running or (self.ensemble is not None and self.ensemble.complete)):
            return
        season = (wish.month, wish.days, wish.zoom)
        if season != self._season or self.reference is None:
            self._season, self.reference = season, None
            self.seasons.ask(season, wait / 3)
        self.drawing.start(wish, wait)
        self._progress(0.0, f"Drawing {wish.members} members")
        if not self.drawing.running:  # all of them were at hand
            self.job_bar.running = False
        self.sidebar.go.visible = False
        self.tell_address()

    def _arrived(self, wish: Wish, pair: Pair) -> None:
        fresh = self.ensemble is None or self.ensemble.wish != wish or pair.one.number == 0
        if fresh:
            self.ensemble = Ensemble(wish)
            self.gallery.mosaic.begin(wish.members + wish.as_it_was)
        assert self.ensemble is not None
        self.ensemble.add(pair)
        count = len(self.ensemble)
        late = time.monotonic() - self._shown_at > _AT_LEAST_EVERY_S
        # Mean and spread change visibly when members double; tiles come one by one.
        if count & (count - 1) == 0 or self.ensemble.complete or late:
            self._show(afresh=fresh)
        elif not self._held:
            self.gallery.tiles(self.ensemble, self.reference, self._day, afresh=False, last=False)

    def _ended(self, wish: Wish, error: BaseException | None) -> None:
        self.job_bar.running = False
        if error is not None:
            self.failed(error)
        self.sidebar.go.visible = self.ensemble is not None and not self.ensemble.complete

    def _stop(self) -> None:
        if self.drawing.stop():
            self.job_bar.running = False
            count = len(self.ensemble) if self.ensemble is not None else 0
            self.toast(f"Stopped: {count} of {self.wish.members} members are there.")
            self.sidebar.go.visible = True
            if self.ensemble is not None:
                self._show(afresh=False)

    def _referred(self, key: Season, found: Reference) -> None:
        if key == self._season:
            self.reference = found
            if self.ensemble is not None and not self._held:
                self._show(afresh=False)

    def _missed(self, key: Season, error: BaseException) -> None:
        self.failed(error)

    # -- showing ---------------------------------------------------------------------------------

    @property
    def _day(self) -> int:
        count = len(self.ensemble.times) if self.ensemble is not None else 1
        return min(self.state.day, count) - 1

    def _show(self, *, afresh: bool) -> None:
        ensemble = self.ensemble
        if ensemble is None or self._held:
            return
        self._shown_at = time.monotonic()
        day = self._day
        self.gallery.show(ensemble, self._of_now, day)
        last = not self.drawing.running
        self.gallery.tiles(ensemble, self._of_now, day, afresh=afresh, last=last or ensemble.complete)
        self._charts(self.gallery.charts)
        self._say()
        self.sidebar.follow([day_name(t) for t in ensemble.times] if ensemble.wish.days else [])
        self.sidebar.player.shown = day
        self.tell_address()

    @property
    def _of_now(self) -> Reference | None:
        """What the ensemble on the screen is compared with; not that of the one to come."""
        wish = self.ensemble.wish if self.ensemble is not None else None
        fits = wish is not None and (wish.month, wish.days, wish.zoom) == self._season
        return self.reference if fits else None

    def _years(self) -> tuple[np.ndarray, str]:
        assert self.ensemble is not None
        wish, (lon, lat) = self.ensemble.wish, self.state.point
        cell = int(lookup(lon, lat, 4))
        return years_at(wish.month, wish.days, self.ensemble.times[self._day], cell)

    def _charts(self, draw: Any) -> None:
        assert self.ensemble is not None
        draw(self.ensemble, self._of_now, self._day, self._years()[0])

    def _say(self) -> None:
        if self.ensemble is not None:
            lon, lat = self.state.point
            place = f"{abs(lat):.1f}°{'S' if lat < 0 else 'N'} {abs(lon):.1f}°{'W' if lon < 0 else 'E'}"
            years = self._years()[1]
            self.say(describe(self.ensemble, self.state, self._day, self._of_now, years, place))

    def _look_again(self) -> None:
        self._show(afresh=True)

    def _threshold(self) -> None:
        self.sidebar.follow()
        if self.ensemble is not None:
            self.gallery.threshold(self.ensemble, self._day)
            self._say()
            self.tell_address()

    def _place(self) -> None:
        self.sidebar.follow()
        if self.ensemble is not None:
            self.gallery.marks.put(self.state.point, self.maps.projection)
            self._charts(self.gallery.chart_place)
            self._say()
            self.tell_address()

    def _enlarge(self) -> None:
        if self.ensemble is not None:
            self.gallery.enlarge(self.ensemble, self._of_now, self._day)
            self._say()
            self.tell_address()

    def _point(self, point: tuple[float, ...]) -> None:
        self.state.point = point

    def _choose(self, tile: int) -> None:
        count = len(self.ensemble) if self.ensemble is not None else 0
        self.state.member = tile + 1 if tile < count else 0

    def redraw(self, moved: bool) -> None:
        self.gallery.redraw(moved)
        if not self._tiles_due:
            self._tiles_due = True
            self.later(self._tiles_again, 2 * _SOON_MS)

    def _tiles_again(self) -> None:
        self._tiles_due = False
        if self.ensemble is not None:
            last = not self.drawing.running
            self.gallery.tiles(self.ensemble, self._of_now, self._day, afresh=False, last=last)

    def recolour(self) -> None:
        self.gallery.recolour()

    # -- files -----------------------------------------------------------------------------------

    def _save(self, form: str, which: str) -> None:
        ensemble = self.ensemble
        if self.drawing.running:
            self.toast("Members are still being drawn: wait for them or stop, then save.")
            return
        if ensemble is None:
            return
        wish = ensemble.wish
        members = list(ensemble.other if which == "other" else ensemble.one)
        request = wish.other if which == "other" else wish.request
        if request is None or not members:
            self.toast("There is no other world: choose one to compare with.")
            return

        def work(progress: Progress) -> tuple[str, bytes]:
            made = to_file(request, members, form)
            progress.at(1.0)
            return made

        self.run("Writing the ensemble", work, lambda file: self.bridge.save(*file))


PAGE = EnsemblePage
