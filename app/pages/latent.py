"""The Latent page: an archive's compressed fields as a map of times."""

from __future__ import annotations

__all__ = ["PAGE", "LatentPage"]

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from app.atlases import OpenAtlas
from app.cards import Cards, Sentences
from app.group_chance import Chance, Odds, chances
from app.jobs import Progress
from app.lasso import inside
from app.latent_controls import LatentControls
from app.latent_export import to_csv, to_netcdf
from app.latent_gallery import LatentGallery
from app.latent_layout import LAYOUT
from app.latent_pictures import Compared, Guests, Seen, Wish, compare, look_up, place
from app.latent_state import GROUPS, LatentState, write_group
from app.latent_words import between_note, describe, group_words, near_words, placed_words, sentences
from app.latest import Latest
from app.pages.map_frame import MapPage
from app.store import Archive, own_archive
from app.times_view import Found, TimesView

_FIRST_WAIT_S = 0.8
_LOOK_EVERY_MS = 30
Wanted = tuple[str, str, str]


class LatentPage(MapPage):
    """One visitor's Latent page."""

    key = "latent"
    state_type = LatentState
    state: LatentState
    layout = LAYOUT

    def build(self) -> None:
        self.view = TimesView(self.bridge, self.state, self._picked, self._dragged, self._map_moved)
        self.gallery = LatentGallery(self.bridge, self.state)
        self.maps = self.gallery.maps
        self.near, self.words = Cards(lambda row: self._picked(("atlas", row))), Sentences()
        buttons = {"clear": self._clear, "table": self._save_table, "fields": self._save_fields}
        self.controls = LatentControls(self.state, self._open, self.toast, self._take_window, buttons)
        self.map_controls = self.controls.map
        self.seen: Seen | None = None
        self.compared: Compared | None = None
        self.guest: int | None = None
        self.shown: Wish | None = None
        self.chances: dict[str, Chance | None] = {}
        self._map_due = False
        self.times: Latest[Wish, Seen] = Latest(
            lambda wish: look_up(wish, self.view.guests), self._arrived, self._missed, self.schedule
        )
        self.groups: Latest[Wanted, Compared] = Latest(
            lambda wanted: compare(*wanted), self._grouped, lambda _, error: self.failed(error), self.schedule
        )

        self.odds: Latest[Odds, dict[str, Chance | None]] = Latest(
            chances, self._weighed, lambda _, error: self.failed(error), self.schedule
        )

    def wire(self) -> None:
        super().wire()
        watch = self.state.param.watch
        watch(self._time_chosen, ["archive", "time"])
        watch(self._look_up, ["map"])
        watch(self._recoloured, ["colour", "enso"])
        watch(self._regroup, list(GROUPS))
        watch(self._tools, ["target", "drag"])

    def start(self) -> None:
        self.times.ask(self.wish, wait=_FIRST_WAIT_S)

    def parts(self) -> dict[str, Any]:
        return {
            **self.controls.groups,
            **self.gallery.parts,
            "map": self.view.map,
            "timeline": self.view.timeline,
            "near": self.near,
            "words": self.words,
        }

    def closing(self) -> None:
        self.controls.upload.close()
        self.view.guests = None

    # -- the time that is looked at --------------------------------------------------------------

    @property
    def wish(self) -> Wish:
        """What the controls say."""
        return Wish(self.state.archive, self.state.time, self.state.map, self.guest)

    def _time_chosen(self, *_: Any) -> None:
        if self.wish != self.shown:
            self.guest = None  # a time of the atlas instead of one of the visitor's
            self._look_up()

    def _look_up(self, *_: Any) -> None:
        if self.wish == self.shown:
            self.times.forget()
        else:
            self.times.ask(self.wish)

    def _arrived(self, wish: Wish, seen: Seen) -> None:
        fresh = self.seen is None or self.seen.atlas is not seen.atlas
        self.seen = seen
        if fresh:
            self.guest, self.compared = None, None
        label = self.state.time if seen.row is None else seen.label
        # From here on the state equals what is shown, so that its watchers find nothing to do.
        self.shown = Wish(seen.atlas.name, label, wish.which, self.guest)
        self.state.param.update(archive=seen.atlas.name, variable=seen.atlas.variable, time=label)
        self.view.open(seen.atlas)
        self.view.mark(seen, self.guest)
        self.gallery.show(seen)
        self._say()
        if seen.problem:
            self.toast(seen.problem)
        if fresh:
            self.groups.ask(self.wanted)
        for archive in self.own.values():  # brought along from the start
            self._place(archive.title, partial(_itself, archive))
        self.own = {}
        self.tell_address()

    def _missed(self, wish: Wish, error: BaseException) -> None:
        self.failed(error)
        if self.seen is not None and self.shown is not None:
            self.guest = self.shown.guest
            self.state.param.update(archive=self.shown.atlas, time=self.shown.label, map=self.shown.which)
            self._say()

    def _say(self) -> None:
        """Words, cards and controls of what is on the screen."""
        seen, compared, view = self.seen, self.compared, self.view
        if seen is None:
            return
        shift = view.quantity("displacement")
        words = describe(seen, self.state.enso, view.guests, self.guest)
        if compared is not None:
            for key, group in (("a", compared.a), ("b", compared.b)):
                words |= group_words(key, group, shift, seen.atlas, self.chances.get(key))
            words["note_between"] = between_note(compared, seen.atlas)
        self.say(words)
        self.words.items = sentences(seen, compared, self.state.enso, view.guests, self.guest, self.chances)
        self.near.deal((near.row, *near_words(i, near, shift), near.png) for i, near in enumerate(seen.near))
        self.controls.show(seen.atlas, seen.row, self.state)

    def _picked(self, found: Found) -> None:
        if self.seen is None:
            return
        kind, row = found
        self.guest = row if kind == "own" else None
        if kind == "atlas":
            self.state.time = self.seen.atlas.labels[row]
        self._look_up()  # also where the time is the same and a visitor's was looked at

    # -- the map of times ------------------------------------------------------------------------

    def _map_moved(self) -> None:
        if not self._map_due:
            self._map_due = True
            self.later(self._look_at_map, _LOOK_EVERY_MS)

    def _look_at_map(self) -> None:
        self._map_due = False
        self.view.look()
        self.tell_address()

    def _recoloured(self, *_: Any) -> None:
        if self.seen is not None:
            self.view.paint()
            self._weigh()
            self._say()
            self.tell_address()

    def _tools(self, *_: Any) -> None:
        self.view.map.drag_is(self.state.drag)
        self.tell_address()

    # -- groups ----------------------------------------------------------------------------------

    @property
    def wanted(self) -> Wanted:
        """The groups that are to be compared."""
        return self.state.archive, self.state.a, self.state.b

    def _dragged(self, geometry: dict[str, Any]) -> None:
        if self.seen is None:
            return
        rows = np.flatnonzero(inside(self.view.places, geometry))
        if rows.size:
            self.state.param.update(**{self.state.target: write_group(rows)})
        else:
            self.toast("No time lies in what was drawn: draw around some points.")

    def _take_window(self, number: int) -> None:
        if self.seen is not None:
            _, rows = self.seen.atlas.windows[number]
            self.state.param.update(**{self.state.target: write_group(rows)})

    def _clear(self) -> None:
        self.view.receive(None)
        self.guest = None
        self.state.param.update(a="", b="", target="a", cloud=None)
        self.view.map.look_at(self.view.map.whole)
        self._look_up()

    def _regroup(self, *_: Any) -> None:
        if self.seen is not None:
            self.view.paint()
            self.groups.ask(self.wanted)
            self.tell_address()

    def _grouped(self, wanted: Wanted, compared: Compared) -> None:
        self.compared = compared
        self.gallery.compare(compared)
        self._weigh()
        self._say()

    def _weigh(self) -> None:
        """Ask how unusual the groups' displacements are, as far as the atlas does not know it."""
        self.chances = {}
        if self.compared is not None:
            groups = {"a": self.compared.a, "b": self.compared.b}
            asked = tuple((key, write_group(g.rows)) for key, g in groups.items() if not g.known)
            if asked:
                self.odds.ask((self.state.archive, self.state.enso, asked))
            else:
                self.odds.forget()

    def _weighed(self, odds: Odds, found: dict[str, Chance | None]) -> None:
        self.chances = found
        self._say()

    def redraw(self, moved: bool) -> None:
        self.gallery.redraw(moved)

    def recolour(self) -> None:
        self.gallery.recolour()

    # -- files -----------------------------------------------------------------------------------

    def _open(self, path: Path, name: str) -> None:
        self._place(name, lambda: own_archive(path, name))

    def _place(self, name: str, opened: Callable[[], Archive]) -> None:
        seen = self.seen
        if seen is None:
            return

        def work(progress: Progress) -> Guests:
            return place(seen.atlas, opened(), progress)

        self.run(f"Placing {name}", work, partial(self._received, seen.atlas))

    def _received(self, opened: OpenAtlas, guests: Guests) -> None:
        if self.seen is None or self.seen.atlas is not opened:
            return
        self.view.receive(guests)
        self.shown, self.guest = None, 0
        self._look_up()
        self.toast(placed_words(guests, opened))

    def _save_table(self) -> None:
        if self.seen is not None and self.compared is not None:
            self.bridge.save(*to_csv(self.seen.atlas, self.compared))

    def _save_fields(self) -> None:
        seen, compared = self.seen, self.compared
        if seen is None or compared is None:
            return
        grid = self.controls.grid.value

        def work(progress: Progress) -> tuple[str, bytes]:
            return to_netcdf(seen.atlas, compared, grid, progress)

        self.run("Writing NetCDF", work, lambda file: self.bridge.save(*file))


def _itself(archive: Archive) -> Archive:
    return archive


PAGE = LatentPage
