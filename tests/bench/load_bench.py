"""Fifty visitors for ten minutes, ten of whom do something: how fast it is answered, and what stays of them.

``pytest tests/bench/load_bench.py -s``; FSAE_LOAD_SECONDS shortens it. Visitors have real sessions: they take
the page, connect and pull the document as a browser does, and each leaves after some minutes and another
comes. An active one changes the ratio or the time every few seconds; an interaction ends when the new picture
and its numbers are there. The server's memory is read every two seconds; its slope is that of a straight line
through the second half, with an error that counts neighbouring values as far as they are independent.
"""

import asyncio
import os
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from running import Server, running
from tornado.httpclient import AsyncHTTPClient
from visiting import Visitor, awaited

SECONDS = float(os.environ.get("FSAE_LOAD_SECONDS", "600"))
VISITORS, ACTIVE = 50, 10
STAY_S, THINK_S = 180.0, 3.0
RATIOS = ("4", "16", "64", "256")
REACH_MS = 500.0


@dataclass
class Seen:
    """milliseconds of interactions and of pages; (time, megabytes) of the server."""

    answers: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    visits: int = 0


async def interaction(visitor: Visitor, rng: random.Random) -> float:
    """Milliseconds from a change of a control to its picture."""
    before = dict(visitor.words)
    keys, control, values = ("floats",), "Ratio, in numbers", {"value": rng.choice(RATIOS)}
    if rng.random() < 0.5:
        keys, control, values = ("when",), "Time", {"value": rng.randrange(24)}
    known = visitor.value(control)
    while values["value"] == known:
        values = {"value": rng.choice(RATIOS) if control != "Time" else rng.randrange(24)}
    began = time.perf_counter()
    await visitor.set(control, **values)
    await visitor.until(lambda: any(visitor.words[key] != before[key] for key in keys))
    return 1e3 * (time.perf_counter() - began)


async def slot(url: str, active: bool, end: float, stay: float, seen: Seen, rng: random.Random) -> None:
    """One place: a visitor after the other."""
    await asyncio.sleep(rng.uniform(0, min(20.0, (end - time.monotonic()) / 4)))
    while time.monotonic() < end:
        began = time.perf_counter()
        async with Visitor(url) as visitor:
            seen.pages.append(1e3 * (time.perf_counter() - began))
            seen.visits += 1
            leaves = min(end, time.monotonic() + rng.uniform(0.5, 1.5) * stay)
            while True:
                await asyncio.sleep(min(rng.expovariate(1 / THINK_S), max(leaves - time.monotonic(), 0.1)))
                if active:
                    seen.answers.append(await interaction(visitor, rng))
                if time.monotonic() >= leaves:
                    break


async def watch(pid: int, end: float, seen: Seen) -> None:
    began = time.monotonic()
    while time.monotonic() < end:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        seen.memory.append((time.monotonic() - began, pages * os.sysconf("SC_PAGE_SIZE") / 1e6))
        await asyncio.sleep(2)


async def load(server: Server, visitors: int, active: int, seconds: float, stay: float) -> Seen:
    AsyncHTTPClient.configure(None, max_clients=2 * visitors)
    seen, end = Seen(), time.monotonic() + seconds
    places = [
        slot(f"{server.url}/app?page=compress", i < active, end, stay, seen, random.Random(i))
        for i in range(visitors)
    ]
    await asyncio.gather(watch(server.process.pid, end, seen), *places)
    return seen


def left_over(server: Server, before: int) -> int:
    """Documents that are alive when all have left; it waits for the server to forget them."""
    end = time.monotonic() + 240
    while (said := server.health())["sessions"] or said["documents"] > before:
        if time.monotonic() > end:
            break
        time.sleep(1)
    return said["documents"]


def slope(times: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """MB a minute and its error at 95 %, from values whose neighbours go together."""
    x, y = times - times.mean(), values - values.mean()
    rate = (x @ y) / (x @ x)
    rest = y - rate * x
    together = float(np.clip((rest[1:] @ rest[:-1]) / max(rest @ rest, 1e-12), 0.0, 0.99))
    independent = max(3.0, len(x) * (1 - together) / (1 + together))
    error = np.sqrt((rest @ rest) / ((independent - 2) * (x @ x)))
    return 60 * rate, 60 * 1.96 * float(error)


def serve(folder: Path):
    options = ("--warm", "--unused-session-lifetime", "3000", "--check-unused-sessions", "2000")
    return running(folder, *options, environment={"FSAE_HEALTH_DETAIL": "1"})


def run(folder: Path, visitors: int, active: int, seconds: float, stay: float) -> tuple[Seen, int, int]:
    """(what was seen, documents before, documents when all have left)."""
    with serve(folder) as server:
        server.wait()
        awaited(load(server, 1, 1, 3.0, stay))
        before = quiet(server)
        seen = awaited(load(server, visitors, active, seconds, stay))
        return seen, before, left_over(server, before)


def quiet(server: Server) -> int:
    """Documents when nobody is there."""
    while server.health()["sessions"]:
        time.sleep(0.5)
    return server.health()["documents"]


@pytest.mark.bench
def test_fifty_visitors_for_ten_minutes(tmp_path: Path):
    load_before = os.getloadavg()[0]
    seen, before, after = run(tmp_path, VISITORS, ACTIVE, SECONDS, STAY_S)
    times, megabytes = np.array(seen.memory).T
    half = times > times[-1] / 2
    rate, error = slope(times[half], megabytes[half])
    answers, pages = np.array(seen.answers), np.array(seen.pages)
    print()
    print(f"load {load_before:.1f} before, {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores")
    print(f"{VISITORS} visitors, {ACTIVE} of them active, for {SECONDS:.0f} s: {seen.visits} visits")
    print(f"page and document: p50 {np.median(pages):.0f} ms, p95 {np.percentile(pages, 95):.0f} ms")
    print(f"documents: {before} before, {after} when all have left")
    print(f"memory: {megabytes[half].mean():.0f} MB, slope {rate:+.2f} +- {error:.2f} MB a minute")
    p50, p95 = np.percentile(answers, (50, 95))
    print(f"{answers.size} interactions: p50 {p50:.0f} ms, p95 {p95:.0f} ms (reach {REACH_MS:.0f} ms)")
    assert after <= before


@pytest.mark.bench
@pytest.mark.quick
def test_some_visitors_leave_nothing(tmp_path: Path):
    seen, before, after = run(tmp_path, 6, 2, 20.0, 8.0)
    print(
        f"\n{seen.visits} visits, {len(seen.answers)} interactions, documents {before} before, {after} after"
    )
    assert seen.answers and seen.visits >= 6
    assert after <= before
