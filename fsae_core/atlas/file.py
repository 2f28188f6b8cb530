"""Atlases on disk: one Parquet file. Rows are the table; what else there is stands in its metadata.

`fsae_atlas` is JSON (format, configuration, archive, weights and their checksum, eruptions); `fsae_arrays`
is a safetensors file in base64 with the spaces and the scores, from which new times are placed.
"""

from __future__ import annotations

__all__ = ["read_atlas", "shipped_atlas", "write_atlas"]

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np

from fsae_core.assets import asset_path
from fsae_core.atlas.atlas import COLUMNS, Atlas, AtlasConfig
from fsae_core.atlas.space import FeatureSpace
from fsae_core.codec.atomic import writing
from fsae_core.errors import UserError, short_reason

FORMAT = 2
_ABOUT, _ARRAYS = b"fsae_atlas", b"fsae_arrays"


def write_atlas(atlas: Atlas, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write an atlas, whole or not at all. UserError where the file exists and is not to be replaced."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from safetensors.numpy import save

    path = Path(path)
    about = {"format": FORMAT, "config": atlas.config.as_dict(), **atlas.about}
    arrays: dict[str, Any] = {
        "scores": atlas.scores,
        "scores_deseasonalised": atlas.scores_deseasonalised,
        **{f"raw.{k}": v for k, v in atlas.raw.to_dict().items()},
        **{f"deseasonalised.{k}": v for k, v in atlas.deseasonalised.to_dict().items()},
    }
    if atlas.expected is not None:
        arrays["expected"] = atlas.expected
    packed = save({k: np.ascontiguousarray(v, np.float32) for k, v in arrays.items()})
    table = pa.Table.from_pandas(atlas.table[list(COLUMNS)], preserve_index=False)
    extra = {_ABOUT: json.dumps(about, allow_nan=False).encode(), _ARRAYS: base64.b64encode(packed)}
    with (
        writing(path, overwrite=overwrite) as partial,
        pq.ParquetWriter(partial, table.schema, compression="zstd") as writer,
    ):
        writer.write_table(table)
        # Of the file, not of the schema, which Parquet writers keep twice.
        writer.add_key_value_metadata(extra)
    return path


def read_atlas(path: str | Path) -> Atlas:
    """Read what `write_atlas` wrote. UserError for anything else."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from safetensors.numpy import load

    path = Path(path)
    if not path.is_file():
        raise UserError(f"There is no atlas at {path}; make one with `fsae atlas ARCHIVE --out {path.name}`.")
    try:
        with pq.ParquetFile(path) as file:
            metadata = file.metadata.metadata or {}
            table = file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError(
            f"{path.name} cannot be read as Parquet ({short_reason(error)}): make the atlas again."
        ) from error
    if _ABOUT not in metadata or _ARRAYS not in metadata:
        raise UserError(f"{path.name} is a Parquet file but not an atlas: make one with `fsae atlas`.")
    about = json.loads(metadata[_ABOUT])
    if about.pop("format") != FORMAT:
        raise UserError(f"{path.name} is an atlas of another version: make it again with `fsae atlas`.")
    arrays = load(base64.b64decode(metadata[_ARRAYS]))
    parts = {
        name: FeatureSpace.from_dict(
            {k.removeprefix(f"{name}."): v for k, v in arrays.items() if k.startswith(f"{name}.")}
        )
        for name in ("raw", "deseasonalised")
    }
    frame = table.to_pandas()
    frame["time"] = frame["time"].astype("datetime64[ns]")
    return Atlas(
        frame,
        AtlasConfig.from_dict(about.pop("config")),
        parts["raw"],
        parts["deseasonalised"],
        arrays["scores"],
        arrays["scores_deseasonalised"],
        about,
        None if "expected" not in arrays else arrays["expected"].astype(np.float64),
    )


def shipped_atlas(name: str = "amip") -> Atlas:
    """The atlas that comes with the library; UserError where there is none of that name."""
    return read_atlas(asset_path("atlas", f"{name}.parquet"))
