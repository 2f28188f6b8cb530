"""Every notebook runs from top to bottom in a kernel of its own."""

import pytest

from app.lessons import LESSONS

nbclient = pytest.importorskip("nbclient", reason="the extra test is not installed: nbclient is absent")
nbformat = pytest.importorskip("nbformat", reason="the extra test is not installed: nbformat is absent")


@pytest.mark.parametrize("key", list(LESSONS))
def test_runs(key, tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(LESSONS[key].path, as_version=4)
    nbformat.validate(notebook)
    client = nbclient.NotebookClient(notebook, timeout=240, kernel_name="python3")
    client.execute(cwd=str(tmp_path))
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = [output.data for cell in code for output in cell.outputs if "data" in output]
    pictures = [data["text/html"] for data in shown if "<svg" in data.get("text/html", "")]
    assert len(pictures) >= 3
    assert all(cell.outputs for cell in code), "every cell shows something"
    widget = code[-1].outputs[-1].data
    assert "application/vnd.holoviews_exec.v0+json" in widget, "the page is a widget"
