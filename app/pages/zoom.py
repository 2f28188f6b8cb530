"""The Zoom page: a coarse field, made sharper where one looks, beside what it would be without a network."""

from __future__ import annotations

__all__ = ["PAGE", "ZoomPage"]

from pathlib import Path
from typing import Any

import panel as pn
from bokeh.models import Model

from app.bookmarks import kept_place, place_at, place_name, turned
from app.hidden_panes import HiddenPanes
from app.jobs import Progress
from app.latest import Latest
from app.pages.map_frame import MapPage
from app.projection import Projection
from app.sharp_field import SharpField
from app.starting import Starting
from app.store import Archive
from app.view_region import Look, box_of, drawn_zoom, visible_cells
from app.zoom_export import super_resolved_netcdf
from app.zoom_gallery import ZoomGallery
from app.zoom_layout import LAYOUT
from app.zoom_scene import Asked, Scene, scene_of
from app.zoom_sidebar import ZoomSidebar
from app.zoom_state import ZoomState
from app.zoom_table import SHEET, about, table, table_csv
from app.zoom_view import Glance, Globe, Numbers, ViewMade, Wish, made_globe, made_view
from app.zoom_words import describe

_FIRST_WAIT_S = 0.8
_COMPUTED = ("archive", "variable", "time", "zoom_in", "zoom_out", "model", "calibrated")


class ZoomPage(MapPage):
    """One visitor's Zoom page.

    Three streams of work, of each of which only the last wish counts: fields (what the controls say), views
    (what the window shows, decoded), globes (the whole sphere, for the figures that need it).
    """

    key = "zoom"
    state_type = ZoomState
    state: ZoomState
    layout = LAYOUT

    def build(self) -> None:
        self.gallery = ZoomGallery(self.bridge, self.state)
        self.maps = self.gallery.maps
        self.sidebar = ZoomSidebar(self.state, self._open, self.toast, self.go, self._save, self._save_table)
        self.map_controls = self.sidebar.map
        self.places = pn.pane.HTML("", sizing_mode="stretch_width", margin=0, stylesheets=[SHEET])
        self.hidden = HiddenPanes()
        self.fields = Latest(self._make_field, self._field_arrived, self._missed, self.schedule)
        self.views = Latest(self._make_view, self._view_arrived, self._failed, self.schedule)
        self.globes = Latest(made_globe, self._globe_arrived, self._failed, self.schedule)
        self.scene: Scene | None = None
        self.sharp: SharpField | None = None
        self.numbers: Numbers | None = None
        self.globe: Globe | None = None

    def wire(self) -> None:
        super().wire()
        self.state.param.watch(lambda *_: self.request(), list(_COMPUTED))
        for name, act in (("against", self._compare), ("relief", self._overlay), ("arrows", self._blow)):
            self.state.param.watch(lambda *_, act=act: self.schedule(act), [name])
        self.swipe("swipe", self.state.swipe, self._swiped)

    def start(self) -> None:
        self.fields.ask(Wish(self.asked, self.gallery.look), wait=_FIRST_WAIT_S)

    def parts(self) -> dict[str, Any]:
        return {**self.gallery.parts, **self.sidebar.groups, "places": self.places}

    def attach(self, starting: Starting, anchor: Model) -> None:
        super().attach(starting, anchor)
        self.hidden.attach(starting, anchor)

    def hidden_panes(self) -> frozenset[str]:
        return self.hidden.keys

    def closing(self) -> None:
        self.sidebar.field.upload.close()

    # -- fields ----------------------------------------------------------------------------------

    @property
    def asked(self) -> Asked:
        """What the controls say."""
        return Asked(**{name: getattr(self.state, name) for name in _COMPUTED})

    def request(self) -> None:
        """Make the field that the controls ask for."""
        if self.scene is not None and self.asked == self.scene.asked:
            self.fields.forget()
        else:
            self.fields.ask(Wish(self.asked, self.gallery.look))

    def _make_field(self, wish: Wish) -> tuple[Scene, ViewMade | None]:
        scene = scene_of(wish.asked, dict(self.own), strict=self.scene is not None)
        # What takes long for the first time (tables of fine zooms) must not hold up what is at hand.
        return scene, made_view(scene, scene.start(), wish.look) if scene.quick else None

    def _field_arrived(self, wish: Wish, made: tuple[Scene, ViewMade | None]) -> None:
        scene, view = made
        self._take_over(scene)
        self.sharp, self.numbers, self.globe = scene.start(), None, None
        if view is not None:
            self.sharp, self.numbers = view.sharp, view.numbers
        self.views.forget()
        self._show()
        self.tell_address()
        for problem in scene.problems:
            self.toast(problem)
        if scene.truth is not None:
            self.globes.ask(scene)
        else:
            self.globes.forget()
        if view is None or view.look != self.gallery.look or view.numbers is None:
            self._glance()

    def _missed(self, wish: Wish, error: BaseException) -> None:
        self.failed(error)
        if self.asked == wish.asked and self.scene is not None:
            self._take_over(self.scene)  # the controls go back to what is on the screen
            self.tell_address()

    def _failed(self, asked: Any, error: BaseException) -> None:
        self.failed(error)

    def _take_over(self, scene: Scene) -> None:
        self.scene = scene
        # From here on the state equals what is shown, so that its watchers find nothing to do.
        self.state.param.update(**{name: getattr(scene.asked, name) for name in _COMPUTED})
        self.sidebar.show(scene, self.own)

    # -- views -----------------------------------------------------------------------------------

    def redraw(self, moved: bool) -> None:
        """What is at hand at once; what the view lacks is asked for."""
        self.gallery.redraw(moved)
        self._glance()

    def _glance(self) -> None:
        if self.scene is not None and self.sharp is not None:
            self.views.ask(Glance(self.scene, self.sharp, self.gallery.look))
            self._speak()

    def _make_view(self, glance: Glance) -> ViewMade:
        return made_view(glance.scene, glance.sharp, glance.look)

    def _view_arrived(self, glance: Glance, made: ViewMade) -> None:
        if glance.scene is not self.scene or self.sharp is None:
            return
        if not self.sharp.whole:
            self.sharp = made.sharp
        self.numbers = made.numbers
        self._show()

    def _globe_arrived(self, scene: Scene, globe: Globe) -> None:
        if scene is self.scene and self.sharp is not None:
            self.globe = globe
            self.sharp = self.sharp.complete(globe.values)
            self._show()
            self.gallery.estimated(globe)
            self._glance()

    @property
    def refining(self) -> bool:
        """Whether the view is still to become sharper."""
        scene, sharp, look = self.scene, self.sharp, self.gallery.look
        if scene is None or sharp is None or sharp.whole:
            return False
        zoom = drawn_zoom(look, scene.asked.zoom_in, scene.asked.zoom_out)
        return not sharp.has(zoom, visible_cells(look, zoom))

    # -- what is shown ---------------------------------------------------------------------------

    def _show(self) -> None:
        assert self.scene is not None and self.sharp is not None
        self.hidden.hide({"truth", "plain_error"} if self.scene.truth is None else ())
        self.gallery.show(self.scene, self.sharp)
        self._speak()

    def _speak(self) -> None:
        scene, numbers = self.scene, self.numbers
        if scene is None:
            return
        self.say(describe(scene, numbers, self.globe, self.state.against, self.refining))
        unit = scene.archive.unit(scene.asked.variable)
        if numbers is not None:
            self.gallery.power.show(numbers.power, unit)
        place = place_at(self.maps.bounds, self.maps.projection)
        self.sidebar.at(place)
        rows = table(self.globe, unit, place_name(place)) if self.globe is not None else ""
        words = rows + about(scene, self.globe)
        if self.places.object != words:
            self.places.object = words

    def _compare(self) -> None:
        if self.scene is not None and self.sharp is not None:
            self._show()
        self.tell_address()

    def _overlay(self) -> None:
        self.gallery.relief.show(self.state.relief, self.gallery.look)
        self.tell_address()

    def _blow(self) -> None:
        self.gallery.blow()
        self.gallery.redraw(False)
        self.tell_address()

    def recolour(self) -> None:
        self.gallery.recolour()

    def _swiped(self, share: float) -> None:
        self.state.swipe = share
        self.tell_address()

    # -- places ----------------------------------------------------------------------------------

    def go(self, place: str) -> None:
        """Look at a bookmark, or at the whole globe."""
        projection, window = turned(place, self.state.looks)
        self._turn(projection)
        self.look_at(window)

    def _turn(self, projection: Projection) -> None:
        tilt = {"lat0": projection.lat0} if projection.name == "globe" else {}
        self.state.param.update(lon0=projection.lon0, **tilt)

    def _reproject(self) -> None:
        """A new projection shows the same place."""
        before, now = self.maps.projection, self.state.looks
        if before.name != now.name:
            now, window = kept_place(Look(before, self.maps.window), now)
            self._turn(now)
            self.maps.look_at(window)
        self.map_controls.follow()
        self.look()

    # -- files -----------------------------------------------------------------------------------

    def _open(self, path: Path, name: str) -> None:
        self.open_file(path, name, self._opened)

    def _opened(self, archive: Archive) -> None:
        if self.scene is not None and self.scene.asked.archive == archive.name:
            self.scene = None  # a second file of the same name
        self.state.param.update(archive=archive.name, variable=archive.variables[0], time="")
        self.request()

    def _save(self, everything: bool) -> None:
        scene, box = self.scene, box_of(self.gallery.look)
        if scene is None:
            return

        def work(progress: Progress) -> tuple[str, bytes]:
            return super_resolved_netcdf(scene, box, everything, progress)

        self.run("Writing NetCDF", work, lambda file: self.bridge.save(*file))

    def _save_table(self) -> None:
        if self.globe is None:
            self.toast("The figures of the whole sphere are still being made: try again in a moment.")
        else:
            a = self.globe.scene.asked
            self.bridge.save(f"places-{a.variable}-zoom{a.zoom_in}to{a.zoom_out}.csv", table_csv(self.globe))


PAGE = ZoomPage
