"""An archive's own weights: climatology and linear maps in closed form, then a network on what they leave.

All bottlenecks are made in one go, since they share the basis: every zoom below the coarse one, and the
coarse zoom itself for the ratio of four at the fine zoom where there is one.
"""

from __future__ import annotations

__all__ = ["ArchiveTask", "train_archive"]

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor, nn

from fsae_core.model.archive_autoencoder import ArchiveAutoencoder, ArchiveConfig
from fsae_core.model.card import ModelCard, save_weights
from fsae_core.model.compression import surface_tensor
from fsae_core.model.device import pick_device
from fsae_core.model.linear import LinearFieldCodec
from fsae_core.model.linear_fit import LinearFit, fit_linear_codec
from fsae_core.training.loop import LoopConfig, Progress, fit, state_path
from fsae_core.training.periods import Period, anomalies_of, by_zoom, shared_variable, splits_by_name
from fsae_core.training.record import machine_record

RATIOS = (4, 16, 64, 256)
Floats = NDArray[np.float32]
_log = logging.getLogger(__name__)


class ArchiveTask:
    """Squared error of decoded anomalies over their variance, on what the fixed linear encoder keeps."""

    def __init__(
        self,
        module: ArchiveAutoencoder,
        train: Sequence[Period],
        check: Period | None,
        device: torch.device,
        batch: int = 32,
    ) -> None:
        self.module, self.train, self.check, self.device = module, train, check, device
        self.batch = batch
        self._surface = surface_tensor(module.config.linear.coarse_zoom, "cpu").to(device)
        sizes = np.array([len(period) for period in train], float)
        self._odds = sizes / sizes.sum()

    def _error(self, forward: nn.Module, period: Period, chosen: NDArray[np.int64] | slice) -> Tensor:
        x = torch.from_numpy(np.ascontiguousarray(period.anomalies[chosen])).to(self.device)
        phase = torch.from_numpy(period.phase[chosen]).to(self.device)
        return (forward(x, phase, self._surface) - x).square().mean(-1)

    def loss(self, forward: nn.Module, rng: np.random.Generator) -> Tensor:
        """Mean over a batch of one period, in units of the anomalies' variance."""
        period = self.train[int(rng.choice(len(self.train), p=self._odds))]
        chosen = rng.integers(len(period), size=self.batch)
        return self._error(forward, period, chosen).mean() / self.module.config.scale**2

    def validate(self, module: nn.Module) -> float | None:
        """RMSE in the field's units on the validation period; None without one."""
        if self.check is None:
            return None
        parts = [slice(i, i + 64) for i in range(0, len(self.check), 64)]
        return float(torch.cat([self._error(module, self.check, part) for part in parts]).mean().sqrt())


def train_archive(
    datasets: Sequence[xr.Dataset],
    out: Path,
    *,
    minutes: float = 10.0,
    resume: bool = False,
    device: str = "auto",
    seed: int = 0,
    learning_rate: float = 2e-3,
    variable: str | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Fit and train on canonical archives of one variable, the abundant coarse one and perhaps a scarce
    finer one.

    minutes: for the networks, shared among the bottlenecks; 0 leaves the linear maps alone. A network is kept
    only where it lowers the error on the validation period. Raises UserError for more than two zooms, a
    variable that is not in all, or an archive too short for a climatology.
    """
    ordered, zooms = by_zoom(datasets)
    name = shared_variable(ordered, variable)
    coarse, fine = ordered[0], ordered[1] if len(ordered) > 1 else None
    climatologies, train, check = anomalies_of(name, ordered)
    scale = float(train[0].anomalies.std())

    floors = [z for z in range(zooms[0]) if z >= zooms[0] - len(RATIOS)]
    bottlenecks = sorted(floors, reverse=True) + ([zooms[0]] if fine is not None else [])
    tensors: dict[str, NDArray[Any]] = {}
    configs: dict[str, Any] = {}
    record: dict[str, Any] = {}
    steps = 0
    basis: Floats | None = None
    for bottleneck in bottlenecks:
        codec = _fit_linear(train, bottleneck, basis)
        if basis is None and bottleneck < zooms[0]:
            basis = codec.basis.numpy().copy()
            tensors["basis"] = basis
        network, told = _network(
            codec,
            scale,
            train,
            check,
            out.with_name(f"{out.stem}-z{bottleneck}{out.suffix}"),
            minutes=minutes / len(floors) if bottleneck in floors else 0.0,
            resume=resume,
            device=device,
            seed=seed,
            rate=learning_rate,
            progress=progress,
        )
        steps += told["steps"]
        record[str(bottleneck)] = told
        configs[str(bottleneck)] = asdict(network.config)
        for key, value in network.state_dict().items():
            if key == "linear.basis" and basis is not None and torch.equal(value, torch.from_numpy(basis)):
                continue
            tensors[f"z{bottleneck}.{key}"] = value.cpu().numpy()
        _log.info("bottleneck at zoom %d: %s", bottleneck, told)
    for zoom, climatology in climatologies.items():
        tensors |= {f"climatology.{zoom}.{k}": v for k, v in climatology.to_dict().items()}
    card = ModelCard(
        name="",
        family=str(coarse.attrs.get("fsae_climatology") or coarse.attrs.get("fsae_name") or out.stem),
        ratio=0,
        variables=(name,),
        zooms=(zooms[0], zooms[-1]),
        parameters=sum(v.size for v in tensors.values()),
        config={"bottlenecks": configs, "climatologies": sorted(climatologies)},
        split=splits_by_name(ordered),
        training={
            "minutes": minutes,
            "steps": steps,
            "bottlenecks": record,
            **machine_record(pick_device(device)),
        },
    )
    held = [r for level, r in enumerate(RATIOS, start=1) if all(str(z - level) in configs for z in zooms)]
    save_weights(out, card, tensors, ratios=held)
    for bottleneck in bottlenecks:
        state_path(out.with_name(f"{out.stem}-z{bottleneck}{out.suffix}")).unlink(missing_ok=True)
    first = record[str(bottlenecks[0])]
    return {"steps": steps, "val_rmse": first["validation"], "bottlenecks": record}


def _fit_linear(train: Sequence[Period], bottleneck: int, basis: Floats | None) -> LinearFieldCodec:
    fine = train[1] if len(train) > 1 else None
    codec = fit_linear_codec(
        train[0].anomalies,
        train[0].phase,
        None if fine is None else fine.anomalies,
        None if fine is None else fine.phase,
        bottleneck,
        fit=LinearFit(),
        basis=basis,
    )
    # What is stored is float16: the network learns on the maps as they will be read.
    codec.load_state_dict({k: v.half().float() for k, v in codec.state_dict().items()})
    return codec


def _network(
    codec: LinearFieldCodec,
    scale: float,
    train: Sequence[Period],
    check: Period | None,
    out: Path,
    *,
    minutes: float,
    resume: bool,
    device: str,
    seed: int,
    rate: float,
    progress: Progress | None,
) -> tuple[ArchiveAutoencoder, dict[str, Any]]:
    """The network trained on this codec, or the bare codec where that is no worse on the validation
    period."""
    bare = ArchiveAutoencoder(ArchiveConfig(codec.config, scale, blocks=0))
    bare.linear.load_state_dict(codec.state_dict())
    where = pick_device(device)
    linear_rmse = None
    if check is not None and codec.config.bottleneck_zoom < codec.config.coarse_zoom:
        with torch.no_grad():
            linear_rmse = ArchiveTask(bare.to(where), train, check, where).validate(bare)
    told: dict[str, Any] = {"linear": linear_rmse, "validation": linear_rmse, "steps": 0, "network": False}
    if minutes <= 0:
        return bare, told
    torch.manual_seed(seed)
    network = ArchiveAutoencoder(ArchiveConfig(codec.config, scale))
    network.linear.load_state_dict(codec.state_dict())
    task = ArchiveTask(network, train, check, where)
    loop = LoopConfig(learning_rate=rate, weight_decay=0.1)
    outcome = fit(
        task, out, minutes=minutes, config=loop, resume=resume, seed=seed, device=device, progress=progress
    )
    told |= {"steps": outcome.steps, "with_network": outcome.validation, "history": outcome.history[-30:]}
    if linear_rmse is not None and (outcome.validation or np.inf) >= linear_rmse:
        return bare, told
    network.load_state_dict(outcome.state)
    return network.cpu(), told | {"validation": outcome.validation, "network": True}
