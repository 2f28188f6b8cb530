"""`panel serve app/` as this project has it: settings read, logs begun, a door and an end to the server."""

from __future__ import annotations

__all__ = ["prepare"]

import sys
from functools import lru_cache, partialmethod
from typing import Any

import bokeh.server.server as bokeh_server

from app import logs
from app.settings import settings
from fsae_core.errors import UserError


@lru_cache(maxsize=1)
def prepare() -> None:
    """Once a process, before Bokeh makes its server: it offers no other way to choose these two parts.

    Exits with one sentence where a setting cannot be.
    """
    try:
        settings()
    except UserError as error:
        sys.exit(str(error))
    logs.begin()
    from app.server import Explorer

    places: list[tuple[Any, str, Any]] = [(bokeh_server, "BokehTornado", Explorer)]
    if sys.platform != "win32":
        from app.closing import Family, run_until_told

        family = Family()
        run = partialmethod(run_until_told, family)
        places.append((bokeh_server.BaseServer, "run_until_shutdown", run))
    for place, name, ours in places:
        setattr(place, name, ours)
