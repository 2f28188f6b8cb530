"""The app as one deploys it: the Procfile's command, several processes, nginx in front; in Chromium."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from running import PATIENCE_S, ROOT, free_port, get, running

pytestmark = pytest.mark.browser
README = (ROOT / "README.md").read_text(encoding="utf-8")
QUERY = "page=compress&method=block-mean"


def try_it(page) -> None:
    """A control, a download and the way to another page work."""
    page.get_by_label("16×", exact=True).check(force=True)
    page.wait_for_function("document.querySelector('[data-text=floats]').textContent === '16×'")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save NetCDF").click()
    assert Path(download.value.path()).read_bytes()[:4] == b"\x89HDF"
    archive = ROOT / "assets" / "archives" / "amip-hr.zarr.zip"
    page.locator("input[type=file]").set_input_files(archive)
    page.wait_for_function(
        "document.querySelector('[data-text=attribution]').textContent.includes('Your own')"
    )


def test_the_procfile_works_as_it_is_written(tmp_path: Path, visit: Callable):
    kind, command = (ROOT / "Procfile").read_text(encoding="utf-8").strip().split(": ", 1)
    assert kind == "web"
    with running(tmp_path, command=f"exec {command}") as server:
        server.wait()
        page = visit(QUERY, base=f"{server.url}/app")
        try_it(page)
        page.get_by_role("navigation").get_by_role("link", name="Zoom").click()
        page.wait_for_url(re.compile("page=zoom"))
        page.wait_for_selector("body[data-ready=true]")
        server.process.send_signal(signal.SIGTERM)
        page.locator(".toast", has_text="This server is being started anew").wait_for()
        assert server.process.wait(timeout=60) == 0


def children(parent: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def turn(working: int, resting: int) -> None:
    """Of two processes one answers, the other does not."""
    os.kill(resting, signal.SIGSTOP)
    os.kill(working, signal.SIGCONT)


def test_a_page_is_gone_on_with_by_another_process(tmp_path: Path, chromium):
    """With --num-procs whoever is free answers: here the page comes from one, its connection goes to another.
    That one makes the session anew and has the whole of it from then on."""
    with running(tmp_path, "--num-procs", "2", environment={"FSAE_LOG": "json"}) as server:
        server.wait("/health")
        one, other = children(server.process.pid)
        for working, resting in ((one, other), (other, one)):
            turn(working, resting)
            server.wait()
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(PATIENCE_S * 1000)
        page = context.new_page()

        def cross(socket) -> None:
            turn(one, other)
            socket.connect_to_server()

        page.route_web_socket(re.compile("/ws"), cross)
        page.goto(f"{server.url}/app?{QUERY}")
        end = time.monotonic() + PATIENCE_S
        while "ServerConnection created" not in server.log:
            assert time.monotonic() < end
            page.wait_for_timeout(100)
        os.kill(other, signal.SIGCONT)
        page.wait_for_selector("body[data-complete=true]")
        try_it(page)
        context.close()
        visits = [event["session"] for event in server.events() if event["event"] == "visit"]
        assert len(visits) == 2 and len(set(visits)) == 1, "one session, made twice"
        assert server.stop() == 0 and children(server.process.pid) == []
        with pytest.raises(ProcessLookupError):
            os.kill(one, 0)


def configuration(folder: Path, port: int, server_ports: list[int]) -> Path:
    """The README's lines for nginx with other ports, for one who is not root, in a folder of their own."""
    block = re.search(r"```nginx\n(.*?)```", README, re.S)
    assert block is not None
    text = block[1].replace("listen 80;", f"listen 127.0.0.1:{port};")
    for said, ours in zip(re.findall(r"server (127\.0\.0\.1:\d+);", text), server_ports, strict=True):
        text = text.replace(f"server {said};", f"server 127.0.0.1:{ours};")
    kept = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = folder / "nginx.conf"
    user = "user root;\n" if os.getuid() == 0 else ""
    path.write_text(
        f"{user}daemon off;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{kept}{text}}}\n"
    )
    return path


@contextmanager
def nginx(folder: Path, port: int, server_ports: list[int]) -> Iterator[None]:
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        pytest.skip("there is no nginx on this machine (apt-get install nginx-light)")
    command = [
        program,
        "-e",
        "stderr",
        "-p",
        str(folder),
        "-c",
        str(configuration(folder, port, server_ports)),
    ]
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 30
        while True:
            assert process.poll() is None and time.monotonic() < end, (folder / "nginx.log").read_text()
            try:
                get(f"http://localhost:{port}/")
                break
            except OSError:
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_behind_nginx_below_a_prefix(tmp_path: Path, visit: Callable):
    port = free_port()
    options = ("--address", "127.0.0.1", "--prefix", "explorer")
    hosts = {"FSAE_HOSTS": f"localhost:{port}"}
    with (
        running(tmp_path, *options, environment=hosts, prefix="/explorer") as server,
        nginx(tmp_path, port, [server.port, server.port]),
    ):
        server.wait("/health")
        assert get(f"http://localhost:{port}/app")[0] == 404, "what is not below the prefix is not ours"
        page = visit(QUERY, base=f"http://localhost:{port}/explorer/app")
        try_it(page)
        link = page.get_by_role("navigation").get_by_role("link", name="Zoom")
        assert link.evaluate("a => new URL(a.href).pathname") == "/explorer/app"
        page.context.close()
        page = visit("", base=f"http://localhost:{port}/explorer/")
        assert page.url.startswith(f"http://localhost:{port}/explorer/app")
