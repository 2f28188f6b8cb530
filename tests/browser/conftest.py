"""A real server and a real Chromium; pages are watched for errors and for requests that go abroad."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 240
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HOME = {"localhost", "127.0.0.1", ""}


@pytest.fixture(scope="session")
def chromium() -> Iterator:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
    if not Path(path).exists():
        pytest.skip("there is no Chromium on this machine (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


@contextmanager
def served(*command: str, cold: bool = False) -> Iterator[str]:
    """Run a server until the end; its app's address. In the command "{port}" stands for the port.

    cold: nobody has visited it; otherwise it has made its first picture, which takes the longest.
    """
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, *(part.format(port=port) for part in command)],
        cwd=ROOT,
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests" / "app"))),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://localhost:{port}/app"
    end = time.monotonic() + PATIENCE_S
    try:
        while not (_listens(port) if cold else _has_a_picture(f"{url}?page=compress")):
            assert process.poll() is None and time.monotonic() < end, "the server did not start"
            time.sleep(0.3)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("localhost", port)) == 0


def _has_a_picture(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return b'class="still"' in answer.read()
    except OSError:
        return False


@pytest.fixture(scope="session")
def serve() -> Callable:
    """`served`, for tests that need a server of their own."""
    return served


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Address of the app, served as the README says."""
    with served("-m", "panel", "serve", "app/", "--port", "{port}") as url:
        yield url


@pytest.fixture(scope="session")
def several_pages() -> Iterator[str]:
    """Address of an app with one page more, `sample`."""
    with served("tests/browser/pages_server.py", "app/main.py", "{port}") as url:
        yield url


@pytest.fixture
def visit(chromium, server) -> Iterator[Callable]:
    """visit(query, **context options) -> a page with its first picture; watched until the test ends.

    base: another server's address.
    """
    contexts, errors, abroad = [], [], []

    def go(query: str = "", base: str = server, **options):
        context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on(
            "request",
            lambda request: (
                abroad.append(request.url) if (urlsplit(request.url).hostname or "") not in HOME else None
            ),
        )
        page.goto(f"{base}?{query}" if query else base)
        page.wait_for_selector("body[data-complete=true]")
        page.wait_for_function("document.querySelector('[data-text=title]').textContent !== ''")
        return page

    yield go
    for context in contexts:
        context.close()
    assert not abroad, f"requests that left this machine: {abroad}"
    assert not errors, errors
