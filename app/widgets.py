"""The app's pages as widgets: in JupyterLab or VS Code the last line of a cell shows one.

import app
app.CompressPage(archive="amip", variable="t2m", time="1991-08", ratio=16)
app.ZoomPage(xr.open_dataset("mine.nc"))
"""

from __future__ import annotations

__all__ = ["ComparePage", "CompressPage", "EnsemblePage", "LatentPage", "PageWidget", "ZoomPage"]

from typing import Any, ClassVar
from urllib.parse import urlencode

import numpy as np

from app import store
from app.kernel import load_once
from app.own_data import OwnData, archive_of
from app.page_words import page_query
from app.pages import registry
from app.pages.registry import Entry
from app.store import Archive
from fsae_core.errors import UserError


class PageWidget:
    """One page of the app. Keyword arguments mean what the words of its address mean.

    data: the user's own Dataset or DataArray, on any grid that `open_archive` understands.
    Raises UserError for what the page does not know.
    """

    key: ClassVar[str]

    def __init__(self, data: OwnData | None = None, **words: Any) -> None:
        page = registry.page_type(Entry(self.key, ""))
        if isinstance(words.get("archive"), OwnData):
            data = words.pop("archive")
        self._query = page_query(type(self).__name__, page.state_type, words)
        self._own = None if data is None else self._taken(data)
        if self._own is not None:
            self._query["archive"] = self._own.name
        self._check()

    def _taken(self, data: OwnData) -> Archive | None:
        return archive_of(data)

    def _archive(self) -> Archive | None:
        """Where variable and time must be; None where the page itself knows."""
        return self._own or (
            store.named_archive(self._query["archive"]) if "archive" in self._query else None
        )

    def _check(self) -> None:
        """The archive, its variable and its time are there; the time is written as its label."""
        archive, name = self._archive(), type(self).__name__
        if archive is None and {"variable", "time"} & set(self._query):
            archive = store.named_archive(str(registry.page_type(Entry(self.key, "")).state_type().archive))
        if archive is None:
            return
        variable, time = self._query.get("variable"), self._query.get("time")
        if variable is not None and variable not in archive.variables:
            raise UserError(f"{archive.title} has no {variable!r}; it holds {', '.join(archive.variables)}.")
        if time:
            self._query["time"] = _label(archive, time, name)

    @property
    def query(self) -> str:
        """What the app's address says for it, behind the question mark; not for data of one's own."""
        if self._own is not None:
            raise UserError("Data of your own are not on the app's server, so that no address leads to them.")
        return registry.address(self.key, urlencode(self._query, safe=",:"))

    def panel(self) -> Any:
        """A Panel object with the page, for one cell; each call makes a new one."""
        load_once()
        from app.cell_frame import CellFrame

        return CellFrame(registry.page_type(Entry(self.key, "")), self._query, self._own)

    def __panel__(self) -> Any:
        return self.panel()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return self.panel()._repr_mimebundle_(include, exclude)

    def __repr__(self) -> str:
        said = ", ".join(f"{key}={value!r}" for key, value in self._query.items())
        return f"{type(self).__name__}({said})"


def _label(archive: Archive, time: str, name: str) -> str:
    """How the archive writes a time."""
    try:
        wanted = np.datetime64(time)
    except ValueError as error:
        raise UserError(
            f"{name} was given time={time!r}, which is not a date such as {archive.labels[0]}."
        ) from error
    for label in archive.labels:
        if label and np.datetime64(label) == wanted.astype(np.datetime64(label).dtype):
            return label
    raise UserError(
        f"{archive.title} has no time {time}; it goes from {archive.labels[0]} to {archive.labels[-1]}."
    )


class CompressPage(PageWidget):
    """A field, compressed, beside what it was: archive, variable, time, method ("general", "amip" or
    "block-mean"), ratio (4, 16, 64 or 256), projection, view, ..."""

    key = "compress"


class ComparePage(PageWidget):
    """Two methods of compression side by side: archive, variable, time, a, b, axis ("floats" or "bytes"),
    ratio, ..."""

    key = "compare"


class ZoomPage(PageWidget):
    """A coarse field, made finer where one looks: archive, variable, time, to (a zoom), view, ...; `from`
    is a word of Python, so write ``**{"from": 4}``."""

    key = "zoom"


class LatentPage(PageWidget):
    """An archive's compressed fields as a map of times: archive, time, colour, a, b (groups of times), ...;
    data of one's own are placed on it."""

    key = "latent"

    def _archive(self) -> Archive | None:
        from app.atlases import named_atlas

        return named_atlas(self._query.get("archive", "amip")).archive

    def _check(self) -> None:
        if self._own is not None:
            del self._query["archive"]  # the data are guests on the atlas, not the atlas itself
        super()._check()


class EnsemblePage(PageWidget):
    """Fields that a month could have had: time (a month), members, seed, volcanoes, co2, versus, ..."""

    key = "ensemble"

    def _taken(self, data: OwnData) -> Archive | None:
        raise UserError("EnsemblePage draws from the simulated archive alone and takes no data of your own.")

    def _check(self) -> None:
        return None
