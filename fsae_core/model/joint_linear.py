"""Linear Field-Space Compression of several variables at once: maps of every patch, any subset of variables.

A patch is a cell of the patch zoom; the cells of all variables in it are one vector y, each variable divided
by its spread and multiplied by its weight. Kept are the leading directions U of the covariance, their
variances, and the variance per variable of what they leave, so that the covariance is known as
`U diag(variance) U' + noise`. From it follow, for any variables that are there, their own leading directions
Q, and for those that are not their expectation given the latents. The columns of Q are turned (orthogonal
Procrustes) so that the latents are as near as can be to the block means of the variables: the compressed
state is one coarse field a variable, and each of them says something about all.
"""

from __future__ import annotations

__all__ = ["JointLinear", "JointLinearConfig", "Maps"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsae_core.errors import UserError
from fsae_core.sphere.healpix import n_cells

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_PRESSURE = ("msl", "psl")
_TELL_OF_PRESSURE = ("u10", "v10")
_LEFT_ALONE = 1.2
"""By how much pressure counts more where a wind is absent. Chosen on 2005-2006."""


@dataclass(frozen=True)
class JointLinearConfig:
    """zoom: of the fields; bottleneck_zoom: of the compressed ones; patch_zoom: of a patch."""

    variables: tuple[str, ...]
    zoom: int
    bottleneck_zoom: int
    patch_zoom: int

    def __post_init__(self) -> None:
        if not 0 <= self.patch_zoom <= self.bottleneck_zoom < self.zoom:
            raise UserError(
                f"Patches of zoom {self.patch_zoom}, compressed fields of {self.bottleneck_zoom} and fields "
                f"of {self.zoom} were asked for; expected each finer than the one before."
            )

    @property
    def cells(self) -> int:
        """Of one variable in a patch."""
        return 4 ** (self.zoom - self.patch_zoom)

    @property
    def coarse(self) -> int:
        """Compressed cells of one variable in a patch."""
        return 4 ** (self.bottleneck_zoom - self.patch_zoom)


@dataclass(frozen=True)
class Maps:
    """For the variables that are there: encode (patches, there * cells, there * coarse), decode (patches,
    there * coarse, all variables * cells), both for anomalies in their units."""

    encode: Floats
    decode: Floats


class JointLinear:
    """directions (patches, variables * cells, rank), rank >= variables * coarse, the leading ones first;
    variance (patches, rank); noise (patches, variables); spread, weight (variables,)."""

    def __init__(
        self,
        config: JointLinearConfig,
        *,
        directions: Floats,
        variance: Floats,
        noise: Floats,
        spread: Floats,
        weight: Floats,
    ) -> None:
        self.config = config
        self.directions, self.variance, self.noise = directions, variance, noise
        self.spread, self.weight = spread.astype(np.float64), weight.astype(np.float64)
        rank = len(config.variables) * config.coarse
        expected = (n_cells(config.patch_zoom), len(config.variables) * config.cells)
        if directions.shape[:2] != expected or directions.shape[2] < rank:
            raise UserError(
                f"Directions of shape {directions.shape} were found, expected {(*expected, rank)} or more."
            )
        self._maps: dict[tuple[int, ...], Maps] = {}

    @classmethod
    def from_tensors(
        cls, config: JointLinearConfig, tensors: dict[str, NDArray[Any]], prefix: str
    ) -> JointLinear:
        """From int8 directions with a scale for each, as `tensors` keeps them."""
        directions = tensors[f"{prefix}.directions"] * tensors[f"{prefix}.scale"].astype(np.float32)[:, None]
        sides = {
            name: tensors[f"{prefix}.{name}"].astype(np.float32)
            for name in ("variance", "noise", "spread", "weight")
        }
        return cls(config, directions=directions, **sides)

    def tensors(self, prefix: str) -> dict[str, NDArray[Any]]:
        """What a file keeps: directions in 8 bits, whose rounding costs less than a thousandth."""
        scale = np.abs(self.directions).max(axis=1) / 127
        whole = np.round(self.directions / scale[:, None]).astype(np.int8)
        sides = {name: getattr(self, name).astype(np.float32) for name in ("variance", "noise")}
        sides |= {name: getattr(self, name).astype(np.float32) for name in ("spread", "weight")}
        named = {"directions": whole, "scale": scale.astype(np.float32), **sides}
        return {f"{prefix}.{name}": value for name, value in named.items()}

    def encode(self, x: Floats, there: Sequence[int], floats: int | None = None) -> Floats:
        """Anomalies (n, variables there, cells of the sphere) -> (n, channels, coarse cells).

        floats: channels, by default as many as there are variables.
        """
        maps, patches = self.maps(there, floats), n_cells(self.config.patch_zoom)
        tiles = x.reshape(len(x), len(there), patches, -1).transpose(2, 0, 1, 3).reshape(patches, len(x), -1)
        found = tiles @ maps.encode
        channels = maps.encode.shape[2] // self.config.coarse
        out = found.reshape(patches, len(x), channels, -1).transpose(1, 2, 0, 3)
        return np.ascontiguousarray(out.reshape(len(x), channels, -1))

    def decode(self, latents: Floats, there: Sequence[int], floats: int | None = None) -> Floats:
        """(n, channels, coarse cells) -> anomalies of all variables (n, variables, cells): of those that
        are not there what can be expected."""
        maps, patches = self.maps(there, floats), n_cells(self.config.patch_zoom)
        rows, channels = latents.shape[:2]
        tiles = latents.reshape(rows, channels, patches, -1).transpose(2, 0, 1, 3).reshape(patches, rows, -1)
        found = tiles @ maps.decode
        variables = len(self.config.variables)
        out = found.reshape(patches, rows, variables, -1).transpose(1, 2, 0, 3)
        return np.ascontiguousarray(out.reshape(rows, variables, -1))

    def maps(self, there: Sequence[int], floats: int | None = None) -> Maps:
        """Of the variables of these indices (ascending), made once; in double precision, so that every
        machine has the same."""
        key = (*there, -(floats or len(there)))
        if key not in self._maps:
            made = [self._patch(p, list(there), floats or len(there)) for p in range(len(self.directions))]
            self._maps[key] = Maps(*(np.stack(part).astype(np.float32) for part in zip(*made, strict=True)))
        return self._maps[key]

    def _patch(self, p: int, there: list[int], channels: int) -> tuple[Doubles, Doubles]:
        c, variables = self.config, len(self.config.variables)
        kept = c.coarse * variables
        directions = self.directions[p, :, :kept].astype(np.float64)
        variance = self.variance[p, :kept].astype(np.float64)
        rows = np.concatenate([np.arange(v * c.cells, (v + 1) * c.cells) for v in there])
        turned = np.repeat(self._emphasis(there, channels), c.cells)[:, None]
        seen = directions[rows] * turned
        rank = channels * c.coarse
        if len(there) == variables and channels == variables:
            own = seen
        else:
            root = seen * np.sqrt(variance)
            values, vectors = np.linalg.eigh(root.T @ root)
            order = np.argsort(values)[::-1][:rank]
            own = root @ vectors[:, order] / np.sqrt(np.maximum(values[order], 1e-12))
        blocks = self._blocks(there, channels)
        shared = own.T @ seen * variance
        u, _, vt = np.linalg.svd(shared @ (seen.T @ blocks))
        own = own @ (u @ vt)
        shared = (u @ vt).T @ shared
        noise = np.repeat(self.noise[p, there].astype(np.float64), c.cells) * turned[:, 0] ** 2
        inside = shared @ (own.T @ seen).T + own.T @ (own * noise[:, None])
        decode = directions @ np.linalg.solve(inside, shared).T
        decode[rows] = own / turned
        encode = turned * (own @ np.linalg.inv(own.T @ own))
        unit = self.spread / self.weight
        channel = np.repeat(self._channel_units(there, channels), c.coarse)
        there_unit, all_unit = np.repeat(unit[there], c.cells), np.repeat(unit, c.cells)
        return (
            encode / there_unit[:, None] * channel,
            (decode * all_unit[:, None] / channel).T,
        )

    def _emphasis(self, there: list[int], channels: int) -> Doubles:
        """What the variables that are there are multiplied by beside their weights: where there is room to
        spare, those that an absent one told most of get more of it."""
        names = [self.config.variables[v] for v in there]
        absent = set(self.config.variables) - set(names)
        missed = channels > len(there) and bool(absent & set(_TELL_OF_PRESSURE))
        return np.array([_LEFT_ALONE if missed and name in _PRESSURE else 1.0 for name in names])

    def _channel_units(self, there: list[int], channels: int) -> Doubles:
        """What turns an orthonormal coefficient into a block mean in the channel's units."""
        block = self.config.cells // self.config.coarse
        own = [there[i % len(there)] for i in range(channels)]
        return np.asarray((self.spread / self.weight)[own] / np.sqrt(block))

    def _blocks(self, there: list[int], channels: int) -> Doubles:
        """Orthonormal directions (there * cells, channels * coarse) towards which latents are turned."""
        c = self.config
        means = np.kron(np.eye(c.coarse), np.full((c.cells // c.coarse, 1), (c.coarse / c.cells) ** 0.5))
        out = np.zeros((len(there) * c.cells, channels * c.coarse))
        for i in range(channels):
            v = i % len(there)
            out[v * c.cells : (v + 1) * c.cells, i * c.coarse : (i + 1) * c.coarse] = means
        return out
