"""Weights of Compressed Field Diffusion: latents of two archives, the Gaussian emulator, then the network.

Coarse and fine fields are compressed by the same autoencoder into one space (LR at 4x and HR at 16x share
the compressed field of zoom 3), whitened there, and learned together, told apart by their resolution class.
"""

from __future__ import annotations

__all__ = ["latents_of", "train_diffusion"]

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from fsae_core.archive.canonical import zoom_of_dataset
from fsae_core.archive.reader import open_archive
from fsae_core.errors import UserError
from fsae_core.model.card import ModelCard, save_weights, shipped_models
from fsae_core.model.checkpoint import load_model
from fsae_core.model.climate import climate_at
from fsae_core.model.denoiser import Denoiser, DenoiserConfig
from fsae_core.model.device import pick_device
from fsae_core.model.gaussian import GaussianConfig
from fsae_core.model.gaussian_fit import fit_gaussian
from fsae_core.training.flow import DiffusionTask, FlowConfig, Windows
from fsae_core.training.loop import LoopConfig, Progress, fit, state_path
from fsae_core.training.periods import by_zoom, splits_by_name
from fsae_core.training.record import machine_record
from fsae_core.training.splits import Split, split_of

Floats = NDArray[np.float32]
_log = logging.getLogger(__name__)


def latents_of(ds: xr.Dataset, zoom: int, variable: str = "t2m") -> tuple[Floats, str]:
    """Compressed anomalies (time, cell) at this zoom by the archive's own weights, and their names.

    Raises UserError where the archive has no weights of its own, or lacks the variable.
    """
    if variable not in ds:
        raise UserError(f"The archive has no {variable}, which the emulator is made for: choose another one.")
    family, ratio = ds.attrs.get("fsae_climatology"), 4 ** (zoom_of_dataset(ds) - zoom)
    names = [card.name for card in shipped_models() if (card.family, card.ratio) == (family, ratio)]
    if not names:
        raise UserError(
            f"There are no weights for the archive {family or 'without a name'} at ratio {ratio}: the "
            "emulator is trained on the simulated archives amip and amip-hr."
        )
    x = ds[variable].transpose("time", "cell").values.astype(np.float32)
    model = load_model(names[0], device="cpu")
    return model.compress_fields(x, variable=variable, times=ds["time"].values).values, names[0]


def _runs(times: NDArray[np.datetime64], step_days: int) -> NDArray[np.int64]:
    """A number for each unbroken row of frames."""
    gap = np.diff(times.astype("datetime64[h]").astype(np.int64)) != 24 * step_days
    return np.concatenate([[0], np.cumsum(gap)])


def train_diffusion(
    archives: Sequence[str],
    config: str,
    out: Path,
    *,
    minutes: float = 2.0,
    resume: bool = False,
    device: str = "auto",
    seed: int = 0,
    learning_rate: float = 2e-3,
    network: DenoiserConfig | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Fit and train on a coarse archive of evenly spaced days and perhaps a finer one; writes `out`.

    config: "flow" for flow matching, "edm" for its noise levels. The network is kept only where it lowers the
    error on the validation period. Raises UserError for archives that do not fit.
    """
    if config not in ("flow", "edm"):
        raise UserError(f"There is no configuration {config} of the diffusion model: choose flow or edm.")
    flow = FlowConfig(angles="uniform" if config == "flow" else "edm")
    settings = GaussianConfig()
    ordered, zooms = by_zoom([open_archive(source, variables="t2m") for source in archives])
    splits = [split_of(ds) for ds in ordered]
    sets, names = [], []
    for ds, split, fine in zip(ordered, splits, (False, True), strict=False):
        keep = Split.mask(ds["time"].values, split.train)
        check = Split.mask(ds["time"].values, split.validate) & ~keep
        x, name = latents_of(ds.isel(time=np.flatnonzero(keep | check)), settings.zoom)
        names.append(name)
        times = ds["time"].values[keep | check]
        sets.append((x, times, check[keep | check], fine))
    x, times, check, _ = sets[0]
    years = times.astype("datetime64[Y]").astype(np.int64) + 1970
    runs = _runs(times, settings.step_days)
    fine_set = None
    if len(sets) > 1:
        fine_set = (sets[1][0], climate_at(sets[1][1], fine=True))
    emulator, coarse, fine_white = fit_gaussian(
        x[~check], climate_at(times[~check]), years[~check], runs[~check], fine_set, config=settings
    )
    # What is stored is float16: the network learns on the maps as they will be read.
    emulator.load_state_dict({k: v.half().float() for k, v in emulator.state_dict().items()})
    emulator.forget()
    train = [Windows(coarse.y, coarse.climate, runs[~check])]
    if fine_white is not None:
        train.append(Windows(fine_white.y, fine_white.climate, _runs(sets[1][1], settings.step_days)))
    held: Windows | None = None
    if check.any():
        climate = climate_at(times[check])
        seen = emulator.whiten(torch.from_numpy(x[check]), climate).numpy()
        held = Windows(seen, climate, runs[check])
    short = [len(windows.y) for windows in train if not len(windows.starts(flow.frames))]
    if short:
        raise UserError(
            f"An archive of {short[0]} times has no {flow.frames} in a row that are {settings.step_days} "
            "days apart, which the emulator learns from: give the daily archives, not the monthly means."
        )
    torch.manual_seed(seed)
    denoiser = Denoiser(network or DenoiserConfig(zoom=settings.zoom))
    task = DiffusionTask(denoiser, emulator, train, held, pick_device(device), flow)
    told: dict[str, Any] = {"steps": 0, "network": False, "validation": None}
    tensors = {f"gaussian.{k}": v.cpu().numpy() for k, v in emulator.state_dict().items()}
    if minutes > 0:
        loop = LoopConfig(learning_rate=learning_rate, weight_decay=0.1, no_decay=("place", "local", "apart"))
        outcome = fit(
            task,
            out,
            minutes=minutes,
            config=loop,
            resume=resume,
            seed=seed,
            device=device,
            progress=progress,
        )
        kept = outcome.validation is None or outcome.validation < 1.0
        told = {
            "steps": outcome.steps,
            "network": kept,
            "validation": outcome.validation,
            "history": outcome.history[-30:],
        }
        if kept:
            tensors |= {f"network.{k}": v.cpu().numpy() for k, v in outcome.state.items()}
    card = ModelCard(
        name="",
        family=f"diffusion-{ordered[0].attrs.get('fsae_climatology') or out.stem}",
        ratio=4 ** (zooms[-1] - settings.zoom),
        variables=("t2m",),
        zooms=(zooms[0], zooms[-1]),
        parameters=sum(v.size for v in tensors.values()),
        config={
            "gaussian": asdict(settings),
            "network": asdict(denoiser.config) if told["network"] else None,
            "autoencoders": dict(zip(map(str, zooms), names, strict=True)),
        },
        split=splits_by_name(ordered),
        training={
            "minutes": minutes,
            **told,
            "flow": asdict(flow),
            **machine_record(pick_device(device)),
        },
    )
    save_weights(out, card, tensors)
    state_path(out).unlink(missing_ok=True)
    return {"steps": told["steps"], "val_rmse": told["validation"], "network": told["network"]}
