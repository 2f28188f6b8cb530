"""A server of the app in a process of its own, for tests that look at it from outside."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 240
PANEL = (sys.executable, "-m", "panel")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def get(url: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    """(status, headers, body), also where the status is an error's."""
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@dataclass
class Server:
    """process: of its command; url: without a page; log: what it has written."""

    process: subprocess.Popen[bytes]
    port: int
    path: Path
    prefix: str = ""

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}{self.prefix}"

    @property
    def log(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def events(self) -> list[dict[str, Any]]:
        """The lines of a log in JSON; each must be one object."""
        return [json.loads(line) for line in self.log.splitlines() if line.strip()]

    def health(self, path: str = "/health") -> dict[str, Any]:
        return json.loads(get(self.url + path)[2])

    def wait(self, path: str = "/ready") -> None:
        """Until it answers 200 there."""
        end = time.monotonic() + PATIENCE_S
        while True:
            assert self.process.poll() is None, f"the server ended:\n{self.log}"
            assert time.monotonic() < end, f"the server is not ready:\n{self.log}"
            try:
                if get(self.url + path)[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.2)

    def stop(self, number: int = signal.SIGTERM, patience: float = 60) -> int:
        """Tell it to stop; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=patience)


@contextmanager
def running(
    folder: Path,
    *options: str,
    command: str | None = None,
    environment: Mapping[str, str | None] | None = None,
    prefix: str = "",
    before: tuple[str, ...] = (),
    cwd: Path = ROOT,
) -> Iterator[Server]:
    """`panel serve app/` with options, or a command as a shell takes it, until the end.

    environment: beside this process's own; None takes a variable away. before: what starts the command.
    """
    port = free_port()
    log = folder / f"server-{port}.log"
    env = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PORT": str(port),
        "PYTHONPATH": str(ROOT),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        **(environment or {}),
    }
    words = ["sh", "-c", command] if command else [*PANEL, "serve", "app/", "--port", str(port), *options]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*before, *words],
            cwd=cwd,
            env={name: value for name, value in env.items() if value is not None},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(process, port, log, prefix)
    try:
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # a group of its own: nobody else's
        process.wait(timeout=30)
