"""Processor times of the sphere, one thread: `pytest -s tests/bench/sphere_bench.py`; figure printed last."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from fsae_core.sphere import healpix, regrid
from fsae_core.sphere.overlap import overlap_weights
from fsae_core.sphere.pyramid import prolong, restrict
from fsae_core.sphere.regrid import LatLonGrid

pytestmark = pytest.mark.bench

ONE_DEGREE = LatLonGrid(np.arange(360.0), np.arange(90.0, -91.0, -1.0))
QUARTER_DEGREE = LatLonGrid(np.arange(0, 360, 0.25), np.linspace(90, -90, 721))


def milliseconds(work: Callable[[], object], runs: int = 7) -> float:
    """Median of the processor time of `runs` runs after a first one."""
    work()
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1e3 * float(np.median(times))


def test_sphere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regrid, "cache_dir", lambda: tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for zoom, levels, batch in ((3, 3, 8), (4, 2, 8), (5, 1, 8), (6, 1, 8), (6, 2, 1)):
            x = torch.randn(batch, healpix.n_cells(zoom), requires_grad=True)
            fine = prolong(x, levels)
            g = torch.randn_like(fine)
            forward = milliseconds(lambda x=x, k=levels: prolong(x, k))
            backward = milliseconds(lambda f=fine, g=g: f.backward(g, retain_graph=True))
            means = milliseconds(lambda g=g, k=levels: restrict(g, k))
            print(
                f"prolong zoom {zoom} -> {zoom + levels}, batch {batch}: {forward:.2f} ms forward, "
                f"{backward:.2f} ms backward; restrict {means:.2f} ms"
            )
    finally:
        torch.set_num_threads(threads)
    times = {}
    for name, grid, zoom in (("1 degree", ONE_DEGREE, 6), ("0.25 degree", QUARTER_DEGREE, 8)):
        for table in (healpix.cell_centres, healpix.ring_table):
            table.cache_clear()
        start = time.process_time()
        weights = overlap_weights(grid, zoom)
        times[name] = time.process_time() - start
        regrid.regrid_weights(grid, zoom)
        fields = np.zeros((16, *grid.shape), dtype=np.float32)
        apply = milliseconds(lambda f=fields, g=grid, z=zoom: regrid.regrid(f, g, z), runs=3) / 16
        start = time.process_time()
        regrid.regrid_weights(grid, zoom, "bilinear")
        bilinear = time.process_time() - start
        print(
            f"{name} to zoom {zoom}: conservative weights {times[name]:.2f} s ({weights.nnz / 1e6:.2f} "
            f"million), bilinear {bilinear:.2f} s; applied {apply:.2f} ms a field"
        )
    assert times["1 degree"] < 2.0 and times["0.25 degree"] < 10.0
    print(f"conservative weights of 721 x 1440 to zoom 8: {times['0.25 degree']:.2f} s (limit 10)")
