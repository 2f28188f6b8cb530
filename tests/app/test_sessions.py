"""Visits leave nothing behind."""

import asyncio
import os
import re
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
        assert "Field-Space Explorer" in get(f"{server}/app?page=compress")
    end = time.monotonic() + PATIENCE_S
    while (alive := int(get(f"{server}/live"))) > before and time.monotonic() < end:
        time.sleep(0.3)
    assert alive <= before


async def pulled(url: str) -> str:
    """What a browser gets over its connection when the server knows nothing of its session."""
    from bokeh.protocol import Protocol
    from bokeh.util.token import generate_jwt_token, generate_session_id
    from tornado.websocket import websocket_connect

    token = generate_jwt_token(generate_session_id())
    connection = await websocket_connect(url.replace("http", "ws") + "/ws", subprotocols=["bokeh", token])
    for _ in range(3):  # a browser asks when its connection has been acknowledged
        assert await connection.read_message() is not None
    asked = Protocol().create("PULL-DOC-REQ")
    for frame in (asked.header_json, asked.metadata_json, asked.content_json):
        await connection.write_message(frame)
    said = ""
    while "ImportedStyleSheet" not in said:
        frame = await connection.read_message()
        assert frame is not None, "the connection was closed"
        said = frame if isinstance(frame, str) else ""
    connection.close()
    return said


def test_a_session_made_anew_asks_for_nothing_abroad(server):
    """A slow browser connects when its session is gone: the page is made again, without an HTML answer."""
    said = asyncio.run(pulled(f"{server}/app"))
    sheets = set(re.findall(r'"url":"([^"]+\.css[^"]*)"', said))
    assert sheets and not [url for url in sheets if url.startswith("http")]
