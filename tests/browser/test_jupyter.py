"""A page in a cell of a real JupyterLab, driven by a real Chromium, through both of the comms there are."""

import io
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser
pytest.importorskip("jupyterlab", reason="the extra jupyter is not installed")
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 240
SHOWN = "app.CompressPage(archive='amip', time='2009-07', method='general', ratio=16)"
SOURCES = {
    "plain.ipynb": ["import app", SHOWN, "app.CompressPage(ratio=5)"],
    "widgets.ipynb": [
        "import panel as pn\nimport app\npn.extension(comms='ipywidgets', inline=True)",
        f"{SHOWN}.panel()",
    ],
}


def notebook(sources: list[str]) -> str:
    cells = [
        {
            "cell_type": "code",
            "id": f"c{i}",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": s,
        }
        for i, s in enumerate(sources)
    ]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": spec}, "cells": cells})


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory) -> Iterator[str]:
    """Address of a JupyterLab with two notebooks, which knows nothing of this machine's settings."""
    home = tmp_path_factory.mktemp("jupyter")
    (home / "notebooks").mkdir()
    for name, sources in SOURCES.items():
        (home / "notebooks" / name).write_text(notebook(sources))
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    own = {
        name: str(home / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
    }
    options = {
        "ServerApp.port": port,
        "ServerApp.root_dir": home / "notebooks",
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": "",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.collaborative": False,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())],
        cwd=home,
        env={**os.environ, **own, "JUPYTER_RUNTIME_DIR": str(home / "run"), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://localhost:{port}"
    end = time.monotonic() + PATIENCE_S
    try:
        while not answers(f"{url}/api"):
            assert process.poll() is None and time.monotonic() < end, "JupyterLab did not start"
            time.sleep(0.3)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=60)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def opened(context, url: str, name: str):
    """A notebook whose cells are being run."""
    page = context.new_page()
    page.goto(f"{url}/lab/tree/{name}?reset")
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for()
    prompt = page.locator(".jp-CodeCell .jp-InputArea-prompt").first
    # JupyterLab says that the kernel is idle before it is connected, and drops what is run until then.
    while not re.match(r"\[(\d+|\*)\]", prompt.inner_text()):
        for item in ("Run", "Run All Cells"):
            page.get_by_role("menuitem", name=item, exact=True).click()
        page.wait_for_timeout(4000)
    page.locator("[data-ready=true]").wait_for()
    return page


def said(page, key: str) -> str:
    return page.locator(f'[data-text="{key}"]').text_content()


def until_it_changes(page, key: str, before: str) -> str:
    end = time.monotonic() + PATIENCE_S
    while said(page, key) in ("", before):
        assert time.monotonic() < end, f"{key} stays {before!r}"
        page.wait_for_timeout(200)
    return said(page, key)


def colours(page, pane: str) -> int:
    area = page.locator(f"#pane-{pane} :is(.plot, .stack)")
    area.scroll_into_view_if_needed()
    shot = Image.open(io.BytesIO(area.screenshot())).convert("RGB")
    return len(np.unique(np.asarray(shot).reshape(-1, 3), axis=0))


def until_it_is_drawn(page, pane: str, least: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while colours(page, pane) <= least:
        assert time.monotonic() < end, f"{pane} stays empty"
        page.wait_for_timeout(300)


@pytest.mark.parametrize("name", list(SOURCES))
def test_a_page_lives_in_a_cell(chromium, jupyter, name):
    abroad: list[str] = []
    context = chromium.new_context(viewport={"width": 1440, "height": 1100})
    context.set_default_timeout(PATIENCE_S * 1000)
    context.on(
        "request",
        lambda asked: (
            abroad.append(asked.url)
            if (urlsplit(asked.url).hostname or "") not in ("localhost", "127.0.0.1", "")
            else None
        ),
    )
    page = opened(context, jupyter, name)
    first = until_it_changes(page, "rmse", "")
    assert said(page, "floats") == "16×" and "2009-07" in said(page, "when")
    for pane, least in (("original", 200), ("difference", 200), ("swipe", 200), ("latitude", 10)):
        until_it_is_drawn(page, pane, least)
    assert page.locator('[data-key="compression"]').get_by_role("radio", name="16×", exact=True).is_checked()
    page.get_by_role("radio", name="64×", exact=True).check(force=True)
    second = until_it_changes(page, "rmse", first)
    assert float(second.split()[0]) > float(first.split()[0]) and said(page, "floats") == "64×"
    page.get_by_role("button", name="Next time").click()
    until_it_changes(page, "rmse", second)
    assert "2009-08" in said(page, "when")
    if name == "plain.ipynb":
        error = page.locator(".jp-OutputArea-output[data-mime-type*=error], .jp-RenderedText").last
        error.scroll_into_view_if_needed()
        assert (
            error.inner_text().strip()
            == "UserError: CompressPage was given ratio=5, which is not 4, 16, 64 or 256."
        )
    context.close()
    assert not abroad, f"requests that left this machine: {abroad}"
