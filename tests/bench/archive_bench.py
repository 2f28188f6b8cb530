"""A long archive at zoom 6: memory, workers, and kill -9 at random instants.

20 000 times are 3.9 GB of float32 (ARCHIVE_BENCH_TIMES takes fewer). The fields are made of ERA5's week, each
drifting a little, so that they are like weather and no two are the same. Beside the seconds stand those of
the processors and the load of the machine, without which they say little.
"""

import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from fsae_core.archive.canonical import canonical_dataset
from fsae_core.archive.reader import open_archive
from fsae_core.archive.writer import write_archive

pytestmark = [pytest.mark.bench]

TIMES = int(os.environ.get("ARCHIVE_BENCH_TIMES", "20000"))
KILLS, REPEATS = 20, 2
FSAE = (sys.executable, "-c", "import sys; from fsae_core.cli import main; sys.exit(main())")


def synthetic(times: int) -> xr.Dataset:
    base = open_archive("era5-week", variables="t2m")["t2m"].values
    step = 40

    def block(index):
        i = index.ravel()
        return base[i % len(base)] + (3 * np.sin(i / 50))[:, None].astype(np.float32)

    index = da.arange(times, chunks=step)[:, None]
    values = da.map_blocks(block, index, dtype=np.float32, chunks=(index.chunks[0], (base.shape[1],)))
    days = (np.datetime64("1960-01-01") + np.arange(times)).astype("datetime64[ns]")
    array = xr.DataArray(values, dims=("time", "cell"), coords={"time": days}, attrs={"units": "K"})
    return canonical_dataset({"t2m": array}, {"source": "ERA5's week, drifting: made for a bench"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("long")
    write_archive(synthetic(TIMES), path / "in.zarr")
    return path


def started(folder: Path, target: str, *options: str, cores: int = 0) -> subprocess.Popen:
    """cores: that it may use, 0 for all."""
    command = [*FSAE, "compress", "in.zarr", target, "--ratio", "64", "--no-check", *options]
    few = (lambda: os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:cores])) if cores else None
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=folder, preexec_fn=few, stdout=quiet, stderr=quiet)


def own_megabytes(pid: int) -> float:
    """Memory of a process and its children; what they share is counted once."""
    total = 0.0
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total = int(line.split()[1]) / 1024
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return total
    return total + sum(own_megabytes(int(child)) for child in children)


def spent() -> float:
    """CPU seconds of all processes that we started and that have ended, with those that they started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def watched(process: subprocess.Popen) -> tuple[float, float, list[float]]:
    """Wall and CPU seconds of a run, and its memory over time."""
    begun, before, seen = time.monotonic(), spent(), []
    while process.poll() is None:
        seen.append(own_megabytes(process.pid))
        time.sleep(0.5)
    assert process.returncode == 0
    return time.monotonic() - begun, spent() - before, seen


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def digest(path: Path) -> str:
    whole = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        whole.update(file.relative_to(path).as_posix().encode() + file.read_bytes())
    return whole.hexdigest()


def test_memory_is_flat_and_kills_change_nothing(folder):
    seconds, cpu, seen = watched(started(folder, "quiet.zarr"))
    third = max(1, len(seen) // 3)
    second, last = max(seen[third : 2 * third]), max(seen[2 * third :])
    print(
        f"\n{TIMES} times, one process: {seconds:.0f} s ({load()}), {cpu:.0f} of CPU, "
        f"{TIMES * 0.1966 / cpu:.0f} MB/s of CPU time; memory at most {max(seen):.0f} MB (second third "
        f"{second:.0f}, last {last:.0f})"
    )
    assert max(seen) < 1500
    random_, parts, kills = random.Random(0), folder / "killed.zarr.partial" / "parts", 0
    share = -(-TIMES // 64) / (KILLS + 1)
    while kills < KILLS:
        process = started(folder, "killed.zarr", *(("--workers", "2") if kills % 2 else ()))
        enough = int(share * (kills + random_.random()))
        while process.poll() is None and (not parts.is_dir() or len(os.listdir(parts)) <= enough):
            time.sleep(0.01)
        time.sleep(0.2 * random_.random())
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        done = len(os.listdir(parts)) if parts.is_dir() else -1
        workers = 1 if kills % 2 else 2
        print(f"kill {kills}, of {workers}: {done} parts done", time.strftime("%H:%M:%S"), flush=True)
        if (folder / "killed.zarr").exists():
            break
    if not (folder / "killed.zarr").exists():
        watched(started(folder, "killed.zarr"))
    same = digest(folder / "killed.zarr") == digest(folder / "quiet.zarr")
    print(f"killed {kills} times: bytes {'identical' if same else 'DIFFERENT'}")
    assert same


def test_two_workers(folder):
    """One worker has all cores to itself: it reads and multiplies in threads. So two are set beside one on a
    single core, and beside one as it runs by itself."""
    runs = {"one worker on one core": (1, 1), "two workers": (2, 0), "one worker": (1, 0)}
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(REPEATS):
        for place, (name, (workers, cores)) in enumerate(runs.items()):
            target = f"{place}-{turn}.zarr"
            wall, cpu, seen = watched(started(folder, target, "--workers", str(workers), cores=cores))
            taken[name].append(wall)
            print(f"\n{name}: {wall:.1f} s ({load()}), {cpu:.1f} of CPU, at most {max(seen):.0f} MB together")
            assert digest(folder / target) == digest(folder / "0-0.zarr")
    core, two, one = (min(seconds) for seconds in taken.values())
    print(f"two workers are {core / two:.2f} times as fast as one core (reach 1.7), {one / two:.2f} as one")
