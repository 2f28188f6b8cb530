"""The page around the figures: one HTML template with its style and script, all of it in the first answer."""

from __future__ import annotations

__all__ = ["shell"]

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import panel as pn
from bokeh.settings import settings

from fsae_core.assets import asset_path

# Bokeh checks every visitor's document for a developer's mistakes, a tenth of the time it takes to make one:
# here a test does (tests/app/test_frame.py).
settings.perform_document_validation.set_value(False)


class _Template(pn.Template):
    def __repr__(self, *_: Any) -> str:
        # Panel describes the whole template anew for every part added to it, which takes 0.1 s a visit.
        return type(self).__name__


@lru_cache(maxsize=8)
def _style(name: str) -> str:
    return asset_path("style", name).read_text(encoding="utf-8")


def shell(source: str, parts: Mapping[str, Any], variables: Mapping[str, Any]) -> pn.Template:
    """A template from assets/style with `parts` (name -> Panel object) as its roots.

    variables: what the template writes itself, beside `page_css` and `page_js`.
    """
    template = _Template(_style(source))
    for name, part in parts.items():
        template.add_panel(name, part)
    for name, value in variables.items():
        template.add_variable(name, value)
    template.add_variable("page_css", _style("page.css"))
    template.add_variable("page_js", _style("parts.js") + _style("page.js"))
    return template
