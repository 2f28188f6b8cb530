"""One part of an archive to the chunks of a store, each of which is there whole or not at all.

Chunks are written beside and moved to their place; last of all comes the part's own record, with the size
and checksum of each chunk, the offsets and scales, and what was lost. A part without a sound record is made
again, and becomes the same bytes.
"""

from __future__ import annotations

__all__ = ["CHUNKS", "PARTS", "Record", "make_part", "read_record", "work_on"]

import base64
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fsae_core.codec.block import rows_at_once
from fsae_core.codec.choice import Floats, Times
from fsae_core.codec.detail_codec import DetailsCodec
from fsae_core.codec.error_sums import ErrorSums
from fsae_core.codec.field_coder import CodedFields
from fsae_core.codec.layered_store import codec_of_layers
from fsae_core.codec.layers import Layers
from fsae_core.codec.plan import Part, Plan
from fsae_core.codec.store import rows_of_chunk, rows_of_details
from fsae_core.codec.zarr_codec import WholeCodec
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import zoom_of

_ONE_AT_A_TIME = threading.Lock()

CHUNKS, PARTS, _DRAFTS = "chunks", "parts", "drafts"


@dataclass(frozen=True)
class Record:
    """What is known of a part that is done.

    chunks: by name below the store, bytes and CRC32C; offset, scale: float32 in base64; zooms: of each layer,
    None off the sphere; values: of a compressed field of each layer; sums: of its errors; places: whether it
    is adaptive.
    """

    chunks: dict[str, tuple[int, int]]
    offset: str
    scale: str
    zooms: tuple[int | None, ...]
    values: tuple[int, ...]
    sums: dict[str, float]
    places: bool = False

    def side(self, which: str) -> Floats:
        """Offsets or scales, one a field."""
        return np.frombuffer(base64.b64decode(getattr(self, which)), "<f4").astype(np.float32)

    def errors(self) -> ErrorSums:
        """The sums of its errors."""
        sums = dict(self.sums)
        return ErrorSums(count=int(sums.pop("count")), **sums)


def read_record(work: Path, part: Part, *, chunks: bool = True) -> Record | None:
    """The record of a part that is done and whose chunks are all as they were written; else None.

    chunks: whether these are looked at.
    """
    try:
        told = json.loads((work / PARTS / f"{part.index}.json").read_text())
        record = Record(**{**told, "zooms": tuple(told["zooms"]), "values": tuple(told["values"])})
        rows = part.stop - part.start
        if record.side("offset").size != rows or record.side("scale").size != rows:
            return None
        for name, (size, checksum) in record.chunks.items() if chunks else ():
            data = (work / CHUNKS / name).read_bytes()
            if len(data) != size or _checksum(data) != checksum:
                return None
        return record
    except (OSError, ValueError, TypeError, KeyError):
        return None


def work_on(work: str, plan_text: str, part: Part) -> int:
    """`make_part` in a process of its own: plan, models and source are opened once. Gives its index."""
    import dask

    # A cluster's worker may have several threads, but networks keep what they make of the surface.
    with _ONE_AT_A_TIME, dask.config.set(scheduler="synchronous"):
        plan, ds, coders = _opened(plan_text)
        make_part(Path(work), plan, ds, coders, part)
    return part.index


@lru_cache(maxsize=1)
def _opened(plan_text: str) -> tuple[Plan, xr.Dataset, dict[str, Layers]]:
    plan = Plan.from_json(plan_text)
    ds = plan.source.open(lazy=True)
    return plan, ds, plan.coders(ds, plan.models)


def make_part(work: Path, plan: Plan, ds: xr.Dataset, coders: dict[str, Layers], part: Part) -> None:
    """Compress a part, write its chunks and its record below ``work``.

    Raises UserError for fields that cannot be compressed.
    """
    array = part.of(ds[part.variable])
    single = array.ndim == 1
    x, times = _values(array)
    layers = coders[part.variable]
    step = rows_at_once(x.shape[-1])
    blocks = [slice(i, i + step) for i in range(0, len(x), step)]
    coded = [layers.encode(x[b], None if times is None else times[b]) for b in blocks]
    last = [parts[-1] for parts in coded]
    offset, scale = (np.concatenate([getattr(p, s) for p in last]) for s in ("offset", "scale"))
    chunks: dict[str, tuple[int, int]] = {}
    name, zooms = part.variable, tuple(p.zoom for p in coded[0])
    fields = [np.concatenate([parts[i].values for parts in coded]) for i in range(len(zooms))]
    standard = [((values - offset[:, None]) / scale[:, None]).astype(np.float32) for values in fields]
    sizes = tuple(values.shape[-1] for values in fields)
    told = list(zip(sizes, (coder.step for coder in layers.coders), zooms, strict=True))
    codec: Any = codec_of_layers(told) if len(told) > 1 else codec_of_layers(told).layers[0].codec
    places = [p.places for p in last if p.places is not None]
    rows = None
    if places:
        standard.append(np.concatenate(places).astype(np.float32))
        zoom_in = zoom_of(x.shape[-1])
        codec, rows = DetailsCodec(layers.coders[-1].step, zoom_in, sizes[0]), rows_of_details(zoom_in)
    stored = [(name, codec, np.concatenate(standard, axis=-1), rows)]
    if plan.max_error is not None:
        whole = np.concatenate([p.corrections for p in last if p.corrections is not None])
        stored.append((f"{name}_correction", WholeCodec(zoom_of(whole.shape[-1])), whole, None))
    for own, codec, values, at_once in stored:
        names = list(_chunk_names(part, own, single, at_once or rows_of_chunk(values.shape[-1])))
        chunks |= _write_chunks(work, names, values, codec)
    sums = ErrorSums()
    if plan.check:
        first, *steps = (
            _read_chunks(
                work,
                list(_chunk_names(part, own, single, at_once or rows_of_chunk(v.shape[-1]))),
                c,
                v.shape,
            )
            for own, c, v, at_once in stored
        )
        cuts = np.cumsum([part.shape[-1] for part in standard])[:-1]
        arrays = np.split(first, cuts, axis=-1)
        found = arrays.pop().astype(np.int32) if places else None
        arrays += steps
        for b in blocks:
            read = _as_coded(arrays, offset, scale, list(zooms), b, found)
            sums.add(x[b], layers.decode(read, None if times is None else times[b]))
    low, wide = (base64.b64encode(side.astype("<f4").tobytes()).decode() for side in (offset, scale))
    record = Record(chunks, low, wide, zooms, sizes, asdict(sums), bool(places))
    text = json.dumps(asdict(record), sort_keys=True)
    _put(work, work / PARTS / f"{part.index}.json", text.encode())


def _values(array: xr.DataArray) -> tuple[Floats, Times]:
    """Fields (rows, cell) with the time of each."""
    values = np.asarray(array.values, np.float32).reshape(-1, array.shape[-1])
    if "time" not in array.dims:
        return values, None
    return values, array["time"].values


def _chunk_names(part: Part, own: str, single: bool, rows: int) -> Iterator[tuple[str, slice]]:
    """Of each chunk, of so many rows, of an array that a part fills: its name below the store and its rows in
    the part."""
    if single:
        yield f"{own}/c/0", slice(0, 1)
        return
    middle = "" if part.member is None else f"{part.member}/"
    for start in range(part.start, part.stop, rows):
        stop = min(start + rows, part.stop)
        yield f"{own}/c/{start // rows}/{middle}0", slice(start - part.start, stop - part.start)


def _write_chunks(
    work: Path, chunks: list[tuple[str, slice]], fields: Any, codec: Any
) -> dict[str, tuple[int, int]]:
    written = {}
    for name, rows in chunks:
        data = codec.to_chunk(fields[rows])
        _put(work, work / CHUNKS / name, data)
        written[name] = (len(data), _checksum(data))
    return written


def _read_chunks(work: Path, chunks: list[tuple[str, slice]], codec: Any, shape: tuple[int, ...]) -> Any:
    """The rows of a part as they come back from the files, which leave out zeros at the end of a chunk."""
    kind = np.float32 if not isinstance(codec, WholeCodec) else np.int32
    out = np.zeros(shape, kind)
    for name, rows in chunks:
        read = codec.to_fields((work / CHUNKS / name).read_bytes())
        if len(read):
            out[rows][: len(read)] = read
    return out


def _as_coded(
    arrays: list[Any],
    offset: Floats,
    scale: Floats,
    zooms: list[int | None],
    rows: slice,
    places: NDArray[np.int32] | None = None,
) -> list[CodedFields]:
    """What a reader of the store would hand to the decoder, for some rows."""
    low, wide = offset[rows], scale[rows]
    parts = []
    for i, zoom in enumerate(zooms):
        values = arrays[i][rows] * wide[:, None] + low[:, None]
        steps = arrays[-1][rows] if i == len(zooms) - 1 and len(arrays) > len(zooms) else None
        parts.append(CodedFields(values, low, wide, zoom, steps, None if places is None else places[rows]))
    return parts


def _put(work: Path, target: Path, data: bytes) -> None:
    """Bytes at their place, whole or not at all, also for a machine that loses its power."""
    draft = work / _DRAFTS / f"{os.getpid()}-{target.name}"
    try:
        for folder in (draft.parent, target.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    except FileNotFoundError as error:
        raise UserError(f"{work.name} was removed while it was written: run the command again.") from error


def _checksum(data: bytes) -> int:
    import google_crc32c

    return int(google_crc32c.value(data))
