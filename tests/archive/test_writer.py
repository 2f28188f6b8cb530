"""Archives on disk: continued after a stop, packed within half a step, the same bytes each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from archive_samples import latlon

import fsae_core.archive.writer as writer
from fsae_core.archive.reader import open_archive
from fsae_core.archive.writer import Packing, write_archive, write_packed
from fsae_core.errors import UserError

ZOOM = 2


def _archive() -> xr.Dataset:
    times = np.arange(10).astype("datetime64[D]").astype("datetime64[ns]")
    return open_archive(latlon(12, 24, times=times), zoom=ZOOM)


def test_there_and_back(tmp_path: Path) -> None:
    archive = _archive()
    path = write_archive(archive, tmp_path / "a.zarr")
    xr.testing.assert_identical(open_archive(path).drop_attrs(), archive.drop_attrs())
    group = zarr.open_group(path, mode="r")
    assert group.metadata.zarr_format == 3
    assert open_archive(path)["t2m"].attrs == archive["t2m"].attrs


def test_a_stopped_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = _archive()
    monkeypatch.setattr(writer, "TARGET_CHUNK", 3 * 4 * archive.sizes["cell"])
    path = tmp_path / "a.zarr"

    def stops(blocks):
        for number, block in enumerate(blocks):
            if number == 2:
                raise KeyboardInterrupt
            yield block

    with pytest.raises(KeyboardInterrupt):
        write_archive(archive, path, progress=stops)
    with pytest.warns(UserWarning, match=r"half written \(6 of 10 times"):
        part = open_archive(path)
    assert np.array_equal(part["t2m"].values, archive["t2m"].values[:6])
    seen: list[int] = []
    write_archive(archive, path, progress=lambda blocks: (seen.append(b) or b for b in blocks))
    assert seen == [6, 9]
    assert np.array_equal(open_archive(path)["t2m"].values, archive["t2m"].values)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


def test_lazy_fields_are_written_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = _archive()
    monkeypatch.setattr("fsae_core.archive.reader.LAZY_ABOVE", 1000)
    monkeypatch.setattr(writer, "TARGET_CHUNK", 3 * 4 * archive.sizes["cell"])
    lazy = _archive()
    assert lazy["t2m"].chunks is not None
    path = write_archive(lazy, tmp_path / "a.zarr")
    assert open_archive(path)["t2m"].values == pytest.approx(archive["t2m"].values, rel=1e-6)


def test_another_archive_is_not_written_over(tmp_path: Path) -> None:
    path = write_archive(_archive(), tmp_path / "a.zarr")
    with pytest.raises(UserError, match="holds something else"):
        write_archive(_archive().isel(time=slice(0, 5)), path)


def test_packed_zip(tmp_path: Path) -> None:
    archive = _archive()
    packing = {"t2m": Packing(0.01, 273.15)}
    size = write_packed(archive, tmp_path / "a.zarr.zip", packing)
    assert size == (tmp_path / "a.zarr.zip").stat().st_size
    again = open_archive(tmp_path / "a.zarr.zip")
    assert np.abs(again["t2m"].values - archive["t2m"].values).max() <= 0.00502
    assert again.attrs == archive.attrs
    write_packed(archive, tmp_path / "b.zarr.zip", packing)
    assert (tmp_path / "a.zarr.zip").read_bytes() == (tmp_path / "b.zarr.zip").read_bytes()


def test_values_outside_the_packing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="outside its packing"):
        write_packed(_archive(), tmp_path / "a.zarr.zip", {"t2m": Packing(1e-4)})
