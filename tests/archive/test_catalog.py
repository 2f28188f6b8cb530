"""The catalogue: three shipped archives that open, and remote ones that say in a sentence when they cannot
be had."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fsae_core.archive.remote as remote
from fsae_core.archive.canonical import data_names, zoom_of_dataset
from fsae_core.archive.catalog import catalog, entry, open_catalogued
from fsae_core.archive.reader import open_archive
from fsae_core.errors import UserError

SHIPPED = ("era5-week", "amip", "amip-hr")
REMOTE = ("gistemp", "ncep-monthly", "era5-arco")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No name resolves, no connection opens, the cache is empty."""

    def blocked(*_: object, **__: object) -> None:
        raise OSError("network is blocked")

    monkeypatch.setattr(socket, "getaddrinfo", blocked)
    monkeypatch.setattr(socket.socket, "connect", blocked)
    monkeypatch.setattr(remote, "cache_dir", lambda: tmp_path)


def test_what_it_lists() -> None:
    entries = catalog()
    assert tuple(e.name for e in entries) == SHIPPED + REMOTE
    for e in entries:
        assert e.title and e.attribution and e.licence and e.times and e.variables
        assert e.shipped == (e.url is None) == (e.size_bytes is not None)
        assert e.simulated == e.name.startswith("amip")
        if e.simulated:
            assert "not an observation, not a forecast" in e.attribution
            assert "imulated" in e.title


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_archives(name: str) -> None:
    said, dataset = entry(name), open_archive(name)
    assert said.size_bytes is not None and said.size_bytes < 12_500_000
    assert data_names(dataset) == said.variables
    assert zoom_of_dataset(dataset) == said.zoom
    assert f"{dataset.sizes['time']} " in said.times
    assert str(dataset["time"].values[0])[:7] in said.times.replace("of 2008", "2008-01")
    for variable in said.variables:
        assert np.isfinite(dataset[variable].values).all()
    assert dataset.attrs["fsae_name"] == name
    assert dataset.attrs["licence"] == "CC-BY 4.0"
    for key in ("title", "source", "references", "comment", "history", "institution"):
        assert dataset.attrs[key]
    if said.simulated:
        assert dataset.attrs["fsae_simulated"] == 1
        assert dataset.attrs["fsae_climatology"] == "amip"
        for text in (dataset.attrs["title"], dataset.attrs["comment"]):
            assert "SIMULATED by SPEEDY/JAX-GCM: not an observation, not a forecast" in text
    else:
        assert "Copernicus" in dataset.attrs["comment"]


def test_what_the_fields_look_like() -> None:
    era5 = open_catalogued("era5-week")
    assert 285 < era5["t2m"].mean() < 290
    assert 100_500 < era5["msl"].mean() < 101_500
    assert 1.5 < era5["tp"].mean() < 3.5
    assert era5["tp"].min() == 0
    assert 8 < np.hypot(era5["u10"], era5["v10"]).max() < 45
    amip = open_catalogued("amip")
    assert 5300 < amip["z500"].mean() < 5800
    warmer = (
        amip["t2m"].sel(time=slice("2004", "2013")).mean()
        - amip["t2m"].sel(time=slice("1979", "1988")).mean()
    )
    assert 0.1 < warmer < 1.5


def test_unknown_names() -> None:
    with pytest.raises(UserError, match=r"no archive named 'era6'.*era5-week"):
        entry("era6")


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", REMOTE)
def test_offline_is_said_in_one_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        open_archive(name)
    message = str(caught.value)
    assert name in message
    assert "could not be reached" in message
    assert "era5-week, amip, amip-hr" in message
    assert "\n" not in message
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]
    if name != "era5-arco":
        with pytest.raises(UserError, match="could not be reached"):
            remote.size_of(name)


@pytest.mark.usefixtures("offline")
def test_shipped_archives_need_no_network() -> None:
    for name in SHIPPED:
        assert remote.size_of(name) == 0
        assert remote.fetch(name).is_file()


def test_the_size_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A local server stands for NASA's: the size is told before the first byte, the cache is used
    afterwards."""
    import gzip
    import http.server
    import threading
    from dataclasses import replace

    body = gzip.compress(b"CDF" + bytes(200_000), compresslevel=0)
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "grid.nc.gz").write_bytes(body)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(tmp_path / "www"))

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    local = replace(entry("gistemp"), url=f"http://127.0.0.1:{server.server_address[1]}/grid.nc.gz")
    monkeypatch.setattr(remote, "entry", lambda _: local)
    monkeypatch.setattr(remote, "cache_dir", lambda: tmp_path)
    told: list[tuple[int, int | None]] = []
    try:
        assert remote.size_of("gistemp") == len(body)
        path = remote.fetch("gistemp", lambda done, total: told.append((done, total)))
    finally:
        server.shutdown()
        server.server_close()
    assert path.read_bytes()[:3] == b"CDF" and path.name == "grid.nc"
    assert told[0] == (0, len(body))
    assert told[-1] == (len(body), len(body))
    assert remote.size_of("gistemp") == 0
    assert remote.fetch("gistemp") == path


def test_importing_the_catalogue_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: pytest.fail("a connection was opened"))
    assert len(catalog()) == 6
