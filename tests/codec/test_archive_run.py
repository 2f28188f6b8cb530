"""Whole archives: the same bytes however they come about, and nothing half-written under the name."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.archive.reader import open_archive
from fsae_core.codec import archive_run
from fsae_core.codec.archive_run import compress_archive, unfinished
from fsae_core.codec.lock import owned
from fsae_core.codec.pipeline import compress, decompress
from fsae_core.codec.store import open_store, read_store, write_fields, write_store
from fsae_core.errors import UserError
from fsae_core.evaluate.metrics import max_error, rmse

FSAE = (sys.executable, "-c", "import sys; from fsae_core.cli import main; sys.exit(main())")


def long_archive(times: int = 300, members: int = 0, zoom: int = 4) -> xr.Dataset:
    """Waves that drift, with a little noise of the cell's own; months of days."""
    rng = np.random.default_rng(3)
    cells = 12 * 4**zoom
    dims = ("time", "member", "cell") if members else ("time", "cell")
    shape = (times, members, cells) if members else (times, cells)
    phase = np.arange(times).reshape(-1, *[1] * (len(shape) - 1)) / 30
    wave = np.sin(np.arange(cells) / cells * 12 + phase)
    values = 280 + 20 * wave + rng.standard_normal(shape)
    days = (np.datetime64("1979-01-01") + np.arange(times)).astype("datetime64[ns]")
    array = xr.DataArray(values.astype(np.float32), dims=dims, coords={"time": days})
    return canonical_dataset({"t2m": array}, {"source": "made by a test"})


def bytes_of(path: Path) -> dict[str, bytes]:
    if path.is_file():
        return {"": path.read_bytes()}
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("source") / "long.zarr"
    write_fields(long_archive(), path)
    return path


@pytest.mark.parametrize(
    "options",
    [{}, {"max_error": 2.0}, {"layers": True}],
    ids=["plain", "largest error", "layers"],
)
@pytest.mark.parametrize("name", ["s.zarr", "s.zip"])
def test_the_same_bytes_as_all_at_once(source, tmp_path, options, name):
    ds = open_archive(source)
    write_store(compress(ds, 16, **options), tmp_path / f"once-{name}")
    got = compress_archive(source, tmp_path / name, 16, **options)
    assert bytes_of(tmp_path / name) == bytes_of(tmp_path / f"once-{name}")
    assert got.parts == -(-300 // 64) and got.resumed == 0
    back = decompress(read_store(tmp_path / name))["t2m"].values
    assert got.errors["t2m"].rmse == pytest.approx(rmse(ds["t2m"].values, back), rel=1e-6)
    assert got.errors["t2m"].max_error == pytest.approx(max_error(ds["t2m"].values, back), rel=1e-6)
    if "max_error" in options:
        assert got.errors["t2m"].max_error <= 2
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, f"once-{name}"])


def test_members_and_single_fields(tmp_path):
    for ds in (long_archive(70, members=3), long_archive(1).isel(time=0, drop=True)):
        write_fields(ds, tmp_path / "in.zarr", overwrite=True)
        got = compress_archive(tmp_path / "in.zarr", tmp_path / "s.zarr", 16, overwrite=True)
        back = decompress(open_store(tmp_path / "s.zarr"))
        assert back["t2m"].dims == ds["t2m"].dims and back["t2m"].shape == ds["t2m"].shape
        assert got.errors["t2m"].rmse == pytest.approx(rmse(ds["t2m"].values, back["t2m"].values), rel=1e-5)
        assert got.errors["t2m"].rmse < 0.5 * float(ds["t2m"].std())


def test_processes_make_the_same_bytes(source, tmp_path):
    compress_archive(source, tmp_path / "one.zarr", 64)
    got = compress_archive(source, tmp_path / "two.zarr", 64, workers=2)
    assert bytes_of(tmp_path / "one.zarr") == bytes_of(tmp_path / "two.zarr") and got.parts == 5
    assert not multiprocessing.active_children()


def test_a_run_that_fails_keeps_what_is_done(source, tmp_path, monkeypatch):
    compress_archive(source, tmp_path / "whole.zarr", 64)
    made, real = [], archive_run.make_part

    def fails(work, plan, ds, coders, part):
        if len(made) == 3:
            raise OSError(28, "No space left on device")
        real(work, plan, ds, coders, part)
        made.append(part.index)

    monkeypatch.setattr(archive_run, "make_part", fails)
    with pytest.raises(OSError, match="No space"):
        compress_archive(source, tmp_path / "s.zarr", 64)
    assert [p.name for p in tmp_path.iterdir() if "s.zarr" in p.name] == ["s.zarr.partial"]
    with pytest.raises(UserError, match="half written by a run that was stopped"):
        open_store(tmp_path / "s.zarr.partial")
    told = unfinished(tmp_path / "s.zarr.partial")
    assert told == {"variables": ["t2m"], "parts_done": 3, "parts": 5, "source": str(source)}
    assert unfinished(tmp_path) is None
    with pytest.raises(UserError, match="unfinished run with another step: repeat that command"):
        compress_archive(source, tmp_path / "s.zarr", 64, step=0.5)
    # A chunk that was damaged meanwhile is not taken for a whole one.
    chunk = tmp_path / "s.zarr.partial" / "chunks" / "t2m" / "c" / "1" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-7])
    monkeypatch.undo()
    got = compress_archive(source, tmp_path / "s.zarr", 64)
    assert (got.parts, got.resumed) == (5, 2)
    assert bytes_of(tmp_path / "s.zarr") == bytes_of(tmp_path / "whole.zarr")


@pytest.mark.parametrize("name", ["s.zarr", "s.zip"])
@pytest.mark.parametrize("moves", range(5))
def test_stopped_while_it_is_put_together(source, tmp_path, monkeypatch, name, moves):
    """At every move of the end, as by kill -9: nothing after it happens."""
    compress_archive(source, tmp_path / f"whole-{name}", 64)
    (tmp_path / name).write_bytes(b"an older file") if name == "s.zip" else None
    real, count = os.replace, []

    class Killed(BaseException):
        pass

    def dies(a, b):
        if Path(b).name != "plan.json" and Path(a).parent.name != "drafts":
            count.append(b)
            if len(count) > moves:
                raise Killed
        real(a, b)

    monkeypatch.setattr(os, "replace", dies)
    killed = False
    try:
        compress_archive(source, tmp_path / name, 64, overwrite=True)
    except Killed:
        killed = True
    monkeypatch.undo()
    assert killed == (len(count) > moves)
    if killed:
        compress_archive(source, tmp_path / name, 64, overwrite=name == "s.zip" and moves == 0)
    assert bytes_of(tmp_path / name) == bytes_of(tmp_path / f"whole-{name}")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, f"whole-{name}"])


def test_two_runs_refuse_each_other(source, tmp_path):
    with owned(tmp_path / "s.zarr.partial"):
        with pytest.raises(UserError, match=rf"another run that is still at work \(process {os.getpid()} on"):
            compress_archive(source, tmp_path / "s.zarr", 64)
        with pytest.raises(UserError, match="another run that is still at work"):
            write_fields(long_archive(2), tmp_path / "s.zarr")
    assert compress_archive(source, tmp_path / "s.zarr", 64).parts == 5


def started(source: Path, target: Path, *options: str) -> subprocess.Popen:
    command = [*FSAE, "compress", str(source), str(target), "--ratio", "64", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def children_of(process: subprocess.Popen) -> list[int]:
    return [int(p) for p in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


@pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="needs /proc to see the workers of a process"
)
def test_killed_at_random_instants(tmp_path):
    """Real processes and kill -9: locks and workers die with their owner, and the bytes are those of a quiet
    run."""
    parts = 24
    write_fields(long_archive(64 * parts), tmp_path / "in.zarr")
    compress_archive(tmp_path / "in.zarr", tmp_path / "quiet.zarr", 64, check=False)
    target, work, random_ = tmp_path / "s.zarr", tmp_path / "s.zarr.partial", random.Random(1)

    def records() -> int:
        return len(list((work / "parts").glob("*.json")))

    done = [0]
    for options in ([], ["--workers", "2"]):
        process = started(tmp_path / "in.zarr", target, "--no-check", *options)
        enough = done[-1] + random_.randrange(2, 9)
        while records() < enough and process.poll() is None:
            time.sleep(0.002)
        workers = children_of(process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL and not target.exists()
        deadline = time.monotonic() + 60
        while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
        done.append(records())
    assert done == sorted(set(done)) and done[-1] < parts
    answer = started(tmp_path / "in.zarr", target, "--no-check", "--json")
    out, err = answer.communicate(timeout=300)
    assert answer.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["parts_resumed"] == done[-1]
    assert bytes_of(target) == bytes_of(tmp_path / "quiet.zarr") and not work.exists()


def test_a_cluster_makes_the_same_bytes(source, tmp_path):
    distributed = pytest.importorskip("distributed", reason="distributed absent: pip install distributed")
    compress_archive(source, tmp_path / "one.zarr", 64)
    options = {"processes": False, "protocol": "tcp://", "dashboard_address": None}
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, **options) as cluster:
        address = cluster.scheduler_address
        assert address.startswith("tcp://")
        got = compress_archive(source, tmp_path / "two.zarr", 64, scheduler=address)
        assert got.parts == 5 and bytes_of(tmp_path / "one.zarr") == bytes_of(tmp_path / "two.zarr")
        missing = tmp_path / "elsewhere.zarr"
        write_fields(long_archive(3).assign(t2m=lambda ds: ds["t2m"] * np.nan), missing)
        with pytest.raises(UserError, match="missing or infinite values"):
            compress_archive(missing, tmp_path / "three.zarr", 64, scheduler=address)


def test_a_scheduler_that_is_not_there(source, tmp_path):
    expected = "is not installed|cannot be reached"
    with pytest.raises(UserError, match=expected):
        compress_archive(source, tmp_path / "s.zarr", 64, scheduler="tcp://127.0.0.1:1")
    assert not list(tmp_path.iterdir())
