"""Pages as objects of a notebook: keyword arguments, data of one's own, turns and changes in a cell."""

import asyncio
import subprocess
import sys
import threading
from datetime import date

import numpy as np
import pytest
import xarray as xr
from app_samples import make_dataset
from bokeh.document import Document
from bokeh.models import ColumnDataSource

import app
from app.cell_frame import CellFrame
from app.cell_line import CellLine
from app.cell_turns import CellTurns
from app.compress_state import CompressState
from app.ensemble_state import EnsembleState
from app.page_words import page_query
from app.pages.compress import CompressPage
from fsae_core.errors import UserError


def test_importing_the_app_brings_nothing_along():
    code = "import sys, app; print([m for m in ('panel', 'bokeh', 'torch', 'xarray') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_python_values_become_words_of_the_address():
    given = {"ratio": 16, "view": (0, 40.5, 30, 50), "time": np.datetime64("2026-03-31T06"), "fit": True}
    query = page_query("Page", CompressState, given)
    assert query == {"ratio": "16", "view": "0,40.5,30,50", "time": "2026-03-31T06:00", "fit": "1"}
    assert page_query("Page", CompressState, {"time": date(1991, 8, 1)}) == {"time": "1991-08-01"}
    state = EnsembleState()
    assert state.read_query(page_query("Page", EnsembleState, {"volcanoes": False, "members": 8})) == []
    assert state.volcanoes is False and state.members == 8


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"rato": 16}, "knows no 'rato'; it takes archive, variable"),
        ({"ratio": 5}, "ratio=5, which is not 4, 16, 64 or 256"),
        ({"archive": "atlantis"}, "no shipped archive named 'atlantis'"),
        ({"archive": "amip", "variable": "snow"}, "has no 'snow'; it holds t2m"),
        ({"archive": "amip", "time": "2050-01"}, "has no time 2050-01; it goes from 1979-01 to 2013-12"),
        ({"time": "yesterday"}, "time='yesterday', which is not a date such as"),
    ],
)
def test_wrong_words_get_one_sentence(words, said):
    with pytest.raises(UserError) as caught:
        app.CompressPage(**words)
    assert said in str(caught.value) and str(caught.value).endswith(".")
    shown = caught.value._render_traceback_()
    assert shown == [f"UserError: {caught.value}"], "a notebook shows the sentence alone"


def test_times_may_be_more_exact_than_the_archive():
    assert (
        app.CompressPage(archive="amip", time="1991-08-16").query == "page=compress&archive=amip&time=1991-08"
    )
    assert app.LatentPage(time=np.datetime64("1991-08")).query == "page=latent&time=1991-08"


def test_an_ensemble_takes_no_data_of_ones_own():
    with pytest.raises(UserError, match="no data of your own"):
        app.EnsemblePage(make_dataset())
    with pytest.raises(UserError, match="type list was given, expected an xarray"):
        app.CompressPage([1, 2])


def latlon() -> xr.DataArray:
    lat, lon = np.arange(-88.0, 90, 4), np.arange(0.0, 360, 4)
    values = 280 + 10 * np.cos(np.deg2rad(lat))[None, :, None] * np.ones((1, 1, lon.size))
    coords = {"time": np.array(["2001-01-01"], "M8[ns]"), "lat": lat, "lon": lon}
    return xr.DataArray(values, coords, ("time", "lat", "lon"), "t2m", {"units": "K"})


def test_own_data_on_any_grid_are_shown(at_once):
    widget = app.CompressPage(latlon(), ratio=4, method="block-mean")
    with pytest.raises(UserError, match="no address"):
        _ = widget.query
    page = widget.panel().page
    assert page.shown.archive.own and page.shown.asked.ratio == 4
    assert page.shown.archive.times[0] == np.datetime64("2001-01-01")
    assert page.sidebar.field.archive.value == "file:yours"


@pytest.mark.parametrize("key", [name for name in app.__all__ if name != "LatentPage"])
def test_every_page_can_be_shown_in_a_cell(key, at_once):
    words = {"members": 4, "steps": 8} if key == "EnsemblePage" else {}
    frame = getattr(app, key)(**words).panel()
    root = frame.get_root(Document())
    assert set(frame.names) == frame.page.layout.roots | {"job"}
    assert len(frame.pieces) == len(frame.names)
    urls = [sheet.url for sheet in root.references() if hasattr(sheet, "url") and hasattr(sheet, "document")]
    assert not [url for url in urls if str(url).startswith("http")], "styles come along"


class Comm:
    """Stands in for a cell's comm that is open."""

    id = "a cell"
    _comm = True

    def __init__(self) -> None:
        self.sent: list = []

    def send(self, data=None, metadata=None, buffers=()) -> None:
        self.sent.append(data)


def test_changes_of_plain_figures_are_sent_and_the_browsers_own_are_not_sent_back():
    async def cell() -> list:
        document, comm = Document(), Comm()
        source = ColumnDataSource({"x": [1]})
        document.add_root(source)
        document.hold()
        CellLine(document, comm)
        source.data = {"x": [2]}
        source.name = "now"
        await asyncio.sleep(0.02)
        whole = len(comm.sent)
        source.set_from_json("name", "theirs", setter=comm.id)
        await asyncio.sleep(0.02)
        assert len(comm.sent) == whole
        return comm.sent

    header, _, content = asyncio.run(cell())[:3]
    assert "PATCH-DOC" in header and '"data"' in content and "now" in content


def test_turns_wait_for_the_cell_and_run_in_its_thread():
    done: list[int] = []
    failed: list[BaseException] = []

    async def kernel() -> None:
        turns = CellTurns(failed.append)
        worker = threading.Thread(target=turns, args=(lambda: done.append(threading.get_ident()),))
        worker.start()
        worker.join()
        await asyncio.sleep(0.02)
        assert not done
        turns.begin(Document())
        turns(lambda: 1 / 0)
        turns.later(lambda: done.append(2), 1)
        await asyncio.sleep(0.05)
        turns.close()
        turns(lambda: done.append(3))
        await asyncio.sleep(0.02)

    asyncio.run(kernel())
    assert done == [threading.get_ident(), 2]
    assert isinstance(failed[0], ZeroDivisionError)


def test_a_cell_that_is_cleared_stops_its_work(at_once):
    frame = CellFrame(CompressPage, {"method": "block-mean"})
    root = frame.get_root(Document())
    frame.page.own = {"file:x": object()}
    frame._cleanup(root)
    assert frame.page.own == {} and not frame._turns._open
