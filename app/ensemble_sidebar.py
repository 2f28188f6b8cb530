"""The Ensemble page's controls, tied to the session's state in both directions."""

from __future__ import annotations

__all__ = ["EnsembleSidebar"]

import calendar
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import panel as pn

from app.binding import Binding
from app.controls import Action, Choice, Range, Segmented, TimePlayer, column
from app.ensemble_state import (
    FIRST_YEAR,
    LAST_YEAR,
    MEMBERS,
    MOST_FIELDS,
    RESOLUTIONS,
    SHOWN,
    STEPS,
    TESTS,
    VERSUS,
    WINDOWS,
    EnsembleState,
)
from app.field_controls import MapControls
from fsae_core.archive.forcing import co2_ppm, nino34

Options = list[list[str]]


def _row(names: dict[str, str]) -> Options:
    return [[value, text, ""] for value, text in names.items()]


class EnsembleSidebar:
    """Builds the controls; `follow` makes them say what the state is.

    on_save: called with the form of the file and which world is saved; on_go: when the rest is to be drawn.
    """

    def __init__(
        self, state: EnsembleState, on_save: Callable[[str, str], None], on_go: Callable[[], None]
    ) -> None:
        self._state = state
        self._binding = bind = Binding(state)
        names = [[f"{m:02d}", calendar.month_name[m]] for m in range(1, 13)]
        years = [[str(y), str(y)] for y in range(FIRST_YEAR, LAST_YEAR + 1)]
        windows = [[str(n), f"{n} days, every third" if n else "Mean of the month"] for n in WINDOWS]
        self.month = Choice(label="Month", help="The month of the year that is drawn.", options=names)
        self.year = Choice(
            label="Year",
            help="The year whose forcing is used: volcanic haze, CO₂ and El Niño of then.",
            options=years,
        )
        self.days = Choice(
            label="Fields", help="The mean of the month, or days of it, every third.", options=windows
        )
        self.player = TimePlayer(label="Day", help="Which day of the window is shown.")
        self.volcanoes = Segmented(
            label="Volcanoes",
            help="None takes the haze of volcanoes away from the world that is drawn.",
            options=_row({"on": "As then", "off": "None"}),
        )
        self.co2_from = Segmented(
            label="CO₂",
            help="CO₂ of that month, or another amount.",
            options=_row({"then": "As then", "own": "Other"}),
        )
        self.co2 = Range(
            label="CO₂ of this world",
            help="CO₂ of the world that is drawn, in parts per million.",
            start=280,
            end=560,
            step=5,
            suffix=" ppm",
        )
        self.nino_from = Segmented(
            label="Niño 3.4",
            help="Sea surface temperature of the central Pacific: as then, left open, or another value.",
            options=_row({"then": "As then", "unknown": "Unknown", "own": "Other"}),
        )
        self.nino = Range(
            label="Niño 3.4 of this world",
            help="Departure of the central Pacific's sea surface temperature, in kelvin: above "
            "0.5 is El Niño.",
            start=-3,
            end=3,
            step=0.1,
            suffix=" K",
        )
        self.resolution = Segmented(
            label="Resolution class",
            help="Fine is drawn at zoom 5 (1.8 degrees), coarse at zoom 4 (3.7 degrees).",
            options=_row(RESOLUTIONS),
        )
        self.members = Choice(
            label="Members",
            help="How many fields are drawn. More tell spread and change better and take longer.",
        )
        self.steps = Choice(
            label="Sampler's evaluations",
            help="Steps of the network for each draw: more are a little more exact and take longer.",
            options=[[str(n), str(n)] for n in STEPS],
        )
        self.seed = Range(
            label="Seed",
            help="Where the random numbers begin: the same seed draws the same fields.",
            start=0,
            end=99,
            step=1,
        )
        self.versus = Choice(
            label="Compared with",
            help="The other world, drawn with the same random numbers, so that only its conditions differ.",
            options=[list(pair) for pair in VERSUS.items()],
        )
        self.other_co2 = Range(
            label="CO₂ there",
            help="CO₂ of the other world, in parts per million.",
            start=280,
            end=560,
            step=5,
            suffix=" ppm",
        )
        self.test = Segmented(
            label="Stippled where it stands out of",
            help="Weather: the change is larger than weather makes by chance. Pairs: it has the "
            "same sign in nearly all pairs.",
            options=_row(TESTS),
        )
        self.shown = Segmented(
            label="Show",
            help="Departures from the usual month, or temperatures, both in kelvin.",
            options=_row(SHOWN),
        )
        self.side = Segmented(
            label="Probability",
            help="Share of members above or below the threshold.",
            options=_row({"above": "Above", "below": "Below"}),
        )
        self.threshold = Range(
            label="Threshold", help="Where the probability begins, in kelvin.", suffix=" K"
        )
        self.lat = Range(
            label="Place, latitude",
            help="Latitude of the place in the chart, in degrees north. A click on a map sets it too.",
            start=-90,
            end=90,
            step=1,
            suffix="°",
        )
        self.lon = Range(
            label="Place, longitude",
            help="Longitude of the place in the chart, in degrees east. A click on a map sets it too.",
            start=-180,
            end=180,
            step=1,
            suffix="°",
        )
        self.form = Segmented(
            label="File",
            help="NetCDF for most tools, zipped Zarr for large ensembles.",
            options=_row({"nc": "NetCDF", "zarr": "Zarr, zipped"}),
        )
        self.world = Segmented(label="World", help="Which of the two worlds is saved.", value="one")
        self.save = Action(
            label="Save ensemble",
            help="Saves all members with month, seed and conditions, so that they can be drawn again.",
        )
        self.go = Action(
            label="Draw the rest", help="Goes on with the members that are missing.", visible=False
        )
        self.map = MapControls(bind)
        # There is one field a picture, not an archive's colours through time.
        self.map.fit.options = [["archive", "Whole sphere", ""], ["view", "This view", ""]]
        self.form.value = "nc"
        self._tie()
        self.save.param.watch(lambda _: on_save(self.form.value, self.world.value), "clicks")
        self.go.param.watch(lambda _: on_go(), "clicks")
        self.follow()

    def _tie(self) -> None:
        state, tie = self._state, self._binding.tie
        tie(self.month, lambda v: {"month": f"{state.month[:4]}-{v}"})
        tie(self.year, lambda v: {"month": f"{v}-{state.month[5:]}"})
        tie(self.days, lambda v: {"days": int(v), "day": 1, "members": _fitting(state.members, int(v))})
        tie(self.player, lambda v: {"day": int(v) + 1})
        tie(self.volcanoes, lambda v: {"volcanoes": v == "on"})
        tie(self.co2_from, lambda v: {"co2": "" if v == "then" else f"{self._then[0]:g}"})
        tie(self.co2, lambda v: {"co2": f"{v:g}"})
        tie(
            self.nino_from,
            lambda v: {"nino": {"then": "", "unknown": "unknown"}.get(v, f"{self._then[1]:g}")},
        )
        tie(self.nino, lambda v: {"nino": f"{v:g}"})
        for name in ("resolution", "versus", "test"):
            tie(getattr(self, name), name)
        tie(self.shown, lambda v: {"shown": v, "threshold": {"anomaly": 1.0}.get(v, 273.0)})
        for name in ("members", "steps", "seed", "other_co2"):
            tie(getattr(self, name), partial(_whole, name))
        tie(self.side, lambda v: {"above": v == "above"})
        tie(self.threshold, lambda v: {"threshold": float(v)})
        tie(self.lat, lambda v: {"point": (state.point[0], float(v))})
        tie(self.lon, lambda v: {"point": (float(v), state.point[1])})

    @property
    def _then(self) -> tuple[float, float]:
        """CO2 in ppm, to 5, and Nino 3.4 in K, to 0.1, of the month."""
        middle = np.array([np.datetime64(self._state.month, "D") + 15])
        return float(5 * round(co2_ppm(middle)[0] / 5)), round(float(nino34(middle)[0]), 1)

    @property
    def groups(self) -> dict[str, pn.Column]:
        """The controls by their place in the page's template."""
        gap = [":host { gap: 8px; }"]
        pair = pn.Row(self.month, self.year, sizing_mode="stretch_width", margin=0, stylesheets=gap)
        return {
            "time": column(pair, self.days, self.player),
            "world": column(self.volcanoes, self.co2_from, self.co2, self.nino_from, self.nino),
            "versus": column(self.versus, self.other_co2, self.test),
            "look": column(self.shown, self.side, self.threshold, self.lat, self.lon),
            "draw": column(self.resolution, self.members, self.steps, self.seed, self.go),
            "map": self.map.column,
            "download": column(self.form, self.world, self.save),
        }

    def follow(self, labels: list[str] | None = None) -> None:
        """Values from the state; labels: the days of the window that is shown."""
        s = self._state
        own_nino = s.nino not in ("", "unknown")
        low, high, step = (-15, 15, 0.5) if s.shown == "anomaly" else (210, 325, 1)
        most = [[str(n), str(n)] for n in MEMBERS if n * max(s.days, 1) <= MOST_FIELDS or n == s.members]
        worlds: dict[str, Any] = {"one": "This one", "other": "The other"}
        none = "There is no other world." if s.versus == "nothing" else ""
        with self._binding.quiet() as put:
            put(self.month, value=s.month[5:])
            put(self.year, value=s.month[:4])
            put(self.days, value=str(s.days))
            put(self.volcanoes, value="on" if s.volcanoes else "off")
            put(self.co2_from, value="own" if s.co2 else "then")
            put(self.co2, value=float(s.co2) if s.co2 else self._then[0], visible=bool(s.co2))
            put(self.nino_from, value="own" if own_nino else s.nino or "then")
            put(self.nino, value=float(s.nino) if own_nino else self._then[1], visible=own_nino)
            put(self.resolution, value=s.resolution)
            put(self.members, options=most, value=str(s.members))
            put(self.steps, value=str(s.steps))
            put(self.seed, value=s.seed, end=max(99, s.seed))
            put(self.versus, value=s.versus)
            put(self.other_co2, value=s.other_co2, visible=s.versus == "co2")
            put(self.test, value=s.test, visible=s.versus != "nothing")
            put(self.shown, value=s.shown)
            put(self.side, value="above" if s.above else "below")
            put(self.threshold, start=low, end=high, step=step, value=s.threshold)
            put(self.lat, value=s.point[1])
            put(self.lon, value=s.point[0])
            put(self.world, options=[["one", worlds["one"], ""], ["other", worlds["other"], none]])
            if none:
                put(self.world, value="one")
            put(self.player, visible=s.days > 0)
            if labels is not None and labels != self.player.labels:
                put(self.player, labels=labels, value=min(s.day, len(labels)) - 1)


def _whole(name: str, value: Any) -> dict[str, int]:
    return {name: int(value)}


def _fitting(members: int, days: int) -> int:
    """As many members as may be kept of a window."""
    return (
        members
        if members * max(days, 1) <= MOST_FIELDS
        else max(m for m in MEMBERS if m * days <= MOST_FIELDS)
    )
