"""What a visitor takes home of chosen times: a table as CSV, fields and composites as CF NetCDF.

Pure: atlases and groups in, bytes out.
"""

from __future__ import annotations

__all__ = ["to_csv", "to_netcdf"]

from typing import Any

import numpy as np
import xarray as xr

from app import scratch
from app.atlases import OpenAtlas
from app.export import on_cells, on_nodes
from app.latent_pictures import Compared
from fsae_core.sphere.healpix import zoom_of


def _names(compared: Compared) -> dict[str, np.ndarray]:
    return {"A": compared.a.rows, "B": compared.b.rows}


def to_csv(opened: OpenAtlas, compared: Compared) -> tuple[str, bytes]:
    """(file name, bytes): a row for each time of A and B, all columns of the atlas; group says A, B or AB."""
    rows = np.union1d(compared.a.rows, compared.b.rows)
    frame = opened.atlas.table.iloc[rows].copy()
    member = {name: np.isin(rows, own) for name, own in _names(compared).items()}
    frame.insert(0, "group", ["".join(n for n in member if member[n][i]) for i in range(rows.size)])
    frame["time"] = [opened.labels[row] for row in rows]
    head = [
        f"# {opened.atlas.about['title'] or opened.name}",
        f"# A: {compared.a.name}; B: {compared.b.name}",
        f"# displacement in years, global_mean in {opened.atlas.about['units']}, nino34 in K; made by "
        "Field-Space Explorer",
    ]
    body = "\n".join(head) + "\n" + frame.to_csv(index=False, float_format="%.6g")
    return f"{opened.name}-groups.csv", body.encode()


def to_netcdf(opened: OpenAtlas, compared: Compared, grid: str, progress: Any = None) -> tuple[str, bytes]:
    """(file name, bytes): the fields of the times of A and B, which group each is in, composites with p.

    grid: "healpix" (nested cells) or "latlon" (the value of the cell each node lies in).
    """
    rows = np.union1d(compared.a.rows, compared.b.rows)
    source = opened.archive.dataset[opened.variable]
    attrs = {k: v for k, v in source.attrs.items() if k in ("units", "long_name", "standard_name")}
    units = attrs.get("units", "1")
    fields = np.stack([opened.values(int(row)) for row in (progress(rows) if progress else rows)])
    ds = xr.Dataset({opened.variable: (("time", "cell"), fields, attrs)}, coords={"time": opened.times[rows]})
    for name, own in _names(compared).items():
        words = {"long_name": f"1 where the time is in group {name}", "units": "1"}
        ds[f"in_{name.lower()}"] = ("time", np.isin(rows, own).astype(np.int8), words)
    composites = {"a": compared.a, "b": compared.b, "a_minus_b": compared.between}
    if composites["a"].difference.cells.size == fields.shape[1]:
        for key, group in composites.items():
            what = "A minus B" if key == "a_minus_b" else f"{key.upper()} minus all other times"
            long_name = f"mean anomaly, {what}"
            ds[f"anomaly_{key}"] = ("cell", group.difference.cells, {"units": units, "long_name": long_name})
            p_name = f"two-sided p of {long_name}, cell by cell"
            ds[f"p_{key}"] = ("cell", group.p.astype(np.float32), {"units": "1", "long_name": p_name})
            said = "1 where significant at a false discovery rate of 10 %"
            ds[f"significant_{key}"] = (
                "cell",
                group.significant.astype(np.int8),
                {"units": "1", "long_name": said},
            )
    zoom = zoom_of(fields.shape[1])
    ds = on_nodes(ds, zoom) if grid == "latlon" else on_cells(ds, opened.archive.dataset["crs"])
    ds.attrs = {
        "Conventions": "CF-1.11",
        "title": f"Groups of times of {opened.atlas.about['title'] or opened.name}",
        "source": opened.archive.attribution or str(opened.archive.dataset.attrs.get("source", "unknown")),
        "history": "groups chosen on the map of compressed fields of Field-Space Explorer",
        "group_a": compared.a.name,
        "group_b": compared.b.name,
        "fsae_model": str(opened.atlas.about["model"]),
    }
    if opened.archive.simulated:
        ds.attrs["comment"] = "SIMULATED: not an observation, not a forecast"
    with scratch.room("export") as folder:
        path = folder / "out.nc"
        ds.to_netcdf(path, encoding={v: {"zlib": True, "complevel": 4} for v in ds.data_vars if v != "crs"})
        return f"{opened.name}-groups-{grid}.nc", path.read_bytes()
