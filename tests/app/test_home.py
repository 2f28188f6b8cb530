"""The landing page without a browser: cards, pictures that come late or never, links of other pages."""

import re
from concurrent.futures import Future

import pytest

from app.pages import home, registry
from app.pages.home import HomePage
from app.thumbnails import KEYS, Thumbnail, thumbnails


@pytest.fixture
def futures(monkeypatch):
    """Pictures that come when the test says so."""
    made = {key: Future() for key in KEYS}
    monkeypatch.setattr(home, "thumbnails", lambda: made)
    return made


def test_pictures_are_of_the_five_pages():
    keys = {entry.key for entry in registry.available()} - {registry.DEFAULT}
    assert set(KEYS) <= keys
    for entry in registry.available():
        if entry.key in KEYS:
            assert 30 < len(entry.about) < 180 and entry.about.endswith(".")


def test_pictures_arrive_when_they_are_made(futures, document, turns):
    futures["zoom"].set_result(Thumbnail("<svg>zoom</svg>", "of a place"))
    page = HomePage({}, document)
    turns.settle()
    doors = {entry.key: thumb for entry, _, thumb in page.variables()["doors"]}
    assert doors["zoom"].line == "of a place" and doors["latent"] is None
    futures["latent"].set_result(Thumbnail("<svg>latent</svg>", "of months"))
    turns.settle()
    assert page.arrived.data == {"key": ["latent"], "thumb": ["<svg>latent</svg>"], "line": ["of months"]}
    futures["compare"].set_exception(RuntimeError("no table"))
    turns.settle()
    assert page.arrived.data == {"key": ["compare"], "thumb": [""], "line": [""]}
    assert not page.bridge.toasts, "a card without a picture still leads on"


def test_other_pages_become_plain_links(futures, document, turns, monkeypatch):
    more = (*registry.available(), registry.Entry("tides", "Tides", keeps=(), about="What else there is."))
    monkeypatch.setattr(registry, "available", lambda: more)
    variables = HomePage({}, document).variables()
    assert [(entry.title, link) for entry, link in variables["others"]] == [
        ("Lessons", "page=lessons"),
        ("Tides", "page=tides"),
    ]
    assert [entry.key for entry, _, _ in variables["doors"]] == list(KEYS)


def test_data_are_named_real_or_simulated(futures, document, turns):
    said = HomePage({}, document).variables()["data"]
    real, simulated = said.split("Simulated")
    assert "ERA5" in real and "AMIP" not in real and "AMIP" in simulated


def test_pictures_are_made_of_what_is_shipped():
    """All five, once; each says numbers of its own."""
    made = {key: future.result(timeout=240) for key, future in thumbnails().items()}
    assert thumbnails() is thumbnails() and list(made) == list(KEYS)
    for key, picture in made.items():
        assert re.search(r"\d", picture.line), key
        assert picture.markup.startswith("<") and len(picture.markup) > 2000, key
    assert len({picture.markup for picture in made.values()}) == len(KEYS)
