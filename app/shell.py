"""The page around the figures: one HTML template with its style and script, all of it in the first answer."""

from __future__ import annotations

__all__ = ["shell"]

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import panel as pn
from bokeh.settings import settings
from jinja2 import Environment, FileSystemLoader

from fsae_core.assets import asset_path

# Bokeh checks every visitor's document for a developer's mistakes, a tenth of the time it takes to make one:
# here a test does (tests/app/test_frame.py).
settings.perform_document_validation.set_value(False)


class _Template(pn.Template):
    def __repr__(self, *_: Any) -> str:
        # Panel describes the whole template anew for every part added to it, which takes 0.1 s a visit.
        return type(self).__name__


@lru_cache(maxsize=1)
def _pages() -> Environment:
    return Environment(loader=FileSystemLoader(asset_path("style")), trim_blocks=True, lstrip_blocks=True)


#: What is written into every page, by the template's name for it.
_TEXTS: dict[str, list[tuple[str, ...]]] = {
    "page_css": [("style", name) for name in ("page.css", "help.css", "home.css", "tour.css")],
    "page_js": [("style", name) for name in ("help.js", "keys.js", "tour.js", "parts.js", "page.js")],
    "driver_css": [("vendor", "driver.js", "driver.css")],
    "driver_js": [("vendor", "driver.js", "driver.js")],
}


@lru_cache(maxsize=16)
def _text(*path: str) -> str:
    return asset_path(*path).read_text(encoding="utf-8")


def shell(source: str, parts: Mapping[str, Any], variables: Mapping[str, Any]) -> pn.Template:
    """A template from assets/style with `parts` (name -> Panel object) as its roots.

    variables: what the template writes itself, beside style and script.
    """
    template = _Template(_pages().get_template(source))
    for name, part in parts.items():
        template.add_panel(name, part)
    for name, value in variables.items():
        template.add_variable(name, value)
    for name, files in _TEXTS.items():
        template.add_variable(name, "\n".join(_text(*file) for file in files))
    return template
