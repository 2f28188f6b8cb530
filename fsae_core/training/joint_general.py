"""A network that refines what general weights decode, for several variables together."""

from __future__ import annotations

__all__ = ["JointGeneralTask", "train_joint_general"]

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor, nn

from fsae_core.archive.canonical import zoom_of_dataset
from fsae_core.archive.climatology import FieldNormaliser
from fsae_core.archive.timing import is_instant
from fsae_core.errors import UserError
from fsae_core.model.card import ModelCard, save_weights
from fsae_core.model.checkpoint import load_model
from fsae_core.model.compression import GeneralModel, surface_tensor
from fsae_core.model.conditioning import SOLAR
from fsae_core.model.device import pick_device
from fsae_core.model.joint_general import CONDITIONS, told_conditions
from fsae_core.model.joint_network import JointNetwork, JointNetworkConfig
from fsae_core.model.joint_scale import RAIN
from fsae_core.training.loop import LoopConfig, Progress, fit, state_path
from fsae_core.training.record import training_record
from fsae_core.training.splits import Split, split_of

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Decoded:
    """truth, plain (time, variables, cells): fields and what the general weights decode, both normalised by
    the field's own mean and spread; told (time, tokens, conditions)."""

    truth: Tensor
    plain: Tensor
    told: Tensor

    def part(self, rows: NDArray[np.bool_]) -> Decoded:
        """Some of the times."""
        keep = torch.from_numpy(np.flatnonzero(rows))
        return Decoded(self.truth[keep], self.plain[keep], self.told[keep])


class JointGeneralTask:
    """Squared error of all variables, each in units of what the general weights alone leave of it.

    hidden: share of batches in which some variables are not there; mixed: share of batches in which two
    times are added with random weights whose squares sum to one, since a week has few times and what one
    variable tells of another is mostly linear. A mixture has no sunlight.
    """

    def __init__(
        self,
        module: JointNetwork,
        train: Decoded,
        check: Decoded | None,
        surface: Tensor,
        device: torch.device,
        hidden: float = 0.25,
        mixed: float = 0.8,
    ) -> None:
        self.module, self.train, self.check, self.device = module, train, check, device
        # A copy: what is kept may have been made where nothing is differentiated.
        self.surface, self.hidden, self.mixed = surface.to(device).clone(), hidden, mixed
        self.left = (train.plain - train.truth).square().mean(dim=(0, 2)).to(device)

    def errors(self, forward: nn.Module, data: Decoded, rows: slice, there: Tensor) -> tuple[Tensor, Tensor]:
        """Squared errors (batch, variables) in units of `left`, with and without the network."""
        truth, plain, told = (a[rows].to(self.device) for a in (data.truth, data.plain, data.told))
        better = forward(plain * there[:, None], there, told, self.surface)
        with_it, without = ((a - truth).square().mean(-1) / self.left for a in (better, plain))
        return with_it, without

    def loss(self, forward: nn.Module, rng: np.random.Generator) -> Tensor:
        """Of one time and the variables that are there."""
        variables = self.train.truth.shape[1]
        there = torch.ones(variables, dtype=torch.bool, device=self.device)
        if rng.random() < self.hidden:
            absent = rng.choice(variables, size=int(rng.integers(1, variables)), replace=False)
            there[torch.from_numpy(absent)] = False
        data = self.train
        rows = [slice(row, row + 1) for row in rng.integers(len(data.truth), size=2)]
        if rng.random() >= self.mixed:
            return self.errors(forward, data, rows[0], there)[0][:, there].mean()
        angle = rng.uniform(0, 2 * np.pi)
        parts = [
            math.cos(angle) * side[rows[0]] + math.sin(angle) * side[rows[1]]
            for side in (data.truth, data.plain)
        ]
        told = data.told[rows[0]].clone()
        told[..., :SOLAR] = 0
        made = Decoded(parts[0], parts[1], told)
        return self.errors(forward, made, slice(0, 1), there)[0][:, there].mean()

    def by_variable(self, module: nn.Module, data: Decoded) -> NDArray[np.float64]:
        """RMSE with the network over that without, (variables,)."""
        there = torch.ones(data.truth.shape[1], dtype=torch.bool, device=self.device)
        parts = [self.errors(module, data, slice(i, i + 1), there) for i in range(len(data.truth))]
        with_it, without = (torch.cat([p[k] for p in parts]).mean(0) for k in (0, 1))
        return np.asarray((with_it / without).sqrt().cpu().numpy(), np.float64)

    def validate(self, module: nn.Module) -> float | None:
        """Mean over the variables of RMSE over that of the general weights; None without times for it."""
        return None if self.check is None else float(self.by_variable(module, self.check).mean())


def _decoded(ds: xr.Dataset, names: Sequence[str], base: GeneralModel) -> Decoded:
    times, zoom = ds["time"].values, zoom_of_dataset(ds)
    truth, plain = [], []
    for name in names:
        x, instant = ds[name].values.astype(np.float32), bool(is_instant(ds, name))
        packed = base.compress_fields(x, variable=name, times=times, instant=instant)
        y = base.decompress_fields(packed, variable=name, times=times, instant=instant)
        normal, mean, spread = FieldNormaliser().normalise(x)
        truth.append(torch.from_numpy(normal))
        plain.append(torch.from_numpy((y - mean[:, None]) / spread[:, None]))
    told = told_conditions(
        times, bool(is_instant(ds, names[0])), zoom, len(times), base.network.config.sunlit
    )
    return Decoded(torch.stack(truth, 1), torch.stack(plain, 1), told)


def train_joint_general(
    ds: xr.Dataset,
    ratio: int,
    out: Path,
    *,
    variables: Sequence[str] | None = None,
    minutes: float = 10.0,
    resume: bool = False,
    device: str = "auto",
    seed: int = 0,
    learning_rate: float = 1.5e-3,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train on the training times of one archive; without a validation period in its split the last day of
    them is kept for that.

    variables: by default those of t2m, u10, v10, msl and tp or pr that it has. Raises UserError for fewer
    than two variables or an archive without enough times.
    """
    here = [str(n) for n in ds.data_vars]
    names = tuple(variables or (v for v in ("t2m", "u10", "v10", "msl", *RAIN) if v in here))
    if len(names) < 2 or not set(names) <= set(here):
        raise UserError(
            f"The archive has {', '.join(n for n in here if n != 'crs')}; two or more variables of it are "
            "needed to be learned together."
        )
    base = load_model(f"general-{ratio}x", device=device)
    assert isinstance(base, GeneralModel)
    split, times = split_of(ds), ds["time"].values
    train = Split.mask(times, split.train)
    check = Split.mask(times, split.validate)
    if not check.any():
        check = train & (times.astype("datetime64[D]") == times[train].astype("datetime64[D]").max())
        train = train & ~check
    if not train.any():
        raise UserError("The archive has fewer than two days of training times: give a longer one.")
    data = _decoded(ds.isel(time=np.flatnonzero(train | check)), names, base)
    chosen = check[train | check]
    where, zoom = pick_device(device), zoom_of_dataset(ds)
    torch.manual_seed(seed)
    config = JointNetworkConfig(names, conditions=CONDITIONS, surface_zoom=4, surface_channels=0, dropout=0.2)
    network = JointNetwork(config)
    task = JointGeneralTask(
        network, data.part(~chosen), data.part(chosen), surface_tensor(zoom, "cpu"), where
    )
    loop = LoopConfig(learning_rate=learning_rate, weight_decay=0.1)
    outcome = fit(
        task, out, minutes=minutes, config=loop, resume=resume, seed=seed, device=device, progress=progress
    )
    network.load_state_dict(outcome.state)
    with torch.no_grad():
        shares = task.by_variable(network.eval(), data.part(chosen))
    found = dict(zip(names, shares.round(4).tolist(), strict=True))
    settings = {k: v for k, v in asdict(config).items() if k != "variables"}
    days = [str(d) for d in np.unique(times[train].astype("datetime64[D]"))[[0, -1]]]
    last = [str(d) for d in np.unique(times[check].astype("datetime64[D]"))[[0, -1]]]
    own = {"train": days, "validate": last, "test": list(split.test)}
    card = ModelCard(
        name="",
        family="joint-general",
        ratio=ratio,
        variables=names,
        zooms=(4, 8),
        parameters=sum(p.numel() for p in network.parameters()),
        config={
            "variables": list(names),
            "base": base.card.name,
            "base_sha256": base.card.sha256,
            "network": settings,
            "helped": [v for v in names if found[v] < 1],
        },
        split={str(ds.attrs.get("fsae_name", out.stem)): own},
        training=training_record(outcome, [str(ds.attrs.get("fsae_name", ""))], loop, where, base.card.name)
        | {"shares": found},
    )
    save_weights(out, card, {k: v.cpu().numpy() for k, v in outcome.state.items()})
    state_path(out).unlink(missing_ok=True)
    return {"steps": outcome.steps, "val_rmse": outcome.validation, "shares": found}
