"""Weights for several variables of an archive together: climatology and linear maps in closed form, then a
network that sees all variables at once."""

from __future__ import annotations

__all__ = ["JointTask", "train_joint"]

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from safetensors.numpy import load_file
from torch import Tensor, nn

from fsae_core.errors import UserError
from fsae_core.model.card import ModelCard, save_weights, weights_path
from fsae_core.model.compression import surface_tensor
from fsae_core.model.device import pick_device
from fsae_core.model.joint_fit import JointFit, fit_directions
from fsae_core.model.joint_linear import JointLinear, JointLinearConfig
from fsae_core.model.joint_model import season
from fsae_core.model.joint_network import PATCH_LEVELS, JointNetwork, JointNetworkConfig
from fsae_core.model.joint_scale import RAIN
from fsae_core.sphere.healpix import n_cells
from fsae_core.training.joint_periods import JointPeriod, joint_periods
from fsae_core.training.joint_steps import RATIOS, last_steps, rounded
from fsae_core.training.loop import LoopConfig, Progress, fit, state_path
from fsae_core.training.periods import by_zoom, splits_by_name
from fsae_core.training.record import machine_record

SHARES = {1: 0.4, 2: 0.4, 3: 0.2}
"""Of the time for networks, by the zoom of the bottleneck."""
_ONE_ABSENT = 0.8
Floats = NDArray[np.float32]
_log = logging.getLogger(__name__)


class JointTask:
    """Squared error of all variables, each in units of what the linear maps alone leave.

    hidden: share of batches in which variables are not there, most often one: the others must be told
    without, from as many numbers as all would take or from their own.
    """

    def __init__(
        self,
        module: JointNetwork,
        maps: JointLinear,
        train: Sequence[JointPeriod],
        check: JointPeriod | None,
        device: torch.device,
        *,
        batch: int = 8,
        hidden: float = 0.4,
    ) -> None:
        self.module, self.maps, self.train, self.check, self.device = module, maps, train, check, device
        self.batch, self.hidden = batch, hidden
        self.spread = maps.spread.astype(np.float32)[:, None]
        self._surface = surface_tensor(maps.config.zoom, "cpu").to(device)
        self._tokens = n_cells(max(0, maps.config.zoom - PATCH_LEVELS))
        sizes = np.array([len(period) for period in train], float)
        self._odds = sizes / sizes.sum()
        sample = train[0].anomalies[:: max(1, len(train[0]) // 200)]
        everything = range(len(maps.config.variables))
        left = maps.decode(maps.encode(sample, everything), everything) - sample
        self.left = torch.from_numpy(np.square(left / self.spread).mean(axis=(0, 2))).to(device)

    def shares(
        self,
        forward: nn.Module,
        period: JointPeriod,
        chosen: Any,
        there: Sequence[int],
        floats: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Squared errors (batch, variables) in units of `left`, with and without the network."""
        x = period.anomalies[chosen]
        decoded = self.maps.decode(self.maps.encode(x[:, there], there, floats), there, floats)
        truth, y = (torch.from_numpy(a / self.spread).to(self.device) for a in (x, decoded))
        known = torch.zeros(x.shape[1], dtype=torch.bool, device=self.device)
        known[list(there)] = True
        told = season(period.phase[chosen], self._tokens).to(self.device)
        better = forward(y, known, told, self._surface)
        with_it, without = ((a - truth).square().mean(-1) / self.left for a in (better, y))
        return with_it, without

    def loss(self, forward: nn.Module, rng: np.random.Generator) -> Tensor:
        """Mean over a batch of one period and the variables that are there."""
        period = self.train[int(rng.choice(len(self.train), p=self._odds))]
        chosen = rng.integers(len(period), size=self.batch)
        variables = len(self.maps.config.variables)
        there, floats = list(range(variables)), None
        if variables > 1 and rng.random() < self.hidden:
            absent = 1 if rng.random() < _ONE_ABSENT else int(rng.integers(1, variables))
            there = sorted(int(v) for v in rng.choice(variables, size=variables - absent, replace=False))
            floats = variables if rng.random() < 0.5 else None
        return self.shares(forward, period, chosen, there, floats)[0][:, there].mean()

    def by_variable(self, module: nn.Module, period: JointPeriod) -> NDArray[np.float64]:
        """RMSE with the network over that without, (variables,)."""
        everything = list(range(len(self.maps.config.variables)))
        parts = [self.shares(module, period, slice(i, i + 16), everything) for i in range(0, len(period), 16)]
        with_it, without = (torch.cat([p[k] for p in parts]).mean(0) for k in (0, 1))
        return np.asarray((with_it / without).sqrt().cpu().numpy(), np.float64)

    def validate(self, module: nn.Module) -> float | None:
        """Mean over the variables of RMSE over that of the linear maps alone; None without a period."""
        return None if self.check is None else float(self.by_variable(module, self.check).mean())


def train_joint(
    datasets: Sequence[xr.Dataset],
    out: Path,
    *,
    variables: Sequence[str] | None = None,
    minutes: float = 10.0,
    resume: bool = False,
    device: str = "auto",
    seed: int = 0,
    learning_rate: float = 2e-3,
    init: str | Path | None = None,
    settings: JointFit | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Fit and train on canonical archives that share variables: an abundant coarse one and perhaps a scarce
    finer one.

    variables: by default those of t2m, u10, v10, msl and pr or tp that all archives have. minutes: for the
    networks, shared among the bottlenecks. init: weights whose networks these start from. Of a network a
    variable takes what helps it on the validation period. Raises UserError as `train_archive` does, or where
    the archives share no variable.
    """
    ordered, zooms = by_zoom(datasets)
    names = _shared(ordered, variables)
    fitting = settings or JointFit()
    climates, train, check = joint_periods(ordered, names)
    coarse = zooms[0]
    bottlenecks = sorted({z - level for z in zooms for level in (2, 3) if 0 <= z - level < coarse})
    if not bottlenecks:
        raise UserError(
            f"An archive of zoom {coarse} is too coarse to be compressed 16 times: give a finer one."
        )
    at_coarse = [train[0], *(period.restricted(names) for period in train[1:])]
    begun = load_file(weights_path(init)) if init else {}
    tensors: dict[str, NDArray[Any]] = {}
    configs: dict[str, Any] = {}
    record: dict[str, Any] = {}
    largest: dict[int, JointLinear] = {}
    for bottleneck in sorted(bottlenecks, reverse=True):
        patch_zoom = max(0, bottleneck - 2)
        config = JointLinearConfig(names, coarse, bottleneck, patch_zoom)
        prefix = f"maps.{patch_zoom}"
        if patch_zoom not in largest:
            fine = at_coarse[1].anomalies if len(at_coarse) > 1 else None
            largest[patch_zoom] = fit_directions(train[0].anomalies, config, fitting, fine)
            tensors |= rounded(largest[patch_zoom].tensors(prefix))
        # What is stored is rounded: the network learns on the maps as they will be read.
        maps = JointLinear.from_tensors(config, tensors, prefix)
        configs[str(bottleneck)], told, state = _network(
            maps,
            at_coarse,
            check,
            out.with_name(f"{out.stem}-z{bottleneck}{out.suffix}"),
            minutes=minutes * SHARES.get(bottleneck, 0.0),
            resume=resume,
            device=device,
            seed=seed,
            rate=learning_rate,
            progress=progress,
            begun={k.removeprefix(f"z{bottleneck}."): v for k, v in begun.items()},
        )
        configs[str(bottleneck)]["patch_zoom"] = patch_zoom
        record[str(bottleneck)] = told
        tensors |= {f"z{bottleneck}.{k}": v for k, v in state.items()}
        _log.info("bottleneck at zoom %d: %s", bottleneck, told)
    spread = next(iter(largest.values())).spread.astype(np.float32)
    for zoom, climate in climates.items():
        tensors |= climate.tensors(zoom, spread)
    card = ModelCard(
        name="",
        family=f"joint-{ordered[0].attrs.get('fsae_climatology') or out.stem}",
        ratio=0,
        variables=names,
        zooms=(zooms[0], zooms[-1]),
        parameters=0,
        config={"variables": list(names), "zooms": list(zooms), "bottlenecks": configs},
        split=splits_by_name(ordered),
        training={"minutes": minutes, "bottlenecks": record, **machine_record(pick_device(device))},
    )
    tensors |= last_steps(card, tensors, zooms, bottlenecks, train, fitting)
    held = [r for r in RATIOS if all(z - round(np.log2(r) / 2) in bottlenecks for z in zooms)]
    card = ModelCard(**{**vars(card), "parameters": sum(v.size for v in tensors.values())})
    save_weights(out, card, tensors, ratios=held)
    for bottleneck in bottlenecks:
        state_path(out.with_name(f"{out.stem}-z{bottleneck}{out.suffix}")).unlink(missing_ok=True)
    steps = sum(told["steps"] for told in record.values())
    checked = [part["validation"] for part in record.values() if part["validation"] is not None]
    return {
        "steps": steps,
        "val_rmse": checked[0] if checked else None,
        "val_rmse_means": "share of the RMSE of the linear maps alone, mean over the variables",
        "bottlenecks": record,
    }


def _shared(ordered: Sequence[xr.Dataset], wanted: Sequence[str] | None) -> tuple[str, ...]:
    shared = [str(n) for n in ordered[0].data_vars if n != "crs" and all(n in ds for ds in ordered)]
    names = tuple(wanted or (v for v in ("t2m", "u10", "v10", "msl", *RAIN) if v in shared))
    missing = [v for v in names if v not in shared]
    if missing or not names:
        raise UserError(
            f"The variables {', '.join(missing) or 'to learn'} are not in all archives, which share "
            f"{', '.join(shared) or 'none'}: choose of these."
        )
    return names


def _network(
    maps: JointLinear,
    train: Sequence[JointPeriod],
    check: JointPeriod | None,
    out: Path,
    *,
    minutes: float,
    resume: bool,
    device: str,
    seed: int,
    rate: float,
    progress: Progress | None,
    begun: dict[str, NDArray[Any]],
) -> tuple[dict[str, Any], dict[str, Any], dict[str, NDArray[Any]]]:
    """Settings, record and tensors of the network on these maps; no tensors where it helps no variable.

    begun: tensors that it starts from, where they fit.
    """
    told: dict[str, Any] = {"validation": None, "steps": 0, "helped": []}
    if minutes <= 0:
        return {"network": None, "helped": []}, told, {}
    names = maps.config.variables
    torch.manual_seed(seed)
    network = JointNetwork(JointNetworkConfig(names, conditions=4, surface_zoom=maps.config.zoom))
    own = network.state_dict()
    fitting = {k: v for k, v in begun.items() if k in own and own[k].shape == v.shape}
    network.load_state_dict({k: torch.from_numpy(v.astype(np.float32)) for k, v in fitting.items()}, False)
    task = JointTask(network, maps, train, check, pick_device(device))
    loop = LoopConfig(learning_rate=rate, weight_decay=0.1)
    outcome = fit(
        task, out, minutes=minutes, config=loop, resume=resume, seed=seed, device=device, progress=progress
    )
    network.load_state_dict(outcome.state)
    shares = np.zeros(len(names))
    if check is not None:
        with torch.no_grad():
            shares = task.by_variable(network.eval(), check)
    helped = [v for v, share in zip(names, shares, strict=True) if share < 1]
    told = {
        "validation": outcome.validation,
        "started_from_weights": bool(fitting),
        "steps": outcome.steps,
        "seconds": round(outcome.seconds, 1),
        "shares": dict(zip(names, shares.round(4).tolist(), strict=True)),
        "helped": helped,
        "history": outcome.history[-30:],
    }
    if not helped:
        return {"network": None, "helped": []}, told, {}
    settings = {k: v for k, v in asdict(network.config).items() if k != "variables"}
    state = {k: v.cpu().numpy() for k, v in outcome.state.items()}
    return {"network": settings, "helped": helped}, told, state
