"""Ready models from weights files; the shipped ones by name."""

from __future__ import annotations

__all__ = ["ModelCard", "load_model", "shipped_models"]

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from fsae_core.errors import UserError
from fsae_core.model.adaptive import AdaptiveModel
from fsae_core.model.adaptive_archive import AdaptiveArchiveModel
from fsae_core.model.adaptive_card import adaptive_cards
from fsae_core.model.archive_model import ArchiveModel
from fsae_core.model.autoencoder import AutoencoderConfig, FieldSpaceAutoencoder
from fsae_core.model.card import (
    CNN_PREFIX,
    GENERAL,
    JOINT_PREFIX,
    ModelCard,
    find_card,
    shipped_models,
)
from fsae_core.model.cnn_model import CnnModel
from fsae_core.model.compression import CompressionModel, GeneralModel
from fsae_core.model.device import pick_device
from fsae_core.model.joint_general import JointGeneralModel
from fsae_core.model.joint_model import JointModel


def load_model(name_or_path: str | Path, device: str = "auto", ratio: int | None = None) -> CompressionModel:
    """A ready model from a shipped name or a file, cached.

    device: auto (cuda, then mps, then cpu) or torch's names; ratio: which, where a file holds several. Raises
    UserError when there is no such name or file, it is damaged, or the device is not there.
    """
    name = str(name_or_path)
    adaptive = {card.name: card for card in adaptive_cards(shipped_models())}
    if name in adaptive:
        parts = [load_model(part, device) for part in adaptive[name].config["weights"]]
        models: Any = {part.card.ratio: part for part in parts}
        whole = AdaptiveModel if isinstance(parts[0], GeneralModel) else AdaptiveArchiveModel
        return whole(adaptive[name].ratio, models)
    card, path = find_card(name_or_path, ratio)
    return _load(card.name, card.ratio, path, path.stat().st_mtime_ns, str(pick_device(device)))


@lru_cache(maxsize=16)
def _load(name: str, ratio: int, path: Path, stamp: int, device: str) -> CompressionModel:
    from safetensors.numpy import load_file

    card, _ = find_card(path, ratio)
    return _build(card, load_file(path), device)


def _build(card: ModelCard, tensors: Mapping[str, NDArray[Any]], device: str) -> CompressionModel:
    try:
        if card.family.startswith(CNN_PREFIX):
            return CnnModel.from_tensors(card, tensors, device)
        if card.family == JOINT_PREFIX + GENERAL:
            base = load_model(str(card.config["base"]), device)
            return JointGeneralModel.from_tensors(card, tensors, cast(GeneralModel, base), device)
        if card.family.startswith(JOINT_PREFIX):
            return JointModel.from_tensors(card, tensors, device)
        if card.family != GENERAL:
            return ArchiveModel.from_tensors(card, tensors, device)
        network = FieldSpaceAutoencoder(AutoencoderConfig(**card.config))
        network.load_state_dict({k: torch.from_numpy(np.asarray(v, np.float32)) for k, v in tensors.items()})
    except (KeyError, TypeError, RuntimeError) as error:
        raise UserError(
            f"The weights {card.name} do not fit their own configuration: the file is damaged or of another "
            "version; use the one that `fsae train` wrote."
        ) from error
    return GeneralModel(card, network, device)
