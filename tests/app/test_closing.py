"""A server that is told to stop says so, stops its work, leaves nothing behind and exits with 0."""

import asyncio
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from running import PATIENCE_S, Server, running
from visiting import Visitor, awaited

STUBBORN = f'exec "{sys.executable}" tests/app/stubborn_server.py $PORT'
CLOSING = "This server is being started anew"


def until(seen, server: Server) -> None:
    end = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < end and server.process.poll() is None, server.log
        time.sleep(0.05)


def long_file(path: Path, times: int = 3000) -> bytes:
    """A small file of many times: bringing all of them back takes several seconds on any machine."""
    lat, lon = np.linspace(-89, 89, 90), np.arange(0.0, 360.0, 2.0)
    zonal = (250 + 50 * np.cos(np.radians(lat))).astype(np.float32)
    data = np.broadcast_to(zonal[None, :, None], (times, lat.size, lon.size))
    units = {"units": "K", "standard_name": "air_temperature"}
    axes = {
        "time": np.datetime64("2000-01-01", "ns") + np.arange(times) * np.timedelta64(1, "D"),
        "lat": ("lat", lat, {"units": "degrees_north"}),
        "lon": ("lon", lon, {"units": "degrees_east"}),
    }
    packed = {"zlib": True, "chunksizes": (100, lat.size, lon.size)}
    xr.Dataset({"t2m": (("time", "lat", "lon"), data, units)}, axes).to_netcdf(path, encoding={"t2m": packed})
    return path.read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_visitors_are_told_and_work_is_stopped(tmp_path: Path, number: int):
    """With a real job: all times of a long file are compressed, brought back and written."""
    body = long_file(tmp_path / "long.nc")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    said = {"FSAE_LOG": "json", "TMPDIR": str(temporary)}
    with running(tmp_path, "--warm", environment=said) as server:
        server.wait()

        async def visit() -> Visitor:
            async with Visitor(
                f"{server.url}/app?page=compress&archive=amip&method=general&ratio=16"
            ) as visitor:
                await visitor.upload("long.nc", body)
                await visitor.until(lambda: "Your own file" in visitor.words["attribution"])
                await visitor.set("Times", value="all")
                await visitor.press("Save NetCDF")
                for _ in range(PATIENCE_S * 5):
                    if server.health()["jobs"]:
                        break
                    await asyncio.sleep(0.2)
                server.process.send_signal(number)
                await visitor.until(lambda: any(CLOSING in toast for toast in visitor.toasts))
            return visitor

        visitor = awaited(visit())
        assert server.process.wait(timeout=60) == 0
        events = {event["event"]: event for event in server.events()}
    assert events["server stops"]["jobs"] == 1 and events["server ends"]["jobs"] == 0
    assert "job stopped" in events and "Stopped." in visitor.toasts and not visitor.files
    assert list(temporary.glob("fsae-*")) == []


def test_work_that_does_not_stop_is_left_when_the_grace_is_over(tmp_path: Path):
    said = {"FSAE_GRACE_SECONDS": "1", "FSAE_LOG": "json"}
    with running(tmp_path, command=STUBBORN, environment=said) as server:
        server.wait("/health")
        assert server.health()["jobs"] == 1
        assert server.stop() == 0
        assert server.events()[-1]["event"] == "server ends" and server.events()[-1]["jobs"] == 1


def test_nobody_is_let_in_and_a_second_signal_ends_it_at_once(tmp_path: Path):
    said = {"FSAE_GRACE_SECONDS": "3000", "FSAE_LOG": "json"}
    with running(tmp_path, command=STUBBORN, environment=said) as server:
        server.wait("/health")
        server.process.send_signal(signal.SIGTERM)
        until(lambda: "server stops" in server.log, server)
        with pytest.raises(OSError):
            server.health()
        assert server.stop() == 128 + signal.SIGTERM


def test_a_signal_before_it_serves_ends_it(tmp_path: Path):
    with running(tmp_path, environment={"FSAE_LOG": "json"}) as server:
        time.sleep(0.3)
        code = server.stop()
    assert code in (0, -signal.SIGTERM), "0 once it has begun to read the app"
