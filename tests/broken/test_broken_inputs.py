"""Broken files of every kind: one sentence or a sound result, soon, and in bounded memory."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from broken_corpus import corpus

SECONDS, MEGABYTES = 10, 1500
"""Of CPU time and of memory that no case may exceed."""
FAMILIES = (
    "netcdf3", "netcdf4", "grib", "zarr2", "zarr3", "archive", "archive zip", "store", "store zip",
    "adaptive store", "weights", "hostile zarr", "hostile netcdf", "edited archive", "edited zarr3",
    "edited store", "absurd", "zip", "odd",
)  # fmt: skip
REPOSITORY = Path(__file__).resolve().parents[2]


def command(family: str, path: Path, sound: Path) -> list[str]:
    """What a user would try with such a file."""
    if family == "weights":
        return ["compress", str(sound), "out.zarr", "--ratio", "16", "--model", str(path)]
    if "store" in family or path.name.startswith("claims"):
        return ["decompress", str(path), "out.zarr"]
    return ["prepare", str(path), "out.zarr", "--zoom", "2"]


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> list[tuple[str, str, dict]]:
    """Of all cases: family, what is wrong, and what came of it."""
    folder = tmp_path_factory.mktemp("corpus")
    cases = corpus(folder)
    commands = [command(family, path, folder / "sound" / "archive.zarr") for family, _, path in cases]
    commands += [["info", str(path)] for _, _, path in cases[::11]]
    cases += cases[::11]
    ok = folder / "sound"
    sound = [
        command(p.name, p, ok / "archive.zarr") for p in sorted(ok.iterdir()) if p.suffix != ".safetensors"
    ]
    (folder / "cases.json").write_text(json.dumps({"sound": sound, "broken": commands}))
    paths = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("broken_runner.py")), "cases.json", "results.json",
         str(SECONDS), str(MEGABYTES)],
        cwd=folder, env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    results = [json.loads(line) for line in (folder / "results.json").read_text().splitlines()]
    cpu = sum(r["cpu"] for r in results)
    print(f"{len(results)} runs, {cpu:.0f} CPU seconds, {time.monotonic() - started:.0f} s, "
          f"most {max(r['megabytes'] for r in results):.0f} MB")  # fmt: skip
    return [(family, wrong, result) for (family, wrong, _), result in zip(cases, results, strict=True)]


def test_there_are_three_hundred(answers):
    count = Counter(family for family, _, _ in answers)
    assert len(answers) > 300 and set(count) == set(FAMILIES), count


def fault(result: dict) -> str | None:
    """What a user must not meet."""
    lines = [line for line in result["said"].splitlines() if line.strip()]
    if result["code"] not in (0, 2):
        return f"code {result['code']}: {result['said'][-700:]}"
    if "Traceback" in result["said"]:
        return f"a traceback: {result['said'][-700:]}"
    complaints = [line for line in lines if line.startswith("fsae: ")]
    if result["code"] == 2 and (len(complaints) != 1 or len(complaints[0]) > 1000):
        return f"no single sentence: {result['said'][-700:]}"
    if result["cpu"] > SECONDS or result["megabytes"] > MEGABYTES:
        return f"{result['cpu']:.1f} s, {result['megabytes']:.0f} MB"
    return None


@pytest.mark.parametrize("family", FAMILIES)
def test_never_a_traceback_a_hang_or_a_flood(answers, family):
    faults = [f"{wrong}: {fault(r)}" for f, wrong, r in answers if f == family and fault(r)]
    assert not faults, "\n\n".join(faults)


def test_damage_is_seen_where_there_are_checksums(answers):
    """Nothing of a store, of which every part is checked, comes back changed without a word."""
    silent = [
        wrong
        for family, wrong, result in answers
        if family == "store" and result["code"] == 0 and not wrong.startswith(("zarr.json", "crs"))
    ]
    assert not [w for w in silent if "/c" in w], silent
