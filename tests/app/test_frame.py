"""What every page has from the frame: address, links to other pages, errors, long work, the template."""

import threading

import pytest
from sample_page import SamplePage

from app.pages import registry
from app.pages.compress import CompressPage
from fsae_core.errors import UserError


@pytest.fixture
def several(monkeypatch):
    """Four pages in the navigation."""
    pages = (
        registry.Entry("home", "Home", keeps=()),
        registry.Entry("compress", "Compress"),
        registry.Entry("sample", "Sample"),
        registry.Entry("other", "Other", keeps=("archive", "nothing")),
    )
    monkeypatch.setattr(registry, "available", lambda: pages)


@pytest.fixture
def page(document, turns, several) -> SamplePage:
    page = SamplePage({"step": "2", "time": "2026-03-01T06:00"}, document)
    turns.settle()
    return page


def test_available_pages_have_classes_that_fit_their_layout(document, turns):
    assert registry.DEFAULT in {entry.key for entry in registry.available()}
    for entry in registry.available():
        made = registry.page_type(entry)({}, document)
        turns.settle()
        assert made.key == entry.key
        assert set(made.parts()) == made.layout.roots


@pytest.mark.parametrize(
    ("query", "key", "said"),
    [
        ({}, "home", ""),
        ({"theme": "dark", "present": "1", "utm_source": "mail"}, "home", ""),
        ({"ratio": "16"}, "compress", ""),  # from when there was no other page
        ({"view": "0,40,30,50", "theme": "dark"}, "compress", ""),
        ({"page": "sample"}, "sample", ""),
        ({"page": "home", "ratio": "16"}, "home", ""),
        ({"page": "x"}, "home", "Home is shown"),
        ({"page": "x", "time": "2026-03-30"}, "compress", "Compress is shown"),
    ],
)
def test_address_chooses_the_page(several, query, key, said):
    entry, problems = registry.chosen(query)
    assert entry.key == key and len(problems) == bool(said)
    assert all("page=x" in problem and said in problem for problem in problems)


def test_address_names_page_and_state(page, turns):
    assert page.bridge.query.startswith("page=sample&") and "step=2" in page.bridge.query
    page.step.value = "4"
    turns.settle()
    assert page.made is not None and "step=4" in page.bridge.query


def test_links_keep_what_the_other_page_knows(page, turns):
    page.maps.look_at((0.0, 40.0, 30.0, 50.0))
    turns.settle()
    links = page.links()
    time = page.state.time
    assert (
        links["compress"]
        == f"page=compress&archive=era5-week&variable=t2m&time={time}&projection=plate-carree"
        "&lon0=0&lat0=20&view=0,40,30,50"
    )
    assert links["other"] == "page=other&archive=era5-week" and links["home"] == ""
    assert page.bridge._address.data["links"] == [[list(pair) for pair in links.items()]]


def test_a_visitors_own_file_is_not_in_links(document, turns, several):
    page = CompressPage({"method": "block-mean"}, document)
    turns.settle()
    page.state.param.update(archive="file:mine.nc")
    assert "file" not in page.links()["sample"] and "ratio=64" in page.links()["sample"]


def test_template_holds_every_part(page, document):
    page.template()._init_doc(document)
    names = [root.name for root in document.roots if root.name]
    assert sorted(names) == sorted(page.layout.roots | {"job"})


def test_documents_are_sound(page, document, caplog):
    """What Bokeh would check at every visit."""
    page.template()._init_doc(document)
    for key in ("both", "spread"):
        page.late.fill(key)
    document.validate()
    assert not [said for said in caplog.records if said.levelname in ("WARNING", "ERROR")]


def test_late_panes_come_when_the_browser_asks(document, turns):
    page = CompressPage({"method": "block-mean"}, document)
    page.template()._init_doc(document)
    places = {name: page.late.places[name] for name in ("swipe_left", "swipe_right", "latitude")}
    assert not page.gallery.swipe_left.made and not any(place.children for place in places.values())
    page.late.source.data = {"panes": [["swipe", "latitude", "nonsense", "swipe"]], "dark": [True]}
    turns.settle()
    assert [place.children[0].name for place in places.values()] == list(places)
    assert page.gallery.swipe_left.figure.xaxis[0].major_label_text_color == "#b4c0c6", "dark from the start"
    assert page.gallery.original.figure.xaxis[0].major_label_text_color == "#47545b"
    assert page.gallery.swipe_left.bar.title == page.gallery.original.bar.title
    painted = page.bridge._painter.args["models"]
    assert page.gallery.swipe_left.figure in painted and page.gallery.original.figure in painted


def test_on_a_phone_only_the_first_pane_is_early(document, turns):
    page = CompressPage({"method": "block-mean"}, document)
    page.template(phone=True)
    assert [pane.made for pane in page.maps.panes] == [True] + 5 * [False]


def test_stills_are_of_what_is_seen_first(page):
    assert set(page.stills()) == {"now", "change"}
    assert all(png.startswith(b"\x89PNG") for png in page.stills().values())


def test_errors_are_sentences(page):
    page.failed(UserError("That is not a file."))
    assert page.bridge.toasts[-1] == "That is not a file."
    page.failed(RuntimeError("secret/path"))
    assert "RuntimeError" in page.bridge.toasts[-1] and "secret" not in page.bridge.toasts[-1]


def test_long_work_shows_and_hides_its_bar(page, turns):
    results = []
    page.run("Counting", lambda progress: progress.at(0.5) or 7, results.append)
    assert page.job_bar.running
    turns.settle()
    assert results == [7] and not page.job_bar.running


def test_stop_button_stops(page, turns, monkeypatch):
    begun, finished = threading.Event(), threading.Event()
    monkeypatch.undo()  # real threads: work that runs while the page goes on
    page.schedule = turns
    page.job._schedule = turns

    def work(progress):
        begun.set()
        try:
            while True:
                progress.at(0.1)
        finally:
            finished.set()

    page.run("For ever", work, lambda _: None)
    assert begun.wait(10)
    page.job_bar.stops += 1
    assert finished.wait(10)
    turns.settle()
    assert not page.job_bar.running and page.bridge.toasts[-1] == "Stopped."


def test_leaving_stops_work_and_forgets_the_file(page):
    page.own = {"file:x": object()}
    page.close()
    assert page.own == {} and not page.job.running


def test_who_has_left_is_told_nothing(page, turns, monkeypatch):
    begun = threading.Event()
    monkeypatch.undo()  # real threads, as above
    page.job._schedule = turns

    def work(progress):
        begun.set()
        while True:
            progress.at(0.1)

    page.run("For ever", work, lambda _: None)
    assert begun.wait(10)
    page.close()
    turns.settle()
    assert not page.job.running and page.job_bar.running and not page.bridge.toasts
