"""Diffusion weights as something that draws compressed fields."""

from __future__ import annotations

__all__ = ["ClimateEmulator", "load_emulator"]

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fsae_core.archive.forcing import co2_ppm, nino34, volcanic_aod
from fsae_core.assets import asset_path
from fsae_core.diffusion.samplers import sample
from fsae_core.errors import UserError
from fsae_core.model.card import ModelCard, read_cards
from fsae_core.model.checkpoint import load_model
from fsae_core.model.climate import CONDITIONS, Climate
from fsae_core.model.compression import CompressedFields, Times
from fsae_core.model.denoiser import Denoiser, DenoiserConfig, query_of
from fsae_core.model.device import pick_device
from fsae_core.model.gaussian import GaussianConfig, GaussianEmulator

_SERIES = {"co2": co2_ppm, "aod": volcanic_aod, "nino34": nino34}


class ClimateEmulator:
    """A Gaussian emulator and, where it earned its place, the network on top of it."""

    def __init__(
        self, card: ModelCard, gaussian: GaussianEmulator, network: Denoiser | None, device: torch.device
    ) -> None:
        self.card, self.device = card, device
        self.gaussian = gaussian.eval().requires_grad_(False).to(device)
        self.network = None if network is None else network.eval().requires_grad_(False).to(device)

    @property
    def step_days(self) -> int:
        """Days between frames."""
        return self.gaussian.config.step_days

    def with_prior(self, climate: Climate, generator: torch.Generator) -> Climate:
        """Unknown conditions take their values of the same time of a training year, drawn at random."""
        known = climate.known
        if known.all():
            return climate
        first, last = (int(period[:4]) for period in next(iter(self.card.split.values()))["train"])
        draws = torch.randint(first, last + 1, (len(CONDITIONS),), generator=generator).tolist()
        values = climate.values.copy()
        days = (climate.phase / (2 * np.pi) * 365.2425).astype("timedelta64[D]")
        for column in np.flatnonzero(~known):
            times = np.datetime64(f"{draws[column]}-01-01", "s") + days
            values[:, column] = _SERIES[CONDITIONS[column]](times)
        return Climate(climate.phase, values, climate.fine)

    def draw(
        self,
        climate: Climate,
        generator: torch.Generator,
        *,
        steps: int = 16,
        sampler: str = "heun",
        guidance: float = 1.0,
        stop: Callable[[], bool] | None = None,
    ) -> Tensor:
        """Latents (frame, n) of one member: anomalies in units.

        steps: evaluations of the network; guidance: 1 is the law that was learned, more exaggerates what the
        conditions do; stop: asked before each evaluation, `Stopped` is raised when it says so.
        """
        frames = len(climate.phase)
        # Drawn on the CPU: the same numbers on every device, whoever else is drawn.
        told = self.with_prior(climate, generator)
        noise = torch.randn(1, 2, frames, self.gaussian.n, generator=generator).to(self.device)
        with torch.inference_mode():
            z = self.gaussian.correlate(noise)
            z = sample(sampler, self._velocity(climate, guidance), z, steps, stop)
            return self.gaussian.colour(z[0], told, guidance)

    def _velocity(self, climate: Climate, guidance: float) -> Callable[[Tensor, float], Tensor]:
        network = self.network
        if network is None:
            return lambda z, angle: torch.zeros_like(z)
        query = query_of(climate, self.device)
        plain = query.unknown()

        def velocity(z: Tensor, angle: float) -> Tensor:
            at = torch.full((1,), angle, device=z.device)
            found = network(z, at, query)
            if guidance != 1.0:
                free = network(z, at, plain)
                found = free + guidance * (found - free)
            return found

        return velocity

    def decode(self, latents: Tensor, times: Times, zoom: int) -> np.ndarray:
        """Latents (frame, n) -> fields (frame, cell) in units at one of the card's zooms."""
        names = self.card.config["autoencoders"]
        if str(zoom) not in names:
            raise UserError(
                f"Fields of zoom {zoom} were asked for, the weights {self.card.name} give zoom "
                f"{' and '.join(names)}: choose one."
            )
        model = load_model(names[str(zoom)], device=str(self.device))
        values = latents.cpu().numpy().astype(np.float32)
        none, one = np.zeros(len(values), np.float32), np.ones(len(values), np.float32)
        compressed = CompressedFields(values, none, one, zoom, self.gaussian.config.zoom)
        return model.decompress_fields(compressed, variable="t2m", times=times)


def load_emulator(name_or_path: str | Path = "diffusion-amip-16x", device: str = "auto") -> ClimateEmulator:
    """Diffusion weights by their shipped name or file, cached. UserError where there are none."""
    path = Path(name_or_path)
    if path.suffix != ".safetensors":
        folder = asset_path("weights")
        path = folder / f"{name_or_path}.safetensors"
        if not path.is_file():
            known = ", ".join(sorted(p.stem for p in folder.glob("diffusion-*.safetensors"))) or "none"
            raise UserError(f"There are no diffusion weights named {name_or_path}: choose one of {known}.")
    elif not path.is_file():
        raise UserError(f"There are no weights at {path}: give the file that `fsae train diffusion` wrote.")
    return _load(path, path.stat().st_mtime_ns, str(pick_device(device)))


@lru_cache(maxsize=4)
def _load(path: Path, stamp: int, device: str) -> ClimateEmulator:
    from safetensors.torch import load_file

    (card,) = read_cards(path)
    if "gaussian" not in card.config:
        raise UserError(
            f"{path.name} holds weights of an autoencoder, not of a diffusion model: give weights that "
            "`fsae train diffusion` wrote."
        )
    tensors = {k: v.float() for k, v in load_file(path).items()}

    def part(prefix: str) -> dict[str, Tensor]:
        return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}

    try:
        gaussian = GaussianEmulator(GaussianConfig(**card.config["gaussian"]))
        gaussian.load_state_dict(part("gaussian."))
        network = None
        if card.config["network"] is not None:
            network = Denoiser(DenoiserConfig(**card.config["network"]))
            network.load_state_dict(part("network."))
    except (KeyError, TypeError, RuntimeError) as error:
        raise UserError(
            f"The weights {card.name} do not fit their own configuration: the file is damaged or of another "
            "version; use the one that `fsae train diffusion` wrote."
        ) from error
    return ClimateEmulator(card, gaussian, network, torch.device(device))
