"""The process that workers are split off from.

What they need of torch, xarray and the like is imported once, by a process without threads or locks; what
splits off from our own would own our lock and lack our threads. This module imports little, so that the other
process can begin before our own imports do.
"""

from __future__ import annotations

__all__ = ["FORKS", "get_ready"]

import multiprocessing

FORKS = "forkserver" in multiprocessing.get_all_start_methods()
"""Whether this system has such processes."""
_NEEDED = [
    "fsae_core.codec.forked",
    "fsae_core.archive.source",
    "fsae_core.codec.part_work",
    "fsae_core.model.checkpoint",
    "constriction",
    "zarr",
]


def get_ready() -> None:
    """Let what workers need be imported meanwhile; `workers.by_processes` is quicker then."""
    if FORKS:
        from multiprocessing import forkserver

        forkserver.set_forkserver_preload(_NEEDED)
        forkserver.ensure_running()
