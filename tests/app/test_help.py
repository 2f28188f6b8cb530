"""Every control of every page, every pane and every figure says what it is for."""

import pytest
from panel.viewable import Viewable

from app.controls import Action, Buttons, Choice, Range, Segmented, TimePlayer, Upload
from app.pages import registry

CONTROLS = (Action, Buttons, Choice, Range, Segmented, TimePlayer, Upload)
PAGES = [entry for entry in registry.available() if entry.key != registry.DEFAULT]


def sound(words: str) -> bool:
    """One or two short sentences."""
    return 20 <= len(words) <= 260 and words.endswith(".") and words[0].isupper() and "  " not in words


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.key)
def test_every_control_has_help(entry, document, turns):
    page = registry.page_type(entry)({}, document)
    turns.settle()
    parts = [part for part in page.parts().values() if isinstance(part, Viewable)]
    controls = [c for part in parts for c in part.select(lambda one: isinstance(one, CONTROLS))]
    assert len(controls) >= 2
    lacking = [control.label for control in controls if not sound(control.help)]
    assert not lacking, lacking


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.key)
def test_every_pane_and_figure_has_help(entry):
    layout = registry.page_type(entry).layout
    lacking = [part.name for part in (*layout.panes, *layout.metrics) if not sound(part.help)]
    assert not lacking, lacking
