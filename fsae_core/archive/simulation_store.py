"""The archive that a simulation writes: all its times from the start, filled month by month.

Until the last month is there, the store says how many times are written (attribute `fsae_times_written`) and
opens as far as they go.
"""

from __future__ import annotations

__all__ = ["GrowingArchive"]

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from fsae_core.archive.canonical import data_names, zoom_of_dataset
from fsae_core.archive.entries import SIMULATED
from fsae_core.archive.reader import open_archive
from fsae_core.archive.variables import CANONICAL
from fsae_core.archive.writer import TARGET_CHUNK
from fsae_core.errors import UserError

if TYPE_CHECKING:
    from fsae_core.archive.simulate import Atmosphere, Simulation

_VARIABLES = ("t2m", "u10", "v10", "msl", "pr", "z500")
_OWN_CLIMATOLOGY = (31, 63)
"""Truncations of the runs that the climatology named amip was made from."""


class GrowingArchive:
    """One archive of a run. times: all that it will hold, (n,) datetime64[ns]; of: what they are means over,
    "days" or "months"."""

    def __init__(self, path: Path, run: Simulation, times: NDArray[np.datetime64], of: str) -> None:
        self.path = path
        self._run, self._times, self._of = run, times, of
        self._attrs = _attributes(path)
        self._lat: NDArray[np.float64] = np.empty(0)
        self._lon: NDArray[np.float64] = np.empty(0)

    def check(self) -> None:
        """Raise UserError when the path cannot be written or holds something else."""
        if not self._times.size:
            raise UserError(f"{self.path} would hold no day: take every day or a longer run.")
        if not self.path.exists():
            if not self.path.parent.is_dir():
                raise UserError(
                    f"The folder {self.path.parent} of {self.path.name} does not exist: make it first."
                )
            return
        if self._attrs.get("fsae_simulation") != self._signature:
            raise UserError(
                f"{self.path} exists and is no archive of this very run: choose another name, remove it, or "
                "give the options it was made with."
            )

    @property
    def _signature(self) -> str:
        return json.dumps({**asdict(self._run), "means_over": self._of}, sort_keys=True)

    @property
    def size(self) -> int:
        return int(self._times.size)

    @property
    def written(self) -> int:
        """How many times are there."""
        if not self._attrs:
            return 0
        return int(self._attrs.get("fsae_times_written", self.size))

    @property
    def complete(self) -> bool:
        return self.written == self.size

    @property
    def zoom(self) -> int:
        with xr.open_zarr(self.path, consolidated=False) as dataset:
            return zoom_of_dataset(dataset)

    @property
    def again(self) -> tuple[str, ...]:
        """Months that were run again with a shorter step, as the history has them."""
        return tuple(self._attrs.get("fsae_run_again", ()))

    def create(self, model: Atmosphere) -> None:
        """Make the store with all its metadata and no fields, unless it is there."""
        self._lat, self._lon = model.lat, model.lon
        if self._attrs:
            return
        shape = (1, model.lat.size, model.lon.size)
        stand_in = {
            name: np.full(shape, np.mean(CANONICAL[name].plausible), np.float32) for name in _VARIABLES
        }
        example = self._canonical(self._times[:1], stand_in)
        step = int(max(1, min(self.size, TARGET_CHUNK // (4 * example.sizes["cell"]))))
        lazy = example.isel(time=np.zeros(self.size, int)).assign_coords(time=("time", self._times))
        lazy["time"].attrs = example["time"].attrs
        lazy = lazy.chunk({"time": step})
        lazy.attrs = {
            **example.attrs,
            **self._words(model.source),
            "fsae_times_written": 0,
            "fsae_simulation": self._signature,
        }
        encoding: dict[str, dict[str, Any]] = {
            name: {"chunks": (step, example.sizes["cell"]), "dtype": "float32"} for name in data_names(lazy)
        }
        draft = Path(tempfile.mkdtemp(prefix=f".{self.path.name}.", dir=self.path.parent))
        try:
            lazy.to_zarr(draft, mode="w", compute=False, zarr_format=3, consolidated=False, encoding=encoding)
            draft.chmod(0o755)
            os.replace(draft, self.path)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self._attrs = _attributes(self.path)

    def append(
        self, times: ArrayLike, fields: Mapping[str, NDArray[np.float32]], again: tuple[str, ...]
    ) -> None:
        """Write fields (time, lat, lon) of those times, then note that they are there.

        A finished archive stays as it is: the same run gives the same fields.
        """
        stamps = np.asarray(times).astype("datetime64[ns]")
        if not stamps.size or self.complete:
            return
        first = int(np.searchsorted(self._times, stamps[0]))
        part = slice(first, first + stamps.size)
        block = self._canonical(stamps, fields).drop_vars(["crs", "time"])
        block.to_zarr(self.path, region={"time": part}, zarr_format=3, consolidated=False)
        self._mark(part.stop, again)

    def _canonical(
        self, times: NDArray[np.datetime64], fields: Mapping[str, NDArray[np.float32]]
    ) -> xr.Dataset:
        grid = xr.Dataset(
            {
                name: (
                    ("time", "lat", "lon"),
                    fields[name],
                    {"units": CANONICAL[name].units, "cell_methods": "time: mean"},
                )
                for name in _VARIABLES
            },
            {
                "time": times,
                "lat": ("lat", self._lat, {"units": "degrees_north", "standard_name": "latitude"}),
                "lon": ("lon", self._lon, {"units": "degrees_east", "standard_name": "longitude"}),
            },
        )
        return open_archive(grid, method="bilinear", name=self.path.name)

    def _words(self, source: str) -> dict[str, Any]:
        run = self._run
        volcanoes = (
            "the stratospheric aerosol of El Chichon and Pinatubo as dimmed insolation"
            if run.volcanoes
            else "no volcanic aerosol (the sea surface still carries the observed cooling after eruptions)"
        )
        dates = " A month's mean carries the date of its first day." if self._of == "months" else ""
        what = "monthly means" if self._of == "months" else "daily means"
        own = {"fsae_climatology": "amip"} if run.truncation in _OWN_CLIMATOLOGY else {}
        return {
            "title": f"AMIP-style {what}, {run.start} to before {run.end}, T{run.truncation}. {SIMULATED}",
            "source": f"{source}, seed {run.seed}",
            "institution": "simulated with Field-Space Explorer",
            "licence": "CC-BY 4.0",
            "references": "Molteni 2003, doi:10.1007/s00382-002-0268-2; "
            "JAX-GCM: https://pypi.org/project/jcm/",
            "comment": f"{SIMULATED}. Run under observed monthly sea surface temperature anomalies, rising "
            f"CO2 and {volcanoes}. Sea level pressure is about 18 hPa too high in the mean.{dates}",
            "fsae_simulated": 1,
            "fsae_name": self.path.name.removesuffix(".zarr"),
            **own,
        }

    def _mark(self, written: int, again: tuple[str, ...]) -> None:
        """Note how many times are there, atomically."""
        document = json.loads((self.path / "zarr.json").read_text())
        attrs = document["attributes"]
        attrs.pop("fsae_times_written", None)
        if written < self.size:
            attrs["fsae_times_written"] = written
        if again:
            attrs["fsae_run_again"] = list(again)
        draft = self.path / ".zarr.json.draft"
        draft.write_text(json.dumps(document, indent=2))
        os.replace(draft, self.path / "zarr.json")
        self._attrs = attrs


def _attributes(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((path / "zarr.json").read_text()).get("attributes", {}))
    except (OSError, ValueError):
        return {}
