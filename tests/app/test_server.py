"""The server's door: health, so many visitors and no more, who may connect, and what an address can reach."""

import asyncio
from collections.abc import Iterator
from urllib.parse import quote

import h5py
import pytest
from archive_samples import latlon
from running import ROOT, Server, get, running
from tornado.httpclient import HTTPClientError
from visiting import Visitor, awaited

from app.archive_choice import archive_or_first
from app.store import shipped_archives

PLACES = 3
RATIO = "Ratio, in numbers"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """As the Procfile serves it, with three places and logs in JSON."""
    small = {"FSAE_MAX_SESSIONS": str(PLACES), "FSAE_MAX_UPLOAD_MB": "1", "FSAE_LOG": "json"}
    options = ("--unused-session-lifetime", "300", "--check-unused-sessions", "200")
    with running(
        tmp_path_factory.mktemp("server"), "--address", "0.0.0.0", "--warm", *options, environment=small
    ) as server:
        server.wait()
        yield server


@pytest.fixture
def empty(server: Server) -> Server:
    """The same when nobody is there."""
    end = awaited(_until_empty(server))
    assert end == 0
    return server


async def _until_empty(server: Server) -> int:
    for _ in range(600):
        if not (found := server.health()["sessions"]):
            return 0
        await asyncio.sleep(0.2)
    return found


def test_health_says_how_it_is(empty: Server):
    said = empty.health()
    assert said["status"] == "ready" and said["max_sessions"] == PLACES
    assert said["sessions"] == said["jobs"] == 0 and said["uptime_seconds"] > 0 and said["version"]
    assert "documents" not in said
    assert get(f"{empty.url}/ready")[0] == 200


def test_a_visit_is_counted_and_a_control_works(empty: Server):
    async def visit() -> None:
        async with Visitor(f"{empty.url}/app?page=compress&method=block-mean") as visitor:
            assert empty.health()["sessions"] == 1
            await visitor.set(RATIO, value="16")
            await visitor.until(lambda: visitor.words["floats"] == "16×")
            await visitor.press("Save NetCDF")
            await visitor.until(lambda: bool(visitor.files))
            assert visitor.files[0].endswith(".nc")

    awaited(visit())


def test_who_comes_when_it_is_full_reads_a_sentence(empty: Server):
    async def visits() -> None:
        guests = [Visitor(f"{empty.url}/app?page=compress&method=block-mean") for _ in range(PLACES)]
        for guest in guests:
            await guest.fetch()
            await guest.connect()
        status, headers, body = get(f"{empty.url}/app")
        assert status == 503 and headers["Retry-After"] and b"All places on this server are taken" in body
        assert get(f"{empty.url}/app/autoload.js?bokeh-autoload-element=1")[0] == 503
        assert empty.health()["status"] == "full" and get(f"{empty.url}/ready")[0] == 503
        # A page whose session is forgotten would make one anew when it connects; those who are in stay.
        late = Visitor(f"{empty.url}/app?page=compress")
        late.html = guests[0].html.replace('"token":"', '"token":"e30')
        with pytest.raises(HTTPClientError, match="503"):
            await late.connect()
        await guests[0].set(RATIO, value="4")
        await guests[0].until(lambda: guests[0].words["floats"] == "4×")
        again = Visitor(f"{empty.url}/app")
        again.html = guests[1].html
        await again.connect()
        for guest in (*guests, again):
            guest.leave()

    awaited(visits())
    assert any(event["event"] == "refused" for event in empty.events())
    assert awaited(_until_empty(empty)) == 0
    assert get(f"{empty.url}/app")[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example.org", "http://localhost:1", "null"])
def test_pages_of_other_sites_cannot_connect(empty: Server, origin: str):
    async def visit() -> None:
        visitor = Visitor(f"{empty.url}/app", origin=origin)
        await visitor.fetch()
        with pytest.raises(HTTPClientError, match="403"):
            await visitor.connect()

    awaited(visit())


def test_answers_carry_headers_that_keep_pages_at_home(empty: Server):
    _, headers, _ = get(f"{empty.url}/app")
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'" and policy["object-src"] == "'none'"
    assert policy["connect-src"].split()[-2:] == [f"{s}://localhost:{empty.port}" for s in ("ws", "wss")]
    assert not any(word in policy["script-src"] for word in ("http", "*"))
    for path in ("/app", "/static/js/bokeh.min.js", "/health", "/absent"):
        assert get(empty.url + path)[1]["X-Content-Type-Options"] == "nosniff"


NAMES = (
    "/etc/passwd",
    "../../pyproject.toml",
    "file:///etc/passwd",
    "http://127.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "s3://bucket/x.zarr",
    "simplecache::http://127.0.0.1/x.nc",
    "gistemp",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_reaches_the_shipped_archives_alone(name: str):
    """No file is read and no other machine is asked, whatever an address says."""
    found, said = archive_or_first(name, {})
    assert found.name in {entry.name for entry in shipped_archives()}
    assert len(said) == 1 and "There is no shipped archive named" in said[0]


@pytest.mark.parametrize(
    ("page", "name"), list(zip(("compress", "compare", "zoom", "latent"), NAMES, strict=False))
)
def test_an_address_says_so_on_every_page(empty: Server, page: str, name: str):
    async def visit() -> None:
        async with Visitor(f"{empty.url}/app?page={page}&archive={quote(name, safe='')}") as visitor:
            await visitor.until(lambda: bool(visitor.toasts))
            assert "root:x:" not in visitor.html and "[build-system]" not in visitor.html
            said = visitor.toasts[0]
            assert name in said and ("choose one of" in said or "the one of amip is shown" in said), said

    awaited(visit())


@pytest.mark.parametrize(
    "path", ["/static/../../../etc/passwd", "/app/static/../main.py", "/components/../x"]
)
def test_paths_do_not_lead_out_of_the_shipped_scripts(empty: Server, path: str):
    import http.client

    connection = http.client.HTTPConnection("localhost", empty.port, timeout=60)
    for spelled in (path, path.replace("../", "..%2f"), path.replace("../", "%2e%2e/")):
        connection.request("GET", spelled)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status in (400, 403, 404) and b"root:" not in body and b"open_page" not in body


def test_uploads_are_bounded_and_self_contained(empty: Server, tmp_path):
    (tmp_path / "secret.bin").write_bytes(latlon()["t2m"].values.tobytes())
    with h5py.File(tmp_path / "sent.nc", "w") as file:
        like = latlon()["t2m"].values
        raw = [(str(tmp_path / "secret.bin"), 0, like.nbytes)]
        file.create_dataset("t2m", shape=like.shape, dtype=like.dtype, external=raw)
    good = (ROOT / "assets" / "archives" / "era5-week.zarr.zip").read_bytes()

    async def visit() -> None:
        async with Visitor(f"{empty.url}/app?page=compress&method=block-mean") as visitor:
            await visitor.upload("../../sent.nc", (tmp_path / "sent.nc").read_bytes())
            await visitor.until(lambda: len(visitor.toasts) == 1)
            assert "sent.nc takes t2m from another file" in visitor.toasts[0]
            await visitor.upload("mine.zarr.zip", good)
            await visitor.until(lambda: len(visitor.toasts) == 2)
            assert "at most 1 MB" in visitor.toasts[1]

    awaited(visit())
    sent = [event for event in empty.events() if event["event"] == "upload"]
    assert [event["file"] for event in sent] == ["sent.nc"]


def test_every_line_of_the_log_is_an_object_without_data(server: Server):
    events = server.events()
    assert {"visit", "visit ends", "job begins", "job done", "server starts"} <= {e["event"] for e in events}
    assert all({"time", "level", "event", "logger"} <= set(event) for event in events)
    assert all(len(event["session"]) == 8 for event in events if "session" in event)
    assert "fsae-" not in server.log and "UEsDB" not in server.log
