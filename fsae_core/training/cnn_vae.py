"""Train the convolutional baseline on what the Field-Space Autoencoder learns from: same archives, splits,
draws, loss and loop."""

from __future__ import annotations

__all__ = ["configurations", "train_cnn_vae"]

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fsae_core.archive.reader import open_archive
from fsae_core.errors import UserError
from fsae_core.model.card import CNN_PREFIX, ModelCard, find_card, save_weights
from fsae_core.model.cnn_vae import CnnVae, CnnVaeConfig
from fsae_core.model.device import pick_device
from fsae_core.sphere.healpix import zoom_of
from fsae_core.sphere.pyramid import prolong
from fsae_core.training.cnn_tasks import CnnAnomalyTask, CnnFieldTask
from fsae_core.training.fields import FieldPool
from fsae_core.training.loop import LoopConfig, Outcome, Progress, fit, state_path
from fsae_core.training.mixture import GENERAL_ZOOMS, gather_sets, sunlit_range, zoom_weight
from fsae_core.training.periods import anomalies_of, by_zoom, shared_variable, splits_by_name
from fsae_core.training.record import training_record

_CELLS = 2 * 12 * 4**6
"""A batch holds as many cells as two fields of zoom 6: steps count more than their size."""
_FINE_SHARE = 0.3
"""Of the minutes, for the finer of two archives."""
_PROLONGED = 0.5
"""How often a batch for the finer archive is of prolonged coarse fields."""


def configurations() -> dict[str, CnnVaeConfig]:
    """Named configurations: general-4x to general-256x, with `-small` of about as many parameters as the
    Field-Space Autoencoder; archive-4x to archive-256x for anomalies of one archive."""
    known = {}
    for levels in (1, 2, 3, 4):
        ratio = 4**levels
        known[f"general-{ratio}x"] = CnnVaeConfig(levels)
        known[f"general-{ratio}x-small"] = CnnVaeConfig(levels, widths=(24, 32, 40))
        known[f"archive-{ratio}x"] = _for_anomalies(levels)
    return known


def _for_anomalies(levels: int) -> CnnVaeConfig:
    # Thousands of maps: nothing needs to be dropped, and more maps of places can be learned.
    widths = (64, 96, 128 if levels < 4 else 96)
    return CnnVaeConfig(
        levels, widths=widths, season=True, surface_channels=8, dropout=0.0, surface_dropout=0.0
    )


def train_cnn_vae(
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
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train on the training times of the archives and write weights; the record comes back.

    init: name of shipped weights or a file to start from; for an archive, zooms that it holds at this ratio
    are kept as they are. Raises UserError for an unknown configuration, archives without training times or
    too coarse, or a checkpoint that does not fit.
    """
    known = configurations()
    if config not in known:
        raise UserError(f"There is no configuration {config}: choose one of {', '.join(known)}.")
    run = _Run(known[config], out, minutes, resume, init, device, seed, learning_rate, progress)
    return run.anomalies(archives) if known[config].season else run.fields(archives)


class _Run:
    """One training with its options."""

    def __init__(
        self,
        settings: CnnVaeConfig,
        out: Path,
        minutes: float,
        resume: bool,
        init: str | None,
        device: str,
        seed: int,
        rate: float | None,
        progress: Progress | None,
    ) -> None:
        self.settings, self.out, self.minutes = settings, out, minutes
        self.resume, self.device, self.seed, self.progress = resume, device, seed, progress
        self.loop = LoopConfig(learning_rate=rate or 3e-3)
        self.init = None if init is None else find_card(init)
        self.where = pick_device(device)
        self.clock = time.process_time()
        torch.manual_seed(seed)

    def _network(self, settings: CnnVaeConfig, start: Mapping[str, torch.Tensor]) -> CnnVae:
        """Fresh but for what fits of `start`."""
        network = CnnVae(settings)
        own = network.state_dict()
        found = {k: v for k, v in start.items() if k in own and own[k].shape == v.shape}
        if start and not found:
            raise UserError(
                f"The weights to start from have no layer in common with a model of ratio {settings.ratio}: "
                "start from other weights."
            )
        network.load_state_dict(found, strict=False)
        return network

    def _start(self, name: str) -> dict[str, torch.Tensor]:
        if self.init is None:
            return {}
        from safetensors.torch import load_file

        tensors = load_file(self.init[1])
        prefixes = [f"{name}."] if f"{name}.stem.weight" in tensors else ["any."]
        return {k.removeprefix(p): v.float() for p in prefixes for k, v in tensors.items() if k.startswith(p)}

    def _fit(self, task: Any, out: Path, minutes: float) -> Outcome:
        return fit(
            task,
            out,
            minutes=minutes,
            config=self.loop,
            resume=self.resume,
            seed=self.seed,
            device=self.device,
            progress=self.progress,
        )

    def fields(self, archives: Sequence[str]) -> dict[str, Any]:
        """General weights."""
        coarsest = max(GENERAL_ZOOMS[0], self.settings.levels)
        train, check, splits = gather_sets(archives, coarsest)
        settings = replace(self.settings, sunlit=sunlit_range(train))
        network = self._network(settings, self._start("any"))
        zooms = sorted({one.zoom for one in train})
        pool = FieldPool(train, lambda zoom: zoom_weight(zooms, zoom), _CELLS)
        outcome = self._fit(CnnFieldTask(network, pool, check, self.where), self.out, self.minutes)
        record = self._record(archives, outcome) | {"fields": len(pool), "zooms": zooms}
        self._save(
            {"any": (settings, outcome.state)}, {}, ("general", None, GENERAL_ZOOMS), splits, record, {}
        )
        state_path(self.out).unlink(missing_ok=True)
        return {
            "steps": outcome.steps,
            "val_rmse": outcome.validation,
            "val_rmse_means": "share of the RMSE of block mean and smooth prolongation, on validation times",
            "fields": len(pool),
            "split": splits,
        }

    def anomalies(self, archives: Sequence[str]) -> dict[str, Any]:
        """Weights for one archive of one variable: a network for each of its zooms, the finer one started
        from the coarser one."""
        ordered, zooms = by_zoom([open_archive(source) for source in archives])
        name = shared_variable(ordered, None)
        fine = ordered[1] if len(ordered) > 1 else None
        climatologies, train, check = anomalies_of(name, ordered)
        scale = float(train[0].anomalies.std())
        minutes = (
            [self.minutes] if fine is None else [(1 - _FINE_SHARE) * self.minutes, _FINE_SHARE * self.minutes]
        )
        networks: dict[str, Any] = {}
        record: dict[str, Any] = {"zooms": zooms, "networks": {}}
        start: dict[str, torch.Tensor] = {}
        for i, zoom in enumerate(zooms):
            settings = replace(self.settings, surface_zoom=zoom)
            held = self._start(str(zoom))
            same = self.init is not None and self.init[0].ratio == self.settings.ratio
            earlier = self.init[0].training.get("networks", {}) if self.init and same else {}
            if str(zoom) in earlier:
                networks[str(zoom)] = (settings, held)
                record["networks"][str(zoom)] = earlier[str(zoom)]
                start = held
                continue
            begin = dict(start or held)
            if "surface.channels" in begin:
                step = zoom - zoom_of(begin["surface.channels"].shape[-1])
                begin["surface.channels"] = prolong(begin["surface.channels"], max(step, 0))
            network = self._network(settings, begin)
            fields = [(train[i].anomalies, train[i].phase, 1.0 if i == 0 else 1 - _PROLONGED)]
            if i:
                fields.append((prolong(train[0].anomalies, zoom - zooms[0]), train[0].phase, _PROLONGED))
            known = None if check is None or i else (check.anomalies, check.phase)
            task = CnnAnomalyTask(network, fields, known, scale, self.where)
            out = self.out.with_name(f"{self.out.stem}-z{zoom}{self.out.suffix}")
            outcome = self._fit(task, out, minutes[i])
            record["networks"][str(zoom)] = self._record(archives, outcome)
            networks[str(zoom)] = (settings, outcome.state)
            start = outcome.state
        for total in ("minutes", "cpu_seconds", "steps"):
            record[total] = round(sum(one[total] for one in record["networks"].values()), 2)
        tensors = {
            f"climatology.{zoom}.{k}": v for zoom, c in climatologies.items() for k, v in c.to_dict().items()
        }
        family = str(
            ordered[0].attrs.get("fsae_climatology") or ordered[0].attrs.get("fsae_name") or self.out.stem
        )
        self._save(
            networks,
            tensors,
            (family, (name,), (zooms[0], zooms[-1])),
            splits_by_name(ordered),
            record,
            {"climatologies": sorted(climatologies), "scale": scale},
        )
        for zoom in zooms:
            state_path(self.out.with_name(f"{self.out.stem}-z{zoom}{self.out.suffix}")).unlink(
                missing_ok=True
            )
        return {
            "steps": record["steps"],
            "val_rmse": record["networks"][str(zooms[0])]["validation"],
            "networks": record["networks"],
        }

    def _record(self, archives: Sequence[str], outcome: Outcome) -> dict[str, Any]:
        started_from = None if self.init is None else self.init[1].stem
        spent = round(time.process_time() - self.clock, 1)
        record = training_record(outcome, archives, self.loop, self.where, started_from)
        return record | {"cpu_seconds": spent}

    def _save(
        self,
        networks: Mapping[str, tuple[CnnVaeConfig, Mapping[str, torch.Tensor]]],
        others: Mapping[str, Any],
        what: tuple[str, tuple[str, ...] | None, tuple[int, int]],
        splits: Mapping[str, Any],
        record: Mapping[str, Any],
        config: Mapping[str, Any],
    ) -> None:
        tensors = {
            f"{name}.{k}": np.ascontiguousarray(v.cpu().numpy())
            for name, (_, state) in networks.items()
            for k, v in state.items()
        }
        family, variables, zooms = what
        card = ModelCard(
            name="",
            family=CNN_PREFIX + family,
            ratio=self.settings.ratio,
            variables=variables,
            zooms=(max(zooms[0], self.settings.levels), zooms[1]),
            parameters=sum(v.size for v in tensors.values()),
            config={
                "networks": {name: asdict(settings) for name, (settings, _) in networks.items()},
                "climatologies": [],
                **config,
            },
            split=splits,
            training=record,
        )
        save_weights(self.out, card, {**tensors, **others})
