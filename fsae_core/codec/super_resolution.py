"""Zero-shot super-resolution: fields of an archive at a finer zoom, on the whole sphere or under a view.

No pairs of coarse and fine fields are needed: the residuals that a low-resolution field lacks are masked, and
the decoder of the autoencoder says what they are likely to be. Means over the coarse cells are kept. The
result is one field, near the mean of all that are possible: small scales are weaker than in truth, and what
the coarse cells do not tell is not made up by chance.
"""

from __future__ import annotations

__all__ = ["SuperResolver", "View", "super_resolve"]

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from fsae_core.archive.canonical import canonical_dataset, crs_variable, data_names, zoom_of_dataset
from fsae_core.archive.climatology import FieldNormaliser
from fsae_core.archive.timing import is_instant
from fsae_core.codec.choice import Floats, Times
from fsae_core.codec.layout import INSTANT
from fsae_core.codec.routes import Route, route
from fsae_core.errors import UserError
from fsae_core.model.part import Index
from fsae_core.model.refinement import Frame
from fsae_core.sphere.box import Box, box_cells, check_box
from fsae_core.sphere.healpix import cell_centres, n_cells

_BLOCK_VALUES = 2**21
_MOST_VALUES = 2**30
"""Four gigabytes of float32."""

Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class View:
    """Cells (ascending, of the finer zoom) and, for each step from the first, the plan that leads there."""

    cells: Index
    plans: tuple[Any, ...]


class SuperResolver:
    """Fields of one variable of a canonical archive -> a finer zoom. Weights are loaded once a process.

    Raises UserError when there is no variable of that name or no weights lead to that zoom (see `route`).
    """

    def __init__(
        self, ds: xr.Dataset, variable: str, zoom: int, *, model: str | Path = "auto", device: str = "auto"
    ) -> None:
        if variable not in data_names(ds):
            here = ", ".join(data_names(ds)) or "none"
            raise UserError(f"There is no variable {variable} in this archive, which has {here}: choose one.")
        self.variable = variable
        self.instant = bool(ds[variable].attrs.get(INSTANT, is_instant(ds, variable)))
        self.route: Route = route(ds, variable, zoom_of_dataset(ds), zoom, model=model, device=device)
        self.zoom_in, self.zoom_out = self.route.zoom_in, self.route.zoom_out

    def sphere(self, x: Floats, times: Times = None) -> Floats:
        """Fields (time, cells) in their units and times (time,) -> (time, cells of the finer zoom)."""
        frame = self._frame(x, times)
        for step in self.route.steps:
            x = step.sphere(x, frame)
        return x

    def view(self, cells: Index) -> View:
        """What is needed to compute these cells of the finer zoom: make it when the view changes.

        It takes some milliseconds; what the networks make of the surface is kept for views nearby.
        """
        cells = np.unique(np.asarray(cells, np.int64))
        if len(cells) == 0 or cells[0] < 0 or cells[-1] >= n_cells(self.zoom_out):
            raise UserError(
                f"Cells of zoom {self.zoom_out} were expected (0 to {n_cells(self.zoom_out) - 1}), others "
                "were given: look them up at that zoom."
            )
        plans: list[Any] = []
        wanted = cells
        for step in reversed(self.route.steps):
            plans.append(step.plan(wanted))
            wanted = step.needs(plans[-1])
        return View(cells, tuple(reversed(plans)))

    def part(self, x: Floats, view: View, times: Times = None) -> Floats:
        """Fields (time, cells) of the whole sphere in their units -> (time, view.cells): what `sphere` gives
        there, up to rounding."""
        frame = self._frame(x, times)
        last = len(view.plans) - 1
        for i, (step, plan) in enumerate(zip(self.route.steps, view.plans, strict=True)):
            x = step.part(x, plan, frame)
            if i < last:
                there = self.route.steps[i + 1].needs(view.plans[i + 1])
                whole = np.zeros((len(x), n_cells(step.zoom_out)), np.float32)
                whole[:, there] = x
                x = whole
        return x

    def _frame(self, x: Floats, times: Times) -> Frame:
        if x.ndim != 2 or x.shape[1] != n_cells(self.zoom_in):
            raise UserError(
                f"{self.variable} of shape {x.shape} was found, expected (time, {n_cells(self.zoom_in)}) for "
                f"zoom {self.zoom_in}."
            )
        missing = 1 - np.isfinite(x).mean()
        if missing:
            raise UserError(
                f"{self.variable} has missing or infinite values in {100 * missing:.2g} % of its cells, but "
                "only complete fields can be super-resolved: fill them or leave the variable out."
            )
        return self._frame_of(x, times)

    def _frame_of(self, x: Floats, times: Times) -> Frame:
        _, mean, spread = FieldNormaliser().normalise(x)
        return Frame(mean, spread, times, self.instant)


def super_resolve(
    ds: xr.Dataset,
    zoom: int,
    region: Box | None = None,
    *,
    variables: Iterable[str] | None = None,
    model: str | Path = "auto",
    device: str = "auto",
    progress: Progress | None = None,
    resolvers: Mapping[str, SuperResolver] | None = None,
) -> xr.Dataset:
    """A canonical archive at a finer zoom, or the cells of a region (west, south, east, north in degrees).

    A region's cells are told by the coordinate `cell`, their nested indices; attributes say how the fields
    were made. ``model`` as in `route`; ``progress`` wraps an iterable as tqdm does. ``resolvers``: by
    variable, those of a longer archive of which ``ds`` is a part: whether times are instants, and of which
    run, is seen from several together. Raises UserError for a zoom that is not finer or out of reach, a
    region that is none, missing values, or too large a result.
    """
    zoom_in = zoom_of_dataset(ds)
    names = list(data_names(ds) if variables is None else variables)
    if not names:
        raise UserError(
            "This archive has no variable on the sphere (with a dimension cell): nothing to super-resolve."
        )
    if region is not None:
        check_box(region)
    given = resolvers or {}
    resolvers = {
        name: given.get(name) or SuperResolver(ds, name, zoom, model=model, device=device) for name in names
    }
    cells = None if region is None else box_cells(region, zoom)
    width = n_cells(zoom) if cells is None else len(cells)
    total = width * sum(ds[name].size // ds.sizes["cell"] for name in names)
    if total > _MOST_VALUES:
        raise UserError(
            f"The result would have {total / 2**30:.0f} billion values, at most one is made at once: choose "
            "a region, fewer variables or fewer times."
        )
    views = {name: None if cells is None else r.view(cells) for name, r in resolvers.items()}
    step = max(1, _BLOCK_VALUES // (width if cells is None else 4 * width))
    blocks = [(name, part) for name in names for part in _slices(ds[name], step)]
    parts: dict[str, list[Floats]] = {name: [] for name in names}
    for name, part in progress(blocks) if progress else blocks:
        values, times = _fields(ds[name][part])
        view = views[name]
        done = resolvers[name]
        parts[name].append(done.sphere(values, times) if view is None else done.part(values, view, times))
    fields = {}
    for name in names:
        array = ds[name]
        lead = array.dims[:-1]
        values = np.concatenate(parts[name]).reshape(*(array.sizes[d] for d in lead), width)
        coords = {d: array[d] for d in lead if d in array.coords}
        fields[name] = xr.DataArray(values, coords, (*lead, "cell"), name, dict(array.attrs))
    return _described(ds, fields, {n: r.route for n, r in resolvers.items()}, zoom_in, region, cells)


def _slices(array: xr.DataArray, step: int) -> list[slice]:
    if array.dims[-1] != "cell" or array.ndim < 2:
        raise UserError(
            f"{array.name} has dimensions {array.dims}, expected times first and the cells last: "
            "transpose it."
        )
    per_slice = int(np.prod(array.shape[1:-1], dtype=int))
    step = max(1, step // per_slice)
    return [slice(i, min(i + step, array.shape[0])) for i in range(0, array.shape[0], step)]


def _fields(array: xr.DataArray) -> tuple[Floats, Times]:
    """Some of a variable as (fields, cells), and the time of each field."""
    values = np.asarray(array.values, np.float32)
    lead = array.dims[:-1]
    times = None
    if "time" in lead:
        shape = [array.sizes["time"] if dim == "time" else 1 for dim in lead]
        times = np.broadcast_to(array["time"].values.reshape(shape), values.shape[:-1]).ravel()
    return values.reshape(-1, values.shape[-1]), times


def _described(
    ds: xr.Dataset,
    fields: dict[str, xr.DataArray],
    routes: dict[str, Route],
    zoom_in: int,
    region: Box | None,
    cells: Index | None,
) -> xr.Dataset:
    """The result with its provenance."""
    zoom = next(iter(routes.values())).zoom_out
    cards = {card.name: card for one in routes.values() for card in one.cards}
    learned = np.zeros(ds.sizes.get("time", 0), bool)
    for card in cards.values():
        if "time" in ds.coords:
            learned |= card.trained_on(str(ds.attrs.get("fsae_name", "")), ds["time"].values)
    methods: dict[str, list[str]] = {}
    for name, one in routes.items():
        methods.setdefault(one.method, []).append(name)
    told = "; ".join(
        f"{', '.join(names)}: {method}" if len(methods) > 1 else method for method, names in methods.items()
    )
    note = f"super-resolved from zoom {zoom_in} to {zoom}: {told}"
    kept = {k: v for k, v in ds.attrs.items() if not k.startswith("fsae_sr_")}
    if cells is None:
        out = canonical_dataset(fields, kept, [note])
    else:
        whole = canonical_dataset(
            {k: v.isel(cell=np.zeros(12, int)) for k, v in fields.items()}, kept, [note]
        )
        out = xr.Dataset({k: v.assign_attrs(whole[k].attrs) for k, v in fields.items()}, attrs=whole.attrs)
        out.attrs.pop("fsae_archive", None)  # an archive is a whole sphere
        out["crs"] = crs_variable(zoom).assign_attrs(refinement_level=zoom, indexing_scheme="nested")
        lon, lat = (centres[cells] for centres in cell_centres(zoom))
        index = {"standard_name": "healpix_index", "long_name": "nested HEALPix index", "units": "1"}
        out = out.assign_coords(
            cell=("cell", cells, index),
            lat=("cell", lat, {"standard_name": "latitude", "units": "degrees_north"}),
            lon=("cell", lon, {"standard_name": "longitude", "units": "degrees_east"}),
        )
        assert region is not None
        out.attrs["fsae_sr_region"] = " ".join(f"{value:g}" for value in region)
    for name, one in routes.items():
        out[name].attrs |= {
            INSTANT: int(ds[name].attrs.get(INSTANT, is_instant(ds, name))),
            "fsae_sr_method": one.method,
            "fsae_sr_smooth_zooms": one.zoom_out - one.learned,
        }
    out.attrs |= {
        "fsae_sr_zoom_in": zoom_in,
        "fsae_sr_zoom_out": zoom,
        "fsae_sr_method": told,
        "fsae_sr_smooth_zooms": max(one.zoom_out - one.learned for one in routes.values()),
        "fsae_sr_weights": ", ".join(cards),
        "fsae_sr_sha256": ", ".join(card.sha256 for card in cards.values()),
        "fsae_sr_times_trained_on": int(learned.sum()),
        "fsae_sr_note": "Detail finer than the input is estimated, not observed; its small scales are weaker "
        "than in truth."
        + (" The weights learned from some of these times: there they look better." if learned.any() else ""),
    }
    return out
