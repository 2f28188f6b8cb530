"""Parts of an archive by processes of this machine, or of a Dask cluster."""

from __future__ import annotations

__all__ = ["by_cluster", "by_processes"]

import multiprocessing
import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from fsae_core.codec.forkserver import FORKS, get_ready
from fsae_core.codec.part_work import work_on
from fsae_core.codec.plan import Part
from fsae_core.errors import UserError, short_reason

_AHEAD = 2  # parts that wait for each worker
_FOR_WORKERS_S = 60
_TO_END_S = 5
_TO_CONNECT_S = 10


def by_processes(work: Path, plan_text: str, parts: list[Part], workers: int) -> Iterator[int]:
    """Make parts in so many processes; gives the index of each as it is done.

    Raises what a part raises, and UserError when a process dies.
    """
    threads = max(1, (os.cpu_count() or 1) // workers)
    get_ready()
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("forkserver" if FORKS else "spawn"),
        initializer=_begin,
        initargs=(threads,),
    )
    waiting: set[Any] = set()
    todo = iter(parts)
    try:
        while True:
            while len(waiting) < _AHEAD * workers and (part := next(todo, None)) is not None:
                waiting.add(pool.submit(work_on, str(work), plan_text, part))
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    except BrokenProcessPool as error:
        raise UserError(
            "A worker died, perhaps for want of memory: run the command again, with fewer workers if need "
            "be; what is done is kept."
        ) from error
    finally:
        for future in waiting:
            future.cancel()
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        if waiting:  # nobody needs what they are at; idle ones end by themselves
            for process in processes:
                process.terminate()
        for process in processes:  # whoever comes next finds the cores and the memory free
            process.join(_TO_END_S)


def _begin(threads: int) -> None:
    """A worker ends with the process that started it, however that one ends, and computes by its share."""
    import gc
    import signal

    import torch

    gc.freeze()
    gc.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the first process tells us what to do
    torch.set_num_threads(threads)
    threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def by_cluster(work: Path, plan_text: str, parts: list[Part], address: str) -> Iterator[int]:
    """Make parts on the workers of a Dask scheduler, which must see the same files; gives indices as done.

    Raises UserError where `distributed` is missing, the scheduler cannot be reached or its workers fail.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise UserError(
            f"The scheduler {address} was asked for, but the package distributed is not installed: "
            "pip install distributed, or use --workers."
        ) from error
    try:
        client = Client(address, timeout=f"{_TO_CONNECT_S}s", set_as_default=False)
    except Exception as error:  # OSError, ValueError, comm errors: whatever the address suffers from
        raise UserError(
            f"The scheduler {address} cannot be reached ({short_reason(error)}): start one with `dask "
            "scheduler` and give the address that it prints."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_FOR_WORKERS_S)
            ahead = _AHEAD * sum(client.nthreads().values())
            todo = iter(parts)
            running: Any = as_completed(loop=client.loop)
            for part in _some(todo, ahead):
                running.add(client.submit(work_on, str(work), plan_text, part, pure=False))
            for future in running:
                yield int(future.result())
                for part in _some(todo, 1):
                    running.add(client.submit(work_on, str(work), plan_text, part, pure=False))
        except UserError:
            raise
        except Exception as error:  # what a cluster raises on lost workers, timeouts, missing packages
            raise UserError(
                f"The cluster at {address} failed ({short_reason(error)}): see to its workers and run the "
                "command again; what is done is kept."
            ) from error


def _some(todo: Iterator[Part], most: int) -> Iterable[Part]:
    for _ in range(most):
        part = next(todo, None)
        if part is None:
            return
        yield part
