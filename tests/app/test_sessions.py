"""Visits leave nothing behind."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VISITS = 5
PATIENCE_S = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


@pytest.fixture(scope="module")
def server():
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(HERE / "session_server.py"), str(ROOT / "app" / "main.py"), str(port)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            get(f"http://localhost:{port}/live")
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < end, "the server did not start"
            time.sleep(0.2)
    yield f"http://localhost:{port}"
    process.terminate()
    process.wait(timeout=30)


def test_documents_do_not_pile_up(server):
    """The page of a visitor who has left is forgotten: after many visits no more are alive than before."""
    before = int(get(f"{server}/live"))
    for _ in range(VISITS):
        assert "Field-Space Explorer" in get(f"{server}/app")
    end = time.monotonic() + PATIENCE_S
    while (alive := int(get(f"{server}/live"))) > before and time.monotonic() < end:
        time.sleep(0.3)
    assert alive <= before
