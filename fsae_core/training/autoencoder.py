"""Train a Field-Space Autoencoder: general weights, or weights tuned to an archive of one's own."""

from __future__ import annotations

__all__ = ["AutoencoderTask", "configurations", "train_autoencoder"]

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from fsae_core.archive.reader import open_archive
from fsae_core.errors import UserError
from fsae_core.model.autoencoder import AutoencoderConfig, Conditions, FieldSpaceAutoencoder
from fsae_core.model.card import ModelCard, save_weights, shipped_models, weights_path
from fsae_core.model.compression import surface_tensor
from fsae_core.model.conditioning import solar_features
from fsae_core.model.device import pick_device
from fsae_core.model.quantiser import Rounding, quantised
from fsae_core.training.archive import train_archive
from fsae_core.training.fields import Draw, FieldPool, FieldSet
from fsae_core.training.joint import train_joint
from fsae_core.training.joint_general import train_joint_general
from fsae_core.training.loop import LoopConfig, Outcome, Progress, fit, state_path
from fsae_core.training.mixture import (
    GENERAL_ZOOMS,
    gather_sets,
    share_of_baseline,
    sunlit_range,
    zoom_weight,
)
from fsae_core.training.record import training_record

ARCHIVE = "archive"
"""The configuration that fits all ratios to one long archive, see `train_archive`."""
JOINT = "joint"
"""The same for several variables together, see `train_joint`."""
_CELLS = 8 * 12 * 4**6
"""A batch holds as many cells as eight fields of zoom 6."""


def configurations() -> dict[str, AutoencoderConfig]:
    """Named configurations: general-4x, general-16x, general-64x, general-256x, and general-1024x, which is
    for adaptive compressed fields alone."""
    return {f"general-{4**levels}x": AutoencoderConfig(levels=levels) for levels in (1, 2, 3, 4, 5)}


class AutoencoderTask:
    """Squared error of the reconstruction, each field's measured by what block mean and smooth prolongation
    miss.

    So a smooth pressure field and a ragged wind field count alike, and the loss reads as "share of the
    baseline's squared error". level_drop: share of batches in which finest levels are hidden from the
    encoder, for fields that come without them. step: of a quantiser between encoder and decoder, in units of
    a field's spread, 0 for none; validation always rounds.
    """

    def __init__(
        self,
        module: FieldSpaceAutoencoder,
        pool: FieldPool,
        check: Sequence[FieldSet],
        device: torch.device,
        level_drop: float = 0.1,
        step: float = 0.0,
        rounding: Rounding = Rounding.NOISE,
    ) -> None:
        self.module, self.pool, self.check, self.device = module, pool, check, device
        self.level_drop = level_drop
        self._rounded = self._rounded_to_judge = None
        if step:
            self._rounded = partial(quantised, step=step, rounding=rounding)
            self._rounded_to_judge = partial(quantised, step=step)

    def loss(self, forward: nn.Module, rng: np.random.Generator) -> Tensor:
        """Share of the baseline's squared error, mean over the batch."""
        config = self.module.config
        draw = self.pool.draw(rng, config.patch_levels, self.device)
        drop = int(rng.integers(1, config.levels + 1)) if rng.random() < self.level_drop else 0
        y, _ = forward(draw.fields, Conditions(draw.surface, draw.solar, draw.turn), drop, self._rounded)
        return share_of_baseline(y, draw.fields, config.levels).mean()

    def validate(self, module: nn.Module) -> float | None:
        """Root of the mean share over the check fields, unturned; None without any."""
        shares = []
        for one in self.check:
            for i in range(0, len(one.values), 8):
                draw = _plain(one, slice(i, i + 8), self.module.config.patch_levels, self.device)
                conditions = Conditions(draw.surface, draw.solar, None)
                y, _ = module(draw.fields, conditions, 0, self._rounded_to_judge)
                shares.append(share_of_baseline(y, draw.fields, self.module.config.levels))
        return float(torch.cat(shares).mean().sqrt()) if shares else None


def _plain(one: FieldSet, part: slice, patch_levels: int, device: torch.device) -> Draw:
    fields = one.values[part].float()
    solar = None
    if one.instant:
        solar = torch.from_numpy(solar_features(one.times[part], one.zoom - patch_levels)).to(device)
    surface = surface_tensor(one.zoom, "cpu").to(device)
    return Draw(fields.to(device), surface, solar, torch.arange(fields.shape[1]))


def _start_from(network: FieldSpaceAutoencoder, init: str, ratio: int) -> str:
    """Load what fits of other weights; layers whose shape differs with the ratio start fresh."""
    from safetensors.torch import load_file

    shipped = {card.name for card in shipped_models()}
    name = f"general-{ratio}x" if init == "general" else init
    path = weights_path(name if name in shipped else Path(name))

    own = network.state_dict()
    found = {k: v.float() for k, v in load_file(path).items() if k in own and own[k].shape == v.shape}
    if not found:
        raise UserError(
            f"{path.name} has no layer in common with a model of ratio {ratio}: start from other weights."
        )
    network.load_state_dict(found, strict=False)
    return path.stem


def _only(archives: Sequence[str]) -> xr.Dataset:
    if len(archives) != 1:
        raise UserError(
            f"{len(archives)} archives were given, but variables are learned together from one: give one."
        )
    return open_archive(archives[0])


def train_autoencoder(
    archives: Sequence[str],
    config: str,
    out: Path,
    *,
    minutes: float = 10.0,
    resume: bool = False,
    init: str | None = None,
    device: str = "auto",
    seed: int = 0,
    learning_rate: float | None = None,
    step: float = 0.0,
    rounding: str = Rounding.NOISE,
    variables: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train on the training times of the archives and write weights; the record comes back.

    init: "general", the name of shipped weights or a file to start from. step: of the quantiser that the
    decoder is to bear, in units of a field's spread (0 for none), and how training rounds by it. variables:
    which the configuration "joint" learns. Raises UserError for an unknown configuration, archives without
    training times or too coarse, an impossible step, or a checkpoint that does not fit.
    """
    if not 0 <= step <= 1:
        raise UserError(
            f"A quantisation step of {step:g} was asked for, expected 0 to 1 of a field's spread: choose "
            "another."
        )
    if rounding not in list(Rounding):
        raise UserError(f"Rounding by {rounding} was asked for: choose {' or '.join(Rounding)}.")
    if step and (config == ARCHIVE or config.startswith(JOINT)):
        raise UserError(
            f"A quantisation step of {step:g} was asked for, but only the general configurations of one "
            f"variable learn to bear it, not {config}: leave it out, or choose one of those."
        )
    if variables and config != JOINT:
        raise UserError(
            f"The variables {', '.join(variables)} were asked for, but {config} learns what the archives "
            f"hold: leave them out, or choose {JOINT}."
        )
    if config in (ARCHIVE, JOINT):
        datasets = [open_archive(source) for source in archives]
        options: dict[str, Any] = {
            "minutes": minutes,
            "resume": resume,
            "device": device,
            "seed": seed,
            "learning_rate": learning_rate or 2e-3,
            "progress": progress,
        }
        if config == JOINT:
            return train_joint(datasets, out, init=init, variables=variables or None, **options)
        return train_archive(datasets, out, **options)
    known = configurations()
    together = {f"{JOINT}-{name}": settings for name, settings in known.items() if settings.levels <= 4}
    if config in together:
        return train_joint_general(
            _only(archives),
            together[config].ratio,
            out,
            minutes=minutes,
            resume=resume,
            device=device,
            seed=seed,
            learning_rate=learning_rate or 1.5e-3,
            progress=progress,
        )
    if config not in known:
        names = [*known, ARCHIVE, JOINT, *together]
        raise UserError(f"There is no configuration {config}: choose one of {', '.join(names)}.")
    settings = known[config]
    torch.manual_seed(seed)
    network = FieldSpaceAutoencoder(settings)
    started_from = _start_from(network, init, settings.ratio) if init else None
    train, check, splits = gather_sets(archives, settings.patch_levels)
    zooms = sorted({one.zoom for one in train})
    settings = replace(settings, sunlit=sunlit_range(train))
    network.config = settings
    pool = FieldPool(train, lambda zoom: zoom_weight(zooms, zoom), _CELLS)
    task = AutoencoderTask(network, pool, check, pick_device(device), step=step, rounding=Rounding(rounding))
    rate = learning_rate or LoopConfig().learning_rate
    loop = LoopConfig(learning_rate=rate)
    outcome = fit(
        task, out, minutes=minutes, config=loop, resume=resume, seed=seed, device=device, progress=progress
    )
    card = _card(settings, outcome, task, splits, archives, zooms, started_from, loop)
    if step:
        card = replace(card, training={**card.training, "quantised": {"step": step, "rounding": rounding}})
    save_weights(out, card, {k: v.cpu().numpy() for k, v in outcome.state.items()})
    state_path(out).unlink(missing_ok=True)
    return {
        "steps": outcome.steps,
        "val_rmse": outcome.validation,
        "val_rmse_means": "share of the RMSE of block mean and smooth prolongation, on validation times",
        "fields": len(pool),
        "split": splits,
    }


def _card(
    settings: AutoencoderConfig,
    outcome: Outcome,
    task: AutoencoderTask,
    splits: dict[str, Any],
    archives: Sequence[str],
    zooms: Sequence[int],
    started_from: str | None,
    loop: LoopConfig,
) -> ModelCard:
    return ModelCard(
        name="",
        family="general",
        ratio=settings.ratio,
        variables=None,
        zooms=(max(GENERAL_ZOOMS[0], settings.patch_levels), GENERAL_ZOOMS[1]),
        parameters=sum(p.numel() for p in task.module.parameters()),
        config=asdict(settings),
        split=splits,
        training=training_record(outcome, archives, loop, task.device, started_from)
        | {"fields": len(task.pool), "zooms": list(zooms)},
    )
