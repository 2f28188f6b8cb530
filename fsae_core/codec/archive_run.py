"""A whole archive to a compressed store, part by part: as long as you like in the memory of a few parts.

While it is written there is a folder beside the store, ``NAME.partial``, that belongs to one run; a run that
dies leaves in it what is done, and the same command goes on from there, to the same bytes.
"""

from __future__ import annotations

__all__ = ["Outcome", "compress_archive", "unfinished"]

import json
import shutil
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from fsae_core.archive.canonical import data_names
from fsae_core.archive.source import Source
from fsae_core.archive.timing import is_instant
from fsae_core.codec.atomic import PARTIAL, check_target
from fsae_core.codec.block import Progress, some_fields
from fsae_core.codec.choice import FieldModel
from fsae_core.codec.error_sums import ErrorSums
from fsae_core.codec.finish import COMPLETE, assemble, bring_back, move, put_together, write_whole
from fsae_core.codec.forkserver import get_ready
from fsae_core.codec.layers import Layers, Models
from fsae_core.codec.layout import INSTANT, format_of
from fsae_core.codec.lock import check_free, owned
from fsae_core.codec.part_work import PARTS, Record, make_part, read_record
from fsae_core.codec.pipeline import coders_of, fitting_models
from fsae_core.codec.plan import Part, Plan, Recipe, parts_of_variable
from fsae_core.codec.store import rows_of_chunk, rows_of_details
from fsae_core.codec.store_size import StoreSize, size_of_store
from fsae_core.codec.together import is_joint
from fsae_core.codec.together_run import errors_together, run_together
from fsae_core.codec.unpack import UNPACK
from fsae_core.codec.workers import by_cluster, by_processes
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import zoom_of

_PLAN = "plan.json"


@dataclass(frozen=True)
class Outcome:
    """small: the compressed dataset, its fields as Dask arrays of nothing (its store has them); errors: by
    variable, empty where they were not asked for; resumed: parts that an earlier run had made."""

    small: xr.Dataset
    models: list[FieldModel]
    size: StoreSize
    parts: int
    resumed: int
    errors: dict[str, ErrorSums] = field(default_factory=dict)


def compress_archive(
    source: Source | str | Path,
    target: str | Path,
    ratio: int,
    *,
    model: Models = "auto",
    device: str = "auto",
    step: float | None = None,
    max_error: float | None = None,
    layers: bool = False,
    workers: int = 1,
    scheduler: str | None = None,
    check: bool = True,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Compress an archive of any length to a store, a folder or one .zip.

    workers: processes, 1 for this one alone; scheduler: the address of a Dask scheduler instead, whose
    workers see the same files. check: decode each part from its files and sum up the errors. The other
    arguments are those of `compress`. Raises UserError as `compress` does, and when another run is at work
    on the target, or one with other options was begun there.
    """
    source = (source if isinstance(source, Source) else Source(str(source))).resolved()
    target = Path(target)
    work = target.with_name(target.name + PARTIAL)
    if not isinstance(workers, int) or not 1 <= workers <= 1024:
        raise UserError(f"{workers} workers were asked for, expected 1 to 1024: choose such a number.")
    check_free(work)
    begun = (work / _PLAN).is_file()
    if not (begun and target.exists()):
        check_target(target, overwrite)
    if workers > 1 and not scheduler:
        get_ready()
    ds = source.open(lazy=True if workers > 1 or scheduler else None)
    for name in data_names(ds):
        ds[name].attrs[INSTANT] = int(is_instant(ds, name))
    names = list(data_names(ds))
    if not names:
        raise UserError("This archive has no variable on the sphere: nothing to compress.")
    models = fitting_models(ds, names, ratio, model=model, device=device, max_error=max_error, layers=layers)
    if is_joint(models[-1]) and len(names) > 1:
        if workers > 1 or scheduler or begun:
            raise UserError(
                f"The weights {models[-1].card.name} compress all variables at once, in one process: leave "
                f"--workers and --scheduler out, and remove {work.name} where there is one."
            )
        small = run_together(ds, names, models[-1], target, step, overwrite=overwrite, progress=progress)
        errors = errors_together(ds, names, target, models[-1]) if check else {}
        return Outcome(small, models, size_of_store(small, target), 1, 0, errors)
    signature = {
        "source": source.signature(),
        "weights": [m.card.sha256 for m in models],
        "variables": names,
        "sizes": {str(k): int(v) for k, v in ds.sizes.items()},
        "step": step,
        "max_error": max_error,
        "format": format_of(models),
    }
    with owned(work):
        try:
            plan = _plan_of(work, signature, overwrite)
            if plan is None:
                plan = _make_plan(ds, models, source, model, signature, device, step, max_error, check)
                _clear(work)
                write_whole(work / _PLAN, plan.to_json())
            coders, parts = plan.coders(ds, models), _all_parts(ds, plan)
            complete = (work / COMPLETE).exists()
            if not complete:
                bring_back(work)
            records = {part.index: read_record(work, part, chunks=not complete) for part in parts}
            todo = [part for part in parts if records[part.index] is None]
            with closing(_makers(work, plan, ds, coders, todo, workers, scheduler)) as makers:
                for _ in progress(todo) if progress else todo:
                    next(makers)
            records |= {part.index: read_record(work, part) for part in todo}
            done = {i: record for i, record in records.items() if record is not None}
            if len(done) < len(parts):
                raise UserError(
                    f"{len(parts) - len(done)} parts of {target.name} are not there although they were "
                    "written: see whether all workers write to the same folder, then run the command again."
                )
            small = assemble(ds, coders, parts, done, models)
            if not complete:
                put_together(work, target, small)
            move(work, target)
        except UserError:
            if not _any_part(work):
                shutil.rmtree(work, ignore_errors=True)
            raise
        size = size_of_store(small, target)
        errors = _errors(parts, done) if plan.check else {}
        shutil.rmtree(work, ignore_errors=True)
    return Outcome(small, models, size, len(parts), len(parts) - len(todo), errors)


def unfinished(work: Path) -> dict[str, Any] | None:
    """How far the run came that left this folder behind; None where it is no such folder."""
    done = len(list((work / PARTS).glob("*.json")))
    try:
        text = (work / _PLAN).read_text()
        told = json.loads(text)
        if told.get("kind") == UNPACK:
            whole = {"variables": told["variables"], "parts_done": done, "parts": int(told["parts"])}
            return {**whole, "source": told["signature"].get("source", {}).get("path")}
        plan = Plan.from_json(text)
        sizes = plan.signature["sizes"]
        members = int(sizes.get("member", 1))
        parts = sum(-(-int(sizes.get("time", 1)) // recipe.rows) * members for recipe in plan.recipes)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    variables = [recipe.variable for recipe in plan.recipes]
    return {"variables": variables, "parts_done": done, "parts": parts, "source": plan.source.path}


def _plan_of(work: Path, signature: dict[str, Any], overwrite: bool) -> Plan | None:
    """The plan of a run that was begun here, where it is the same; UserError where it is another."""
    path = work / _PLAN
    if not path.is_file():
        return None
    try:
        plan = Plan.from_json(path.read_text())
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if plan.signature == signature:
        return plan
    if overwrite or not _any_part(work):
        return None
    differ = [k for k in signature if plan.signature.get(k) != signature[k]]
    raise UserError(
        f"{work.name} holds an unfinished run with another {' and '.join(differ)}: repeat that command to "
        f"finish it, or remove the folder (or pass --overwrite) to begin anew."
    )


def _make_plan(
    ds: xr.Dataset,
    models: list[FieldModel],
    source: Source,
    model: Models,
    signature: dict[str, Any],
    device: str,
    step: float | None,
    max_error: float | None,
    check: bool,
) -> Plan:
    recipes = []
    for name in data_names(ds):
        layers = coders_of(models, ds, name, step, max_error)
        x, times = some_fields(ds[name])
        trial = layers.encode(x[:1], None if times is None else times[:1])
        rows = rows_of_chunk(sum(part.values.shape[-1] for part in trial))
        if trial[-1].places is not None:
            rows = rows_of_details(zoom_of(x.shape[-1]))
        if max_error is not None:
            rows = max(rows, rows_of_chunk(x.shape[-1]))
        instant = layers.coders[-1].instant
        recipes.append(Recipe(name, instant, tuple(c.step for c in layers.coders), rows))
    named = tuple((_weights_name(m, model), int(m.card.ratio), str(m.card.sha256)) for m in models)
    return Plan(source, named, tuple(recipes), max_error, device, signature, check)


def _weights_name(fitted: FieldModel, wanted: Models) -> str:
    """What `load` finds them by, in any process."""
    if isinstance(wanted, str | Path) and Path(wanted).is_file():
        return str(Path(wanted).resolve())
    return str(fitted.card.name)


def _all_parts(ds: xr.Dataset, plan: Plan) -> list[Part]:
    parts: list[Part] = []
    for recipe in plan.recipes:
        parts += parts_of_variable(ds[recipe.variable], recipe.rows, len(parts))
    return parts


def _makers(
    work: Path,
    plan: Plan,
    ds: xr.Dataset,
    coders: dict[str, Layers],
    todo: list[Part],
    workers: int,
    scheduler: str | None,
) -> Generator[int, None, None]:
    if scheduler is not None:
        yield from by_cluster(work.resolve(), plan.to_json(), todo, scheduler)
    elif workers > 1 and len(todo) > 1:
        yield from by_processes(work.resolve(), plan.to_json(), todo, min(workers, len(todo)))
    else:
        for part in todo:
            make_part(work, plan, ds, coders, part)
            yield part.index


def _errors(parts: list[Part], records: dict[int, Record]) -> dict[str, ErrorSums]:
    sums: dict[str, ErrorSums] = {}
    for part in parts:
        sums.setdefault(part.variable, ErrorSums()).merge(records[part.index].errors())
    return sums


def _any_part(work: Path) -> bool:
    return any((work / PARTS).glob("*.json"))


def _clear(work: Path) -> None:
    """Nothing of an earlier run but the lock's own note."""
    for path in work.iterdir():
        if path.name != "owner.json":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
