"""The lessons in the app: which there are, how they run, and the page."""

import json
import re
import threading

import pytest

from app.lesson_view import LessonView
from app.lessons import LESSONS, Cell, Lesson, Result, Running
from app.pages.lessons import LessonsPage


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=list(LESSONS))
def test_notebooks_are_small_and_stripped_and_every_question_has_a_hidden_answer(lesson):
    raw = lesson.path.read_text(encoding="utf-8")
    cells = json.loads(raw)["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(raw) < 60_000
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    text = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    questions = [int(n) for n in re.findall(r"\*\*Question (\d+)\.\*\*", text)]
    assert questions == list(range(1, len(questions) + 1)) and len(questions) >= 6
    assert text.count("<details><summary>Answer</summary>") == len(questions) == text.count("</details>")
    assert sum("assert" in "".join(cell["source"]) for cell in code) >= 5, "claims are checked"
    assert not re.search(r"https?://", raw), "nothing is fetched"


def told_of(run: Running) -> dict[int, Result]:
    """What a visitor is told until the run is over."""
    found: dict[int, Result] = {}
    over = threading.Event()
    wanted = sum(cell.code for cell in run.lesson.cells)

    def told(number: int, result: Result) -> None:
        found[number] = result
        if len(found) == wanted:
            over.set()

    run.watch(told)
    assert over.wait(240)
    run.leave(told)
    return found


class Made(Lesson):
    """A lesson from cells instead of a file."""

    def __init__(self, *sources: str) -> None:
        super().__init__("made", "Made", "Made here", ())
        self.__dict__["cells"] = tuple(Cell(source, True) for source in sources)


SHOWS = "class It:\n    def _repr_html_(self):\n        return str(n)\n"


def test_cells_share_what_they_define_and_show_their_last_line():
    found = told_of(Running(Made("n = 3", f"{SHOWS}It()", "n = n + 1\nIt()")))
    assert [found[i].html for i in range(3)] == ["", "3", "4"]


def test_a_cell_that_fails_is_said_and_tried_again_for_the_next_visitor(tmp_path):
    flag = tmp_path / "there"
    run = Running(Made(f"{SHOWS}n = 1\nIt()", f"open({str(flag)!r})", "n = 2\nIt()"))
    first = told_of(run)
    assert first[0].html == "1" and first[1].failed and first[2].failed
    flag.touch()
    while run._busy:
        threading.Event().wait(0.01)
    second = told_of(run)
    assert not any(result.failed for result in second.values()) and second[2].html == "2"


def test_a_lesson_runs_here_and_ends_on_a_page():
    lesson = LESSONS["compression"]
    run = Running(lesson)
    found = told_of(run)
    assert not any(result.failed for result in found.values())
    shown = [result.html for result in found.values() if result.html]
    assert sum("<svg" in html for html in shown) >= 4 and sum("<table" in html for html in shown) >= 4
    assert all("currentColor" in html for html in shown if "<svg" in html), "readable on light and dark"
    assert not any("http" in re.sub(r'(xmlns(:\w+)?|rdf:resource)="[^"]*"', "", html) for html in shown)
    link = next(result for result in found.values() if result.page)
    assert link.page == "compress" and "time=2026-03-31T23:00" in link.query
    assert told_of(run) == found, "the second visitor is told at once"


def test_the_view_shows_text_first_and_results_as_they_come():
    view = LessonView()
    view.open("volcano")
    cells = LESSONS["volcano"].cells
    number = next(i for i, cell in enumerate(cells) if cell.code)
    assert "being computed" in view.column.children[number].text
    assert any("<details>" in div.text for div in view.column.children)
    view.put("compression", number, Result(html="of another lesson"))
    assert "being computed" in view.column.children[number].text
    view.put("volcano", number, Result(html="<b>here</b>"))
    assert view.column.children[number].text.startswith("<b>here</b>")
    view.put("volcano", number, Result(page="latent", query="page=latent&a=<b>"))
    assert 'href="?page=latent&amp;a=&lt;b&gt;"' in view.column.children[number].text
    view.put("volcano", number, Result(failed=True))
    assert "could not be computed" in view.column.children[number].text


def test_the_page_opens_what_the_address_says(document, turns, monkeypatch):
    asked = []

    class Watched:
        def __init__(self, key):
            self.key = key

        def watch(self, told):
            asked.append(self.key)

        def leave(self, told):
            asked.append(f"-{self.key}")

    monkeypatch.setattr("app.pages.lessons.running", Watched)
    page = LessonsPage({"lesson": "volcano"}, document)
    assert page.bridge.query == "page=lessons&lesson=volcano" and asked == ["volcano"]
    assert page.bridge.words["title"] == "Finding a volcano" and "Simulated" in page.bridge.words["simulated"]
    page.choice._handle_msg({"pressed": "compression"})
    assert page.bridge.query == "page=lessons" and asked == ["volcano", "-volcano", "compression"]
    assert page.bridge.words["simulated"] == "" and "Copernicus" in page.bridge.words["attribution"]
    saved = []
    monkeypatch.setattr(page.bridge, "save", lambda name, body: saved.append((name, body)))
    page.save.clicks += 1
    assert saved[0][0] == "compression.ipynb" and json.loads(saved[0][1])["cells"]
    page.close()
    assert asked[-1] == "-compression"


def test_an_unknown_lesson_is_said(document, turns, monkeypatch):
    monkeypatch.setattr("app.pages.lessons.running", lambda key: Running(Made()))
    page = LessonsPage({"lesson": "../../etc/passwd"}, document)
    assert page.state.lesson == "compression" and "lesson=../../etc/passwd" in page.bridge.toasts[0]
