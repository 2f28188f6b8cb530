"""The Lessons page: the teaching notebooks with their questions, hidden answers and live results."""

from __future__ import annotations

__all__ = ["PAGE", "LessonsPage"]

from functools import partial
from typing import Any, ClassVar

import param

from app.controls import Action, Buttons, column
from app.layout import Group, Layout, Pane
from app.lesson_view import LessonView
from app.lessons import LESSONS, Result, Told, running
from app.pages.frame import Page
from app.state import PageState, Part, one_of
from fsae_core.archive.catalog import catalog


class LessonsState(PageState):
    """Which lesson is open."""

    lesson: Any = param.Selector(default="compression", objects=list(LESSONS))
    parts: ClassVar[tuple[Part, ...]] = (one_of("lesson", LESSONS),)


class LessonsPage(Page):
    """One visitor's Lessons page."""

    key = "lessons"
    state_type = LessonsState
    state: LessonsState
    layout = Layout(
        panes=(
            Pane(
                "lesson",
                "Lesson",
                wide=True,
                natural=True,
                help="Text, code and what it gives, computed here. Answers are hidden until you open them.",
            ),
        ),
        groups=(Group("choice", "Lessons", phone=-1), Group("download", "Download")),
        columns=1,
    )

    def build(self) -> None:
        self.view = LessonView()
        self.choice = Buttons(
            self._choose,
            label="Lessons of about 20 minutes",
            help="Opens a lesson; its figures are computed while you read.",
            options=[[key, lesson.short] for key, lesson in LESSONS.items()],
        )
        self.save = Action(
            label="Download the notebook",
            help="The same lesson as a Jupyter notebook, to run and change it on your own machine.",
        )
        self._watched: tuple[str, Told] | None = None

    def _choose(self, key: str) -> None:
        self.state.lesson = key

    def wire(self) -> None:
        self.state.param.watch(lambda _: self._open(), "lesson")
        self.save.param.watch(lambda _: self._save(), "clicks")

    def start(self) -> None:
        self._open()

    def parts(self) -> dict[str, Any]:
        return {
            "lesson": self.view.column,
            "choice": column(self.choice),
            "download": column(self.save),
        }

    def closing(self) -> None:
        if self._watched is not None:
            running(self._watched[0]).leave(self._watched[1])

    def _open(self) -> None:
        self.closing()
        key = self.state.lesson
        lesson = LESSONS[key]
        self.choice.value = key
        self.view.open(key)
        archives = [entry for entry in catalog() if entry.name in lesson.archives]
        simulated = any(entry.simulated for entry in archives)
        self.say(
            {
                "title": lesson.title,
                "when": "a lesson of about 20 minutes",
                "simulated": "Simulated: not an observation, not a forecast" if simulated else "",
                "attribution": " ".join(f"{entry.attribution}. {entry.licence}." for entry in archives),
                "note_lesson": "questions with hidden answers; the figures are computed now, on this server",
            }
        )

        def told(number: int, result: Result) -> None:
            self.schedule(partial(self.view.put, key, number, result))

        self._watched = (key, told)
        running(key).watch(told)
        self.tell_address()

    def _save(self) -> None:
        path = LESSONS[self.state.lesson].path
        self.bridge.save(path.name, path.read_bytes())


PAGE = LessonsPage
