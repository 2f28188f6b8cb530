"""Archives to compressed datasets and back, block of times by block of times.

A compressed dataset holds each variable as a field on the coarse sphere, dims (time[, member], cell), in its
own units (general weights) or as an anomaly in them (an archive's own weights); or, for weights whose latents
lie on no sphere, dims (time[, member], latent). Beside it are the offset and the scale that the decoder
needs, ``<v>_offset`` and ``<v>_scale``, dims (time[, member]), and where a largest error was asked for the
whole steps that correct the reconstruction, ``<v>_correction``, dims (time[, member], field_cell). With
layers there are ``<v>_256x`` and so on before it, dims (time[, member], cell_256x), and each holds what the
coarser ones do not tell, plus the offset. Values are already rounded to what a store keeps, so that memory
and file say the same.
"""

from __future__ import annotations

__all__ = [
    "assembled",
    "check_zoom",
    "coders_of",
    "compress",
    "decompress",
    "fitting_models",
    "kept_attributes",
    "levels_of_ratio",
]

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from fsae_core.archive.canonical import canonical_dataset, crs_variable, data_names, zoom_of_dataset
from fsae_core.archive.timing import is_instant
from fsae_core.codec.block import Progress, blocks, some_fields, take
from fsae_core.codec.choice import (
    FieldModel,
    Floats,
    is_adaptive,
    levels_of_ratio,
    pick_model,
    writing_model,
)
from fsae_core.codec.correction import check_bound
from fsae_core.codec.field_coder import CodedFields, FieldCoder
from fsae_core.codec.layers import Layers, Models, coarser_layers, model_of
from fsae_core.codec.layout import (
    INSTANT,
    LAYERS,
    OWN_ATTRIBUTES,
    check_compressed,
    field_names,
    format_of,
)
from fsae_core.codec.shelf import coded_block, compressed_variables, decoders, named_weights, weights_up_to
from fsae_core.codec.steps import known_step
from fsae_core.codec.together import (
    TOGETHER,
    compress_together,
    decoded_together,
    is_joint,
    names_together,
)
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import n_cells, zoom_of
from fsae_core.sphere.pyramid import restrict


def compress(
    ds: xr.Dataset,
    ratio: int,
    *,
    model: Models = "auto",
    variables: Iterable[str] | None = None,
    device: str = "auto",
    progress: Progress | None = None,
    step: float | None = None,
    max_error: float | None = None,
    layers: bool = False,
) -> xr.Dataset:
    """Compress a canonical archive so that each field has ``ratio`` times fewer values.

    ``model``: "auto" takes the weights made for the archive where there are some, else the general ones; or
    the name or the file of weights, or a model, or one for each ratio. ``progress`` wraps an iterable as tqdm
    does. ``step``: of the quantiser, in units of a field's scale; by default one for each variable at which
    RMSE grows by about 2 %, known for the shipped weights, else found on a few of its fields. ``max_error``:
    no value that comes back is off by more, in the units of the one variable. ``layers``: all coarser ratios
    come first and can be had alone. Raises UserError for a ratio that is not offered or finer than the field
    allows, missing values, weights that do not fit, an impossible step or largest error.
    """
    names = _variables(ds, variables)
    models = fitting_models(ds, names, ratio, model=model, device=device, max_error=max_error, layers=layers)
    if is_joint(models[-1]) and len(names) > 1:
        together = compress_together(ds, names, models[-1], step=step, progress=progress)
        return assembled(ds, together, models)
    coders = {name: coders_of(models, ds, name, step, max_error) for name in names}
    todo = [(name, block) for name in names for block in blocks(ds[name])]
    parts: dict[str, list[list[CodedFields]]] = {name: [] for name in names}
    for name, block in progress(todo) if progress else todo:
        parts[name].append(coders[name].encode(*take(ds[name], block, 1)))
    variables_of = {name: compressed_variables(ds[name], coders[name], parts[name]) for name in names}
    return assembled(ds, variables_of, models)


def fitting_models(
    ds: xr.Dataset,
    names: list[str],
    ratio: int,
    *,
    model: Models,
    device: str,
    max_error: float | None,
    layers: bool,
) -> list[FieldModel]:
    """The models of all layers, coarse to fine. UserError as in `compress`."""
    levels_of_ratio(ratio, zoom_of_dataset(ds))
    if max_error is not None:
        check_bound(max_error)
        if len(names) > 1:
            raise UserError(
                f"A largest error of {max_error:g} was asked for {', '.join(names)}, but each has its own "
                "units: compress them one by one."
            )
    models = [pick_model(ds[names], ratio, model_of(model, ratio), device)]
    if layers and (is_joint(models[-1]) or is_adaptive(models[-1].card)):
        raise UserError(f"The weights {models[-1].card.name} make no layers: compress without layers.")
    return coarser_layers(ds[names], ratio, model, device) + models if layers else models


def assembled(
    ds: xr.Dataset, variables: dict[str, dict[str, xr.DataArray]], models: list[FieldModel]
) -> xr.Dataset:
    """The compressed dataset of an archive, from what `compressed_variables` gave for each of its fields."""
    out = xr.Dataset(coords={k: v for k, v in ds.coords.items() if "cell" not in v.dims and k != "crs"})
    for arrays in variables.values():
        out = out.assign(arrays)
    if "cell" in out.dims:
        out["crs"] = crs_variable(zoom_of(out.sizes["cell"]))
    joint = is_joint(models[-1]) and len(variables) > 1
    out.attrs = {
        **{k: v for k, v in ds.attrs.items() if k not in ("fsae_archive", "fsae_signature")},
        "fsae_format": format_of(models),
        **named_weights(models),
        "fsae_zoom_in": zoom_of_dataset(ds),
        **({TOGETHER: json.dumps(list(variables))} if joint else {}),
    }
    return out


def decompress(
    cds: xr.Dataset,
    *,
    zoom: int | None = None,
    ratio: int | None = None,
    model: Models | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> xr.Dataset:
    """The canonical archive that a compressed dataset stands for, at its own zoom or a coarser one.

    ``ratio``: a coarser one, where the dataset has layers; the finer ones are not touched then. ``model`` is
    needed only where the weights are not among the shipped ones. Raises UserError when ``cds`` is not a
    compressed dataset, its weights are not here or are others, ``zoom`` or ``ratio`` is none that it has.
    """
    check_compressed(cds)
    zoom_in, zoom = int(cds.attrs["fsae_zoom_in"]), check_zoom(cds, zoom)
    weights = weights_up_to(cds, ratio)
    models = [writing_model(w, model_of(model, int(w.attrs["fsae_ratio"])), device) for w in weights]
    names, together = field_names(cds), names_together(cds)
    parts: dict[str, list[Floats]] = {name: [] for name in names}
    if together:
        found = decoded_together(cds, together, models[-1], progress, n_cells(zoom_in))
        parts |= {name: [restrict(x, zoom_in - zoom) for x in fine] for name, fine in found.items()}
    single = [name for name in names if name not in together]
    todo = [(name, block) for name in single for block in blocks(cds[name], n_cells(zoom_in))]
    for name, block in progress(todo) if progress and todo else todo:
        fine = decoders(cds, name, models).decode(*coded_block(cds, name, block, len(models)))
        parts[name].append(fine if zoom == zoom_in else restrict(fine, zoom_in - zoom))
    fields = {}
    for name in names:
        lead = cds[name].dims[:-1]
        values = np.concatenate(parts[name]).reshape(*(cds.sizes[dim] for dim in lead), n_cells(zoom))
        coords = {k: v for k, v in cds[name].coords.items() if k != "crs"}
        fields[name] = xr.DataArray(values, dims=(*lead, "cell"), coords=coords, attrs=dict(cds[name].attrs))
    return canonical_dataset(fields, *kept_attributes(cds, weights[-1]))


def check_zoom(cds: xr.Dataset, zoom: int | None) -> int:
    """The zoom that is meant, the fields' own by default. UserError for one that this dataset cannot give."""
    zoom_in = int(cds.attrs["fsae_zoom_in"])
    zoom = zoom_in if zoom is None else zoom
    if not 0 <= zoom <= zoom_in:
        raise UserError(
            f"Zoom {zoom} was asked for, but this store holds fields of zoom {zoom_in}: "
            f"choose 0 to {zoom_in}."
        )
    return zoom


def kept_attributes(cds: xr.Dataset, weights: xr.Dataset) -> tuple[dict[str, Any], list[str]]:
    """Attributes that fields from this compressed dataset keep, and what is to be added to their history."""
    used = weights.attrs
    note = f"decompressed from {used['fsae_ratio']} times fewer values, weights {used['fsae_model']}"
    own = (*OWN_ATTRIBUTES, LAYERS, TOGETHER)
    return {k: v for k, v in cds.attrs.items() if k not in own}, [note]


def _variables(ds: xr.Dataset, chosen: Iterable[str] | None) -> list[str]:
    here = data_names(ds)
    names = list(here if chosen is None else chosen)
    for name in names:
        if name not in here:
            raise UserError(
                f"There is no variable {name} in this archive, which has {', '.join(here)}: choose one."
            )
    if not names:
        raise UserError(
            "This archive has no variable on the sphere (with a dimension cell): nothing to compress."
        )
    for name in names:
        if ds[name].dims[-1] != "cell":
            raise UserError(f"{name} has dimensions {ds[name].dims}, expected the cells last: transpose it.")
    return names


def coders_of(
    models: list[FieldModel], ds: xr.Dataset, name: str, step: float | None, max_error: float | None
) -> Layers:
    """One coder for each model; the last one keeps the largest error. Where no step is known for a variable,
    the one that suits a few of its fields is taken."""
    instant, zoom_in = bool(ds[name].attrs.get(INSTANT, is_instant(ds, name))), zoom_of_dataset(ds)
    coders = []
    for model in models:
        own = known_step(model.card, model.card.ratio, name) if step is None else step
        zoom = zoom_in - levels_of_ratio(model.card.ratio, zoom_in)
        exact = len(models) > 1 or max_error is not None
        coder = FieldCoder(model, name, instant, zoom_in, zoom, own or 0.0, exact=exact)
        coders.append(coder.with_fitting_step(*some_fields(ds[name])) if own is None else coder)
    return Layers((*coders[:-1], replace(coders[-1], max_error=max_error)))
