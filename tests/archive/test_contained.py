"""Files that would lead a reader to other files, or run code, are not opened."""

import json
import os
import pickle
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from archive_samples import latlon

from fsae_core.archive.contained import check_contained
from fsae_core.archive.reader import open_archive
from fsae_core.errors import UserError


@pytest.fixture
def secret(tmp_path: Path) -> np.ndarray:
    """Values in two files of the machine, as bytes and as HDF5."""
    values = latlon()["t2m"].values
    values.tofile(tmp_path / "secret.bin")
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["inner/t"] = values
    return values


def external(file: h5py.File, folder: Path, like: np.ndarray) -> None:
    raw = [(str(folder / "secret.bin"), 0, like.nbytes)]
    file.create_dataset("t2m", shape=like.shape, dtype=like.dtype, external=raw)


def virtual(file: h5py.File, folder: Path, like: np.ndarray) -> None:
    layout = h5py.VirtualLayout(shape=like.shape, dtype=like.dtype)
    layout[:] = h5py.VirtualSource(str(folder / "secret.h5"), "inner/t", shape=like.shape)
    file.create_virtual_dataset("t2m", layout)


def link(file: h5py.File, folder: Path, like: np.ndarray) -> None:
    file["t2m"] = h5py.ExternalLink(str(folder / "secret.h5"), "/inner/t")


def link_behind_a_link(file: h5py.File, folder: Path, like: np.ndarray) -> None:
    file["far"] = h5py.ExternalLink(str(folder / "secret.h5"), "/inner")
    file["t2m"] = h5py.SoftLink("/far/t")


@pytest.mark.parametrize("put", [external, virtual, link, link_behind_a_link])
@pytest.mark.parametrize("userblock", [0, 512])
def test_values_of_other_files_are_refused(put, userblock, secret, tmp_path):
    path = tmp_path / "sent.nc"
    plain = latlon()
    plain.drop_vars("t2m").to_netcdf(tmp_path / "frame.nc", engine="h5netcdf")
    with h5py.File(tmp_path / "frame.nc") as frame, h5py.File(path, "w", userblock_size=userblock) as file:
        for name in frame:
            frame.copy(name, file)
        put(file, tmp_path, secret)
    with pytest.raises(UserError, match=r"t2m|far") as said:
        check_contained(path, "sent.nc")
    assert "another file" in str(said.value) and str(tmp_path) not in str(said.value)


def test_what_holds_its_values_is_let_through(tmp_path):
    plain = latlon()
    plain.to_netcdf(tmp_path / "sent.nc")
    check_contained(tmp_path / "sent.nc", "sent.nc")


class Marker:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    "how",
    [
        {"dtype": "|O", "filters": [{"id": "vlen-utf8"}, {"id": "pickle", "protocol": 5}]},
        {"dtype": "|O", "filters": [{"id": "vlen-utf8"}], "compressor": {"id": "pickle", "protocol": 5}},
        {"dtype": "|O", "filters": [{"id": "pickle", "protocol": 5}]},
        {"dtype": "<f4", "filters": None, "compressor": {"id": "pickle", "protocol": 5}},
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_codecs_that_run_code_are_refused(how, tmp_path):
    path, mark = tmp_path / "sent.zarr.zip", tmp_path / "ran"
    shape = {"shape": [36, 72], "chunks": [36, 72], "fill_value": None, "order": "C", "compressor": None}
    with zipfile.ZipFile(path, "w") as store:
        store.writestr(".zgroup", json.dumps({"zarr_format": 2}))
        store.writestr("t2m/.zarray", json.dumps({"zarr_format": 2, **shape, **how}))
        store.writestr("t2m/.zattrs", json.dumps({"_ARRAY_DIMENSIONS": ["lat", "lon"]}))
        store.writestr("t2m/0.0", pickle.dumps(Marker(mark)))
    with pytest.raises(UserError, match=r"sent\.zarr\.zip"):
        open_archive(path)
    assert not mark.exists()
