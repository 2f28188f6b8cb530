"""Weights in one safetensors file: tensors in float16, and in its header all that is needed to use them.

The header holds the card (family, ratio, variables, zooms, split), the configuration and the training
record. Loading needs no YAML, no network and no pickle.
"""

from __future__ import annotations

__all__ = ["ModelCard", "load_model", "read_card", "save_weights", "shipped_models"]

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.assets import asset_path
from fsae_core.errors import UserError

if TYPE_CHECKING:
    from fsae_core.model.compression import CompressionModel

_FORMAT = 1
_HEADER = "fsae"


@dataclass(frozen=True)
class ModelCard:
    """What a weights file is.

    family: "general" (any field, normalised by its own mean and spread) or "archive" weights named after
    their archive; variables: those it takes, None for any; zooms: lowest and highest of the input;
    parameters: of the network, side maps included; split: training, validation and test times; training:
    the record of how it was made.
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


def save_weights(
    path: Path, card: ModelCard, tensors: Mapping[str, NDArray[Any]], *, half: bool = True
) -> ModelCard:
    """Write weights, atomically; float32 arrays become float16 unless `half` is False.

    The card as it is on disk.
    """
    from safetensors.numpy import save

    arrays = {
        k: np.ascontiguousarray(v.astype(np.float16) if half and v.dtype == np.float32 else v)
        for k, v in tensors.items()
    }
    header = {k: v for k, v in asdict(card).items() if k not in ("name", "bytes", "sha256")}
    raw = save(arrays, metadata={_HEADER: json.dumps({"format": _FORMAT, **header}, sort_keys=True)})
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(raw)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return read_card(path)


def read_card(path: Path) -> ModelCard:
    """The card of a weights file, without its tensors.

    UserError when it is not one of ours or damaged.
    """
    return _read_card(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=64)
def _read_card(path: Path, _: int) -> ModelCard:
    from safetensors import SafetensorError, safe_open

    try:
        raw = path.read_bytes()
        with safe_open(path, framework="np") as file:
            header = json.loads((file.metadata() or {})[_HEADER])
        if header.pop("format") != _FORMAT:
            raise KeyError("format")
        known = {f.name for f in fields(ModelCard)}
        header = {k: v for k, v in header.items() if k in known}
        for name in ("variables", "zooms"):
            header[name] = None if header[name] is None else tuple(header[name])
        return ModelCard(name=path.stem, bytes=len(raw), sha256=hashlib.sha256(raw).hexdigest(), **header)
    except FileNotFoundError as error:
        raise UserError(
            f"There are no weights at {path}: name shipped ones or a .safetensors file."
        ) from error
    except (OSError, SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise UserError(
            f"{path.name} is not a weights file of this library or is damaged: expected a .safetensors file "
            "that `fsae train` wrote; use another one."
        ) from error


def shipped_models() -> list[ModelCard]:
    """Cards of the weights that come with the library, general ones first, then by ratio."""
    folder = asset_path("weights")
    cards = [read_card(path) for path in folder.glob("*.safetensors")]
    return sorted(cards, key=lambda card: (card.family != "general", card.family, card.ratio))


def weights_path(name_or_path: str | Path) -> Path:
    """A shipped name (general-64x) or a path -> the file.

    UserError when there is neither.
    """
    path = Path(name_or_path)
    if path.suffix == ".safetensors" or isinstance(name_or_path, Path):
        return path
    names = {card.name for card in shipped_models()}
    if str(name_or_path) not in names:
        raise UserError(
            f"There are no weights named {name_or_path}: choose one of {', '.join(sorted(names))} or give a "
            ".safetensors file."
        )
    return asset_path("weights", f"{name_or_path}.safetensors")


@lru_cache(maxsize=16)
def _load(path: Path, stamp: int, device: str) -> CompressionModel:
    from safetensors.numpy import load_file

    from fsae_core.model.compression import build_model

    return build_model(read_card(path), load_file(path), device)


def load_model(name_or_path: str | Path, device: str = "auto") -> CompressionModel:
    """A ready model from a shipped name or a file, cached.

    device: auto (cuda, then mps, then cpu) or torch's names.
        Raises UserError when there is no such name or file, it is damaged, or the device is not there.
    """
    from fsae_core.model.device import pick_device

    path = weights_path(name_or_path)
    return _load(path, path.stat().st_mtime_ns if path.is_file() else 0, str(pick_device(device)))
