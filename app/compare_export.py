"""The compared fields as one CF NetCDF file: truth, both reconstructions, both errors."""

from __future__ import annotations

__all__ = ["fields_to_netcdf"]

import numpy as np
import xarray as xr

from app.compare_fields import Compared
from app.compare_state import AXES, method_name
from app.export import file_word, netcdf_bytes, on_cells, on_nodes


def fields_to_netcdf(shown: Compared, grid: str) -> tuple[str, bytes]:
    """(file name, bytes) with variables v, v_a, v_b, v_error_a and v_error_b at the time that is shown.

    grid: "healpix" (nested cells) or "latlon" (the value of the cell each node lies in). A method that cannot
    do it leaves its two out. Attributes say the method, its ratios and its RMSE at this time.
    """
    wish, held = shown.wish, shown.held
    source = held.dataset[wish.variable]
    kept = ("units", "long_name", "standard_name", "cell_methods")
    attrs = {k: v for k, v in source.attrs.items() if k in kept}
    name = wish.variable
    if wish.speed:
        name, attrs = "wind_speed", {"units": attrs.get("units", "1"), "long_name": "wind speed"}
    title = attrs.get("long_name", name)

    def array(values: np.ndarray, **more: object) -> xr.DataArray:
        return xr.DataArray(values[None].astype(np.float32), dims=("time", "cell"), attrs={**attrs, **more})

    fields = {name: array(shown.truth.cells)}
    errors = {}
    for letter, side in (("a", shown.a), ("b", shown.b)):
        if side.recon is None or side.error is None:
            continue
        told = {
            "fsae_method": side.method,
            "fsae_axis": wish.axis,
            "fsae_ratio": wish.ratio,
            "fsae_rmse": side.row["rmse"],
            **{f"fsae_{k}": side.row[k] for k in ("ratio_floats", "ratio_bytes") if side.row[k] is not None},
        }
        by = method_name(side.method)
        fields[f"{name}_{letter}"] = array(side.recon.cells, long_name=f"{title}, by {by}", **told)
        error = array(side.error.cells, long_name=f"{title}, {by} minus truth", **told)
        error.attrs.pop("standard_name", None)
        errors[f"{name}_error_{letter}"] = error
    out = xr.Dataset({**fields, **errors})
    if not np.isnat(held.times).any():
        out = out.assign_coords(time=("time", held.times[[shown.index]]))
    out = on_nodes(out, held.zoom) if grid == "latlon" else on_cells(out, held.dataset["crs"])
    out.attrs = {
        "Conventions": "CF-1.11",
        "title": f"{title}: {method_name(wish.a)} and {method_name(wish.b)} at {wish.ratio} times fewer "
        f"{AXES[wish.axis].lower()}",
        "source": shown.archive.attribution or str(held.dataset.attrs.get("source", "unknown")),
        "history": "coded and decoded by Field-Space Explorer (fsae evaluate)",
    }
    if shown.archive.simulated:
        out.attrs["comment"] = "SIMULATED: not an observation, not a forecast"
    when = held.labels[shown.index].replace(":", "")
    words = (file_word(shown.archive.name), name, when, wish.a, wish.b, f"{wish.ratio}x-{wish.axis}", grid)
    return "-".join(word for word in words if word) + ".nc", netcdf_bytes(out)
