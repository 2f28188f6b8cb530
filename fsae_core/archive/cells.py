"""Fields on a file's grid -> fields on nested cells: regridding, reordering, coarsening, refusing gaps."""

from __future__ import annotations

__all__ = ["Fill", "Layout", "Method", "as_cells", "best_zoom", "default_method"]

from typing import Literal, cast

import numpy as np
import xarray as xr

from fsae_core.archive.grids import HealpixLayout, LatLonLayout
from fsae_core.archive.unstructured import PointsLayout
from fsae_core.archive.unstructured import on_cells as on_cells_of_points
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import MAX_ZOOM, n_cells, nest_to_ring
from fsae_core.sphere.pyramid import restrict
from fsae_core.sphere.regrid import LatLonGrid, regrid

Fill = Literal["mean"]
Method = Literal["conservative", "bilinear", "nearest"]
Layout = LatLonLayout | HealpixLayout | PointsLayout

_SUBCELLS = 2
"""Levels below the target at which bilinear values are taken before they are averaged."""


def best_zoom(layout: LatLonLayout | PointsLayout) -> int:
    """The zoom whose cells are closest (in ratio) to the grid's spacing; at most 9."""
    cell, spacing = np.degrees(np.sqrt(4 * np.pi / 12)), _spacing(layout)
    return int(np.clip(np.rint(np.log2(cell / spacing)), 0, 9))


def _spacing(layout: LatLonLayout | PointsLayout) -> float:
    if isinstance(layout, PointsLayout):
        return layout.spacing
    return float(np.sqrt((180.0 / layout.lat.size) * (360.0 / layout.lon.size)))


def default_method(layout: LatLonLayout | PointsLayout, zoom: int) -> Method:
    """Conservative where a cell is as large as a grid box or larger, and for points; else bilinear."""
    large = np.degrees(np.sqrt(4 * np.pi / n_cells(zoom))) >= _spacing(layout)
    return "conservative" if large or isinstance(layout, PointsLayout) else "bilinear"


def as_cells(
    array: xr.DataArray,
    layout: Layout,
    file: str,
    *,
    zoom: int | None,
    method: Method | None,
    fill: Fill | None,
    lazy_above: int,
    notes: list[str],
) -> xr.DataArray:
    """(time[, member], space) -> (time[, member], cell) float32, nested; missing cells are refused or filled.

    Larger than `lazy_above` bytes, the work is left to dask and done when values are asked for.
    """
    space = layout.dims
    where = f"{file}: {array.name}"
    if isinstance(layout, HealpixLayout):
        out_zoom = layout.zoom if zoom is None else zoom
        if out_zoom > layout.zoom:
            raise UserError(
                f"{file} is at zoom {layout.zoom}, which cannot be opened at the finer zoom {out_zoom}; "
                f"ask for {layout.zoom} or less."
            )
        if layout.order == "ring":
            notes.append("cells reordered from ring to nest")
    else:
        out_zoom = best_zoom(layout) if zoom is None else zoom
        method = method or default_method(layout, out_zoom)
        allowed = ("conservative", "nearest" if isinstance(layout, PointsLayout) else "bilinear")
        if method not in allowed:
            raise UserError(
                f"The method {method} was asked for, but {file} has "
                f"{'one point a row' if 'nearest' in allowed else 'rows of latitude'}: choose "
                f"{' or '.join(allowed)}."
            )
    if isinstance(layout, LatLonLayout):
        try:
            grid = LatLonGrid(layout.lon, layout.lat)
        except UserError as error:
            raise UserError(f"{file}: {error}") from error

    def on_cells(values: np.ndarray) -> np.ndarray:
        values = np.asarray(values, np.float32)
        values = np.where(np.isfinite(values), values, np.float32(np.nan))
        if isinstance(layout, HealpixLayout):
            fields = _to_nest(values, layout)
        elif isinstance(layout, PointsLayout):
            fields = on_cells_of_points(values, layout, out_zoom, str(method))
        else:
            fields = _on_cells(values, grid, out_zoom, cast(Method, method))
        fields = _gaps(fields, where, fill)
        if isinstance(layout, HealpixLayout) and out_zoom < layout.zoom:
            fields = restrict(fields, layout.zoom - out_zoom)
        return np.asarray(fields, np.float32)

    lead = [dim for dim in array.dims if dim not in space]
    coords = {dim: array.coords[dim] for dim in lead if dim in array.coords}
    size = int(np.prod([array.sizes[dim] for dim in lead])) * n_cells(out_zoom) * 4
    if fill is not None:
        notes.append(f"{array.name}: missing cells filled with each field's {fill}")
    if max(size, array.size * 4) <= lazy_above:
        return xr.DataArray(on_cells(array.values), coords, (*lead, "cell"), str(array.name), array.attrs)
    result = xr.apply_ufunc(
        on_cells,
        array.chunk({dim: 1 if dim in lead else -1 for dim in array.dims}),
        input_core_dims=[list(space)],
        output_core_dims=[["cell"]],
        dask="parallelized",
        output_dtypes=[np.float32],
        dask_gufunc_kwargs={"output_sizes": {"cell": n_cells(out_zoom)}},
        keep_attrs=True,
    )
    return result.drop_vars([c for c in result.coords if c not in lead])


def _on_cells(values: np.ndarray, grid: LatLonGrid, zoom: int, method: Method) -> np.ndarray:
    """(..., lat, lon) -> (..., cell). Bilinear means the cell's mean of the bilinear interpolant.

    Values at the centres alone would alias what is smaller than a cell; the mean over 16 sub-cells does not,
    and it is smoother than area-weighted boxes, whose edges are no weather.
    """
    finer = min(_SUBCELLS, MAX_ZOOM - zoom) if method == "bilinear" else 0
    if finer == 0:
        return np.asarray(regrid(values, grid, zoom, method), np.float32)
    lead = values.shape[:-2]
    flat = values.reshape(-1, *values.shape[-2:])
    out = np.empty((flat.shape[0], n_cells(zoom)), np.float32)
    for row, field in enumerate(flat):
        children = np.asarray(regrid(field, grid, zoom + finer, method)).reshape(n_cells(zoom), 4**finer)
        valid = np.isfinite(children)
        share = valid.mean(axis=-1)
        sums = np.where(valid, children, 0.0).mean(axis=-1)
        out[row] = np.where(share >= 0.5, sums / np.maximum(share, 0.5), np.nan)
    return out.reshape(*lead, n_cells(zoom))


def _to_nest(values: np.ndarray, layout: HealpixLayout) -> np.ndarray:
    if layout.permutation is not None:
        values = values[..., layout.permutation]
    return values[..., nest_to_ring(layout.zoom)] if layout.order == "ring" else values


def _gaps(fields: np.ndarray, where: str, fill: Fill | None) -> np.ndarray:
    missing = np.isnan(fields)
    if not missing.any():
        return fields
    share = 100.0 * missing.mean()
    if missing.all(axis=-1).any():
        raise UserError(
            f"{where} has {int(missing.all(axis=-1).sum())} times without a single value; leave them out."
        )
    if fill is None:
        raise UserError(
            f"{where} has no values in {share:.3g} % of its cells; expected the whole sphere: pass "
            "fill='mean' to put "
            "each field's mean there, or choose a complete variable."
        )
    means = np.nanmean(fields, axis=-1, keepdims=True, dtype=np.float64).astype(np.float32)
    return np.where(missing, means, fields)
