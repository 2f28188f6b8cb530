"""Weights in one safetensors file: tensors, and in its header all that is needed to use them.

The header holds the card (family, ratio, variables, zooms, split), the configuration and the training
record. Reading needs no YAML, no network and no pickle.
"""

from __future__ import annotations

__all__ = [
    "CNN_PREFIX",
    "JOINT_PREFIX",
    "ModelCard",
    "find_card",
    "read_cards",
    "save_weights",
    "shipped_models",
    "weights_path",
]

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fsae_core.assets import asset_path
from fsae_core.errors import UserError

_FORMAT = 1
_HEADER = "fsae"
GENERAL = "general"
CNN_PREFIX = "cnn-vae-"
"""Before the family of a convolutional baseline's weights."""
JOINT_PREFIX = "joint-"
"""Before the family of weights for several variables together."""


@dataclass(frozen=True)
class ModelCard:
    """What a set of weights is.

    family: "general" (any field, normalised by its own mean and spread) or the archive that they were fitted
    to; variables: those it takes, None for any; zooms: lowest and highest of the input; parameters: numbers
    in the file, side maps included; split: training, validation and test times; training: the record of how
    it was made. bytes and sha256 are the file's, which may hold several ratios.
    """

    name: str
    family: str
    ratio: int
    variables: tuple[str, ...] | None
    zooms: tuple[int, int]
    parameters: int
    config: Mapping[str, Any]
    split: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    bytes: int = 0
    sha256: str = ""

    def trained_on(self, archive: str, times: ArrayLike) -> NDArray[np.bool_]:
        """Which times (time,) of the archive of that name these weights learned from."""
        stamps = np.asarray(times).astype("datetime64[s]")
        period = self.split.get(archive, {}).get("train")
        if period is None:
            return np.zeros(stamps.shape, bool)
        first, last = (np.datetime64(day, "D") for day in period)
        return np.asarray((stamps >= first) & (stamps < last + 1))


_DERIVED = ("name", "ratio", "bytes", "sha256")


def save_weights(
    path: Path,
    card: ModelCard,
    tensors: Mapping[str, NDArray[Any]],
    *,
    ratios: Sequence[int] | None = None,
    exact: str = "climatology.",
) -> list[ModelCard]:
    """Write weights, atomically, float32 as float16 save for names starting with `exact`.

    ratios: where the file holds weights for several. The cards as they are on disk come back.
    """
    from safetensors.numpy import save

    arrays = {
        k: np.ascontiguousarray(
            v.astype(np.float16) if v.dtype == np.float32 and not k.startswith(exact) else v
        )
        for k, v in tensors.items()
    }
    header = {k: v for k, v in asdict(card).items() if k not in _DERIVED}
    header |= {"format": _FORMAT, "ratios": list(ratios or [card.ratio])}
    raw = save(arrays, metadata={_HEADER: json.dumps(header, sort_keys=True)})
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(raw)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return read_cards(path)


def read_cards(path: Path) -> list[ModelCard]:
    """The cards of a weights file, one a ratio, without its tensors. UserError when it is foreign or
    damaged."""
    return list(_read_cards(path, path.stat().st_mtime_ns if path.is_file() else 0))


def _check_header(header: Mapping[str, Any], ratios: Any) -> None:
    """TypeError where a header's entries are not what every reader of a card takes them for."""
    variables, zooms = header["variables"], header["zooms"]
    sound = variables is None or all(isinstance(name, str) for name in variables)
    sound = sound and len(zooms) == 2 and all(isinstance(zoom, int) for zoom in zooms)
    sound = sound and all(isinstance(header.get(key, {}), dict) for key in ("config", "split", "training"))
    if not (sound and ratios and isinstance(header["family"], str)):
        raise TypeError("entries of the header")


@lru_cache(maxsize=64)
def _read_cards(path: Path, _: int) -> tuple[ModelCard, ...]:
    from safetensors import SafetensorError, safe_open

    try:
        raw = path.read_bytes()
        with safe_open(path, framework="np") as file:
            header = json.loads((file.metadata() or {})[_HEADER])
        if header.pop("format") != _FORMAT:
            raise KeyError("format")
        ratios = header.pop("ratios")
        known = {f.name for f in fields(ModelCard)} - set(_DERIVED)
        header = {k: v for k, v in header.items() if k in known}
        for name in ("variables", "zooms"):
            header[name] = None if header[name] is None else tuple(header[name])
        _check_header(header, ratios)
        digest = hashlib.sha256(raw).hexdigest()
        card = ModelCard(name=path.stem, ratio=0, bytes=len(raw), sha256=digest, **header)
        several = len(ratios) > 1
        return tuple(
            replace(card, ratio=int(r), name=f"{path.stem}-{r}x" if several else path.stem) for r in ratios
        )
    except FileNotFoundError as error:
        raise UserError(
            f"There are no weights at {path}: name shipped ones or a .safetensors file."
        ) from error
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path.name} is not a weights file of this library or is damaged: expected a .safetensors file "
            "that `fsae train` wrote; use another one."
        ) from error


def _shipped() -> list[tuple[ModelCard, Path]]:
    paths = sorted(asset_path("weights").glob("*.safetensors"))
    # Weights that draw fields compress none: `fsae_core.diffusion` finds its own.
    compressing = [path for path in paths if not path.name.startswith("diffusion-")]
    return [(card, path) for path in compressing for card in read_cards(path)]


def shipped_models() -> list[ModelCard]:
    """Cards of the weights that come with the library, general ones first, then by ratio."""
    cards = [card for card, _ in _shipped()]
    return sorted(cards, key=lambda card: (card.family != GENERAL, card.family, card.ratio))


def weights_path(name_or_path: str | Path) -> Path:
    """A shipped name (general-64x) or a path -> the file. UserError when there is neither."""
    path = Path(name_or_path)
    if path.suffix == ".safetensors":
        return path
    shipped = {card.name: where for card, where in _shipped()}
    if str(name_or_path) not in shipped:
        raise UserError(
            f"There are no weights named {name_or_path}: choose one of {', '.join(sorted(shipped))} or give "
            "a .safetensors file."
        )
    return shipped[str(name_or_path)]


def find_card(name_or_path: str | Path, ratio: int | None = None) -> tuple[ModelCard, Path]:
    """The card that a name, or a path and a ratio, stand for, and its file.

    Raises UserError when the file holds several ratios and none of them is named.
    """
    path = weights_path(name_or_path)
    cards = read_cards(path)
    named = [card for card in cards if card.name == str(name_or_path) or len(cards) == 1]
    chosen = named or [card for card in cards if card.ratio == ratio]
    if not chosen:
        held = ", ".join(str(card.ratio) for card in cards)
        raise UserError(f"{path.name} holds weights for ratios {held}, not {ratio}: choose one.")
    return chosen[0], path
