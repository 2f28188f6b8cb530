"""Which weights compress a field, and whether they fit it."""

from __future__ import annotations

__all__ = [
    "RATIOS",
    "FieldModel",
    "Floats",
    "Times",
    "is_adaptive",
    "levels_of_ratio",
    "load",
    "misfit",
    "pick_model",
    "shipped_cards",
    "writing_model",
]

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fsae_core.archive.canonical import data_names, zoom_of_dataset
from fsae_core.errors import UserError
from fsae_core.sphere.healpix import n_cells

CNN_VAE = "cnn-vae"
"""Stands for the convolutional baseline's weights that fit."""
JOINT = "joint"
"""Stands for the weights for several variables together that fit."""
ADAPTIVE = "adaptive"
"""Stands for the weights of all ratios together that fit, with numbers where they are needed."""
_AROUND = {
    "auto": ("", ""),
    CNN_VAE: (f"{CNN_VAE}-", ""),
    JOINT: (f"{JOINT}-", ""),
    ADAPTIVE: ("", f"-{ADAPTIVE}"),
}
"""What stands before and behind the family of weights."""

RATIOS = (4, 16, 64, 256)

Floats = NDArray[np.float32]
Times = NDArray[np.datetime64] | None


class FieldModel(Protocol):
    """What the codec asks of a model; ``fsae_core.model.checkpoint.load_model`` gives such objects.

    ``card`` has name, family, ratio, variables (tuple, or None for any), zooms (lowest and highest input) and
    sha256. ``instant``: the fields belong to the very hour of their times, not to a day or a month.
    """

    @property
    def card(self) -> Any: ...

    def compress_fields(self, x: Floats, *, variable: str, times: Times, instant: bool) -> Any: ...

    def decompress_fields(self, compressed: Any, *, variable: str, times: Times, instant: bool) -> Floats: ...


def levels_of_ratio(ratio: int, zoom_in: int) -> int:
    """How many zooms coarser the compressed field is: ratio = 4^levels. UserError where that cannot be."""
    if ratio not in RATIOS:
        raise UserError(
            f"Ratio {ratio} was asked for, but fields are compressed 4, 16, 64 or 256 times: choose one."
        )
    levels = RATIOS.index(ratio) + 1
    if levels > zoom_in:
        allowed = ", ".join(str(r) for r in RATIOS[:zoom_in]) or "none"
        raise UserError(
            f"A field of zoom {zoom_in} has {n_cells(zoom_in)} cells and cannot be compressed {ratio} times, "
            f"which needs zoom {levels} at least: choose a smaller ratio ({allowed})."
        )
    return levels


def pick_model(
    ds: xr.Dataset, ratio: int, model: str | Path | FieldModel = "auto", device: str = "auto"
) -> FieldModel:
    """The model that `compress` would use, fit for every field of ``ds``; UserError when there is none.

    "auto" means the weights of the archive's own family where there are some that fit, else the general ones;
    "cnn-vae" the same of the convolutional baseline, "joint" of weights for several variables together,
    "adaptive" the weights of all ratios together, with numbers where they are needed.
    """
    zoom, names = zoom_of_dataset(ds), data_names(ds)
    levels_of_ratio(ratio, zoom)
    if isinstance(model, str) and model in _AROUND:
        before, behind = _AROUND[model]
        family = f"{before}{ds.attrs.get('fsae_climatology')}{behind}"
        own = [card for card in shipped_cards() if card.family == family]
        fitting = [card.name for card in own if misfit(card, ratio, names, zoom) is None]
        # Variables that the archive's own joint weights do not know: they say so, general ones could not.
        foreign = [card.name for card in own if card.ratio == ratio and model == JOINT and len(names) > 1]
        general = f"{before}general{behind}-{ratio}x"
        model = fitting[0] if fitting else foreign[0] if foreign else general
    fitted = load(model, device, ratio=ratio)
    wrong = misfit(fitted.card, ratio, names, zoom)
    if wrong:
        raise UserError(wrong)
    return fitted


def writing_model(
    cds: xr.Dataset, model: str | Path | FieldModel | None = None, device: str = "auto"
) -> FieldModel:
    """The model that a compressed dataset was written with: the shipped one of that name, or ``model``.

    Raises UserError when it is not here or its checksum is another.
    """
    name, expected = str(cds.attrs["fsae_model"]), str(cds.attrs["fsae_weights_sha256"])
    # A store may come from anybody: a name in it is looked up, never opened as a path.
    ratio = int(cds.attrs["fsae_ratio"])
    fitted = load(name, device, shipped_only=True) if model is None else load(model, device, ratio=ratio)
    if fitted.card.sha256 != expected:
        raise UserError(
            f"The store was written with weights {name} of checksum {expected[:12]}, but the weights given "
            f"have {fitted.card.sha256[:12]}: decompress with the weights it was written with."
        )
    return fitted


def load(
    model: str | Path | FieldModel,
    device: str = "auto",
    *,
    ratio: int | None = None,
    shipped_only: bool = False,
) -> FieldModel:
    """A model from its name or file (and ratio, where it holds several); a model is given back as it is."""
    if not isinstance(model, str | Path):
        return model
    from fsae_core.model.checkpoint import load_model

    if shipped_only and model not in {card.name for card in shipped_cards()}:
        raise UserError(
            f"The store was written with the weights {model}, which are not shipped: "
            "give their file (--model)."
        )
    return load_model(model, device=device, ratio=ratio)


def is_adaptive(card: Any) -> bool:
    """Whether these are the weights of all ratios together, with numbers where they are needed."""
    return str(card.family).endswith(f"-{ADAPTIVE}")


def shipped_cards() -> list[Any]:
    """Cards of the weights that come with the library."""
    from fsae_core.model.adaptive_card import adaptive_cards
    from fsae_core.model.card import shipped_models

    files = shipped_models()
    return [*files, *adaptive_cards(files)]


def misfit(card: Any, ratio: int, names: Iterable[str], zoom_in: int) -> str | None:
    """Why these weights cannot compress these fields, in one sentence; None when they can."""
    if card.ratio != ratio:
        return f"The weights {card.name} compress {card.ratio} times, not {ratio}: choose others."
    other = [name for name in names if card.variables is not None and name not in card.variables]
    if other and card.family.startswith(f"{JOINT}-"):
        return (
            f"The weights {card.name} compress {', '.join(card.variables)} together, not {', '.join(other)}: "
            "name some of these (--variable) or choose other weights."
        )
    if other:
        return (
            f"The weights {card.name} were made for {', '.join(card.variables)}, not for {', '.join(other)}: "
            f"choose the general weights (general-{ratio}x)."
        )
    low, high = card.zooms
    if not low <= zoom_in <= high:
        return (
            f"The weights {card.name} take fields of zoom {low} to {high}, this one has zoom {zoom_in}: "
            "regrid it with `fsae prepare --zoom` or choose other weights."
        )
    return None
