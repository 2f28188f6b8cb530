"""Cached weights: used again, built again when damaged, never in the way."""

from pathlib import Path

import numpy as np
import pytest

from fsae_core.sphere import regrid
from fsae_core.sphere.regrid import LatLonGrid, regrid_weights

BOXES = LatLonGrid(np.arange(-177.5, 180, 5.0), np.arange(-87.5, 90, 5.0))
NODES = LatLonGrid(np.arange(0, 360, 5.0), np.arange(90, -91, -5.0))


def test_the_cache_is_used_and_survives_damage(cold_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    want = regrid_weights(BOXES, 2).toarray()
    (path,) = (cold_cache / "regrid").iterdir()
    assert path.suffix == ".npz"
    sound = path.read_bytes()

    def refuse(*_: object) -> None:
        raise AssertionError("built although it was in the cache")

    with monkeypatch.context() as patch:
        patch.setattr(regrid, "overlap_weights", refuse)
        regrid._weights.cache_clear()
        np.testing.assert_array_equal(regrid_weights(BOXES, 2).toarray(), want)
    middle = len(sound) // 2
    flipped = sound[:middle] + bytes([sound[middle] ^ 8]) + sound[middle + 1 :]
    for broken in (b"", b"nonsense", sound[:middle], sound[:-7], flipped):
        path.write_bytes(broken)
        regrid._weights.cache_clear()
        np.testing.assert_array_equal(regrid_weights(BOXES, 2).toarray(), want)
        assert path.read_bytes() == sound, "the damaged file was replaced"
    assert [p.name for p in (cold_cache / "regrid").iterdir()] == [path.name], "no temporary file is left"


def test_each_combination_has_its_own_file(cold_cache: Path) -> None:
    for of in (BOXES, NODES):
        for zoom in (1, 2):
            for method in ("conservative", "bilinear"):
                regrid_weights(of, zoom, method)
    assert len(list((cold_cache / "regrid").iterdir())) == 8


def test_a_cache_that_cannot_be_written_only_costs_time(cold_cache: Path) -> None:
    (cold_cache / "regrid").write_text("a file where the folder should be")
    out = regrid.regrid(np.ones((36, 72)), BOXES, 1)
    np.testing.assert_allclose(out, 1.0)
