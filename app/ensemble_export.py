"""An ensemble to take home, as `fsae sample` writes it. Pure: members in, bytes out."""

from __future__ import annotations

__all__ = ["FORMS", "to_file"]

from collections.abc import Sequence

import numpy as np

from app import scratch
from app.ensemble_store import Member, emulator
from fsae_core.codec.store import write_fields
from fsae_core.diffusion.ensembles import EnsembleRequest, as_dataset

FORMS = {"nc": ".nc", "zarr": ".zarr.zip"}


def to_file(request: EnsembleRequest, members: Sequence[Member], form: str) -> tuple[str, bytes]:
    """(file name, bytes) of members 0, 1, ... of a world; form: one of `FORMS`."""
    ds = as_dataset(np.stack([member.fields for member in members], axis=1), request, emulator())
    changed = "" if request.volcanoes else "-no-volcanoes"
    changed += f"-co2-{request.co2:g}" if request.co2 is not None else ""
    what = f"{request.days}days" if request.days else "mean"
    name = f"ensemble-{request.month}-{what}{changed}-seed{request.seed}{FORMS[form]}"
    with scratch.room("export") as folder:
        path = folder / name
        if form == "nc":
            ds.to_netcdf(path, encoding={"t2m": {"zlib": True, "complevel": 4}})
        else:
            write_fields(ds, path)
        return name, path.read_bytes()
