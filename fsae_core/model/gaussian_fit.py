"""Closed-form fit of `GaussianEmulator` from latents: ridge regression, tapered seasonal covariances, lags.

Samples are few for as many numbers as a field has, so that a covariance whitens its own samples too well
(their variance comes out at 0.7, of other years at 1.0). All that is fitted to whitened fields (lags, the
fine class, the network) therefore sees fields whitened by a covariance of the other years.
"""

from __future__ import annotations

__all__ = ["GaussianFit", "Whitened", "fit_gaussian"]

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from fsae_core.errors import UserError
from fsae_core.model.climate import Climate, response_features, season_features
from fsae_core.model.covariance import SeasonalSpread, day_weights, taper
from fsae_core.model.gaussian import NODES, GaussianConfig, GaussianEmulator, pack_symmetric
from fsae_core.model.linear import two_ring
from fsae_core.model.marginal import fit_marginals, knots_at, to_normal
from fsae_core.sphere.healpix import n_cells

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class GaussianFit:
    """Settings; chosen on years left out of the training times and on the validation times.

    ridge: on the response and on its turning with the season; modes: leading patterns it may use; nodes,
    kernel_days, all_year, taper_deg, taper_floor: of the seasonal covariances; folds: blocks of years that
    are whitened by the others; slow_lags, slow_taper_deg, slow_floor: of the slow part; weather_taper_deg:
    of the step from one frame to the next; bend_all_year: share of the whole year in the
    marginal maps; fine_taper_deg, fine_shrink: of the fine class.
    """

    ridge: tuple[float, float] = (30.0, 1000.0)
    modes: int = 40
    nodes: int = 12
    kernel_days: float = 30.0
    all_year: float = 0.2
    taper_deg: float = 75.0
    taper_floor: float = 0.4
    folds: int = 4
    fold_years: int = 3
    slow_lags: tuple[int, int] = (4, 10)
    slow_taper_deg: float = 30.0
    slow_floor: float = 0.15
    weather_taper_deg: float = 40.0
    bend_all_year: float = 0.1
    fine_taper_deg: float = 20.0
    fine_shrink: float = 0.2


@dataclass(frozen=True)
class Whitened:
    """Training fields whitened by other years' covariances: (frame, n), mean square 1, and conditions."""

    y: Floats
    climate: Climate


def _root(matrix: NDArray, low: float = 1e-4, high: float = np.inf) -> Floats:
    """Symmetric root, eigenvalues clipped to [low, high]."""
    values, vectors = np.linalg.eigh(matrix.astype(np.float32))
    return ((vectors * np.sqrt(np.clip(values, low, high))) @ vectors.T).astype(np.float32)


def _means(x: Floats, climate: Climate, config: GaussianConfig, fit: GaussianFit) -> tuple[Floats, Floats]:
    """Maps of the season and of the response to the conditions, fitted together."""
    cycle = season_features(climate.phase, config.cycle)
    response = response_features(climate, config.harmonics)
    features = np.concatenate([cycle, response], axis=1)
    strength = np.tile([fit.ridge[0]] + [fit.ridge[1]] * (2 * config.harmonics), 3)
    gram = features.T @ features + np.diag(np.concatenate([np.full(cycle.shape[1], 1e-6), strength]))
    maps = np.linalg.solve(gram, features.T @ x)
    _, vectors = np.linalg.eigh((x.T @ x).astype(np.float32))
    leading = vectors[:, ::-1][:, : fit.modes]
    told = maps[cycle.shape[1] :] @ leading @ leading.T
    return maps[: cycle.shape[1]].astype(np.float32), told.astype(np.float32)


def _roots(left: Floats, phase: NDArray, config: GaussianConfig, fit: GaussianFit) -> Floats:
    """Harmonics (1 + 2 seasons, n, n) of the symmetric root of the covariance through the year."""
    spread = SeasonalSpread(left, phase, fit.kernel_days)
    scaled = left / spread.at(phase)
    taps = taper(config.zoom, fit.taper_deg, fit.taper_floor)
    centres = 2 * np.pi * np.arange(fit.nodes) / fit.nodes
    found = []
    for centre in centres:
        weights = day_weights(phase, centre, fit.kernel_days, fit.all_year)
        rows = scaled * np.sqrt(weights)[:, None]
        own = spread.at(centre)
        found.append(_root((rows.T @ rows) * taps * own[:, None] * own[None, :], low=1e-5))
    solve = np.linalg.pinv(season_features(centres, config.seasons)).astype(np.float32)
    return np.einsum("hm,mij->hij", solve, np.stack(found), optimize=True)


def _straightened(model: GaussianEmulator, left: Floats, phase: NDArray, fit: GaussianFit) -> Floats:
    """Fit the marginal maps and give the anomalies with normal marginals, in units."""
    spread = SeasonalSpread(left, phase, fit.kernel_days).at(phase)
    scaled = left / spread
    maps = fit_marginals(scaled, phase, model.config.bends, fit.kernel_days, fit.bend_all_year)
    model.marginal.copy_(maps)
    out = np.empty_like(left)
    nodes = np.round(phase * NODES / (2 * np.pi)).astype(int) % NODES
    for node in np.unique(nodes):
        knots = knots_at(maps, 2 * np.pi * node / NODES)
        rows = nodes == node
        out[rows] = to_normal(torch.from_numpy(scaled[rows]), knots).numpy() * spread[rows]
    return out


def _set_roots(model: GaussianEmulator, roots: Floats) -> None:
    model.root.copy_(pack_symmetric(torch.from_numpy(roots)))
    model.forget()


def _unit(y: Floats) -> Floats:
    return (y / np.sqrt(np.mean(np.square(y)))).astype(np.float32)


def _process(model: GaussianEmulator, y: Floats, runs: NDArray[np.int64], fit: GaussianFit) -> None:
    """Slow and weather part from lagged covariances of whitened fields of unbroken runs."""
    zoom, fade = model.config.zoom, model.config.fade

    def lagged(lag: int) -> Floats:
        same = runs[lag:] == runs[:-lag]
        later, earlier = y[lag:][same], y[:-lag][same]
        return np.asarray(later.T @ earlier / np.float32(max(len(later), 1)))

    first, last = fit.slow_lags
    lags = range(first, last + 1)
    slow = np.sum([lagged(k) for k in lags], axis=0) / np.sum([fade**k for k in lags])
    slow = (slow + slow.T) / 2 * taper(zoom, fit.slow_taper_deg, fit.slow_floor)
    values, vectors = np.linalg.eigh(slow)
    kept = np.clip(values, 0.0, 0.95)
    slow = (vectors * kept) @ vectors.T
    inverse = (vectors / np.sqrt(1 - kept)) @ vectors.T
    step = (lagged(1) - fade * slow) * taper(zoom, fit.weather_taper_deg)
    u, s, vt = np.linalg.svd(inverse @ step @ inverse)
    s = np.minimum(s, 0.95)
    model.slow.copy_(pack_symmetric(torch.from_numpy((vectors * np.sqrt(kept)) @ vectors.T)))
    model.weather.copy_(pack_symmetric(torch.from_numpy((vectors * np.sqrt(1 - kept)) @ vectors.T)))
    model.forward_map.copy_(torch.from_numpy((u * s) @ vt))
    model.innovation.copy_(pack_symmetric(torch.from_numpy((u * np.sqrt(1 - s**2)) @ u.T)))


def _fine_root(y: Floats, basis: Floats, zoom: int, fit: GaussianFit) -> Floats:
    """Root of the fine class's covariance in coarse whitened coordinates: a smooth spectrum over the coarse
    patterns, corrected by a tapered sample covariance."""
    n = y.shape[1]
    power = np.square(y @ basis).mean(axis=0)
    window = max(3, n // 20) | 1
    smooth = np.convolve(
        np.pad(np.log(power), window // 2, mode="edge"), np.ones(window) / window, mode="valid"
    )
    spectrum = np.exp(smooth)
    spectrum *= power.mean() / spectrum.mean()
    prior = (basis * np.sqrt(spectrum)) @ basis.T
    left = y @ ((basis / np.sqrt(spectrum)) @ basis.T)
    tapered = left.T @ left / np.float32(len(y)) * taper(zoom, fit.fine_taper_deg)
    core = (1 - fit.fine_shrink) * tapered + fit.fine_shrink * np.eye(n, dtype=np.float32)
    return _root(prior @ core @ prior)


def fit_gaussian(
    x: Floats,
    climate: Climate,
    years: NDArray[np.int64],
    runs: NDArray[np.int64],
    fine: tuple[Floats, Climate] | None = None,
    *,
    config: GaussianConfig | None = None,
    fit: GaussianFit | None = None,
) -> tuple[GaussianEmulator, Whitened, Whitened | None]:
    """Fit on coarse latents (frame, n) and, if there are any, fine ones, both anomalies in units.

    years: (frame,) for leaving out; runs: (frame,), the same number where frames follow one another. Gives
    the emulator and both sets whitened by other years. Raises UserError for shapes that do not fit.
    """
    config, fit = config or GaussianConfig(), fit or GaussianFit()
    if x.ndim != 2 or x.shape[1] != n_cells(config.zoom) or len(x) != len(climate.phase):
        raise UserError(
            f"Latents of shape {x.shape} and {len(climate.phase)} conditions were found, expected "
            f"(frame, {n_cells(config.zoom)}) and one condition a frame."
        )
    model = GaussianEmulator(config)
    season, response = _means(x, climate, config, fit)
    model.season.copy_(torch.from_numpy(season))
    model.response.copy_(torch.from_numpy(response))
    left = x - model.mean(climate).numpy()
    left = _straightened(model, left, climate.phase, fit)
    fold = (years // fit.fold_years) % fit.folds
    y = np.empty_like(left)
    for one in np.unique(fold):
        out = fold == one
        rest = left[~out] if (~out).sum() > len(left) // 2 else left
        phase = climate.phase[~out] if len(rest) < len(left) else climate.phase
        _set_roots(model, _roots(rest, phase, config, fit))
        part = Climate(climate.phase[out], climate.values[out], False)
        y[out] = _unit(model.whiten(torch.from_numpy(x[out]), part).numpy())
    roots = _roots(left, climate.phase, config, fit)
    _set_roots(model, roots)
    _process(model, y, runs, fit)
    if fine is None:
        return model, Whitened(y, climate), None
    _, basis = np.linalg.eigh(roots[0])
    return model, Whitened(y, climate), _fit_fine(model, *fine, basis, fit)


def _fit_fine(
    model: GaussianEmulator, x: Floats, climate: Climate, basis: Floats, fit: GaussianFit
) -> Whitened:
    """Root and gains of the fine class. The root alone, all year the same, would give the mean of seasons of
    unlike strength to each: gains and root are fitted in turn."""
    rows = torch.from_numpy(x)
    for _ in range(2):
        model.fine_root.copy_(pack_symmetric(torch.eye(model.n)))
        model.forget()
        seen = model.whiten(rows, climate).numpy()
        root = _fine_root(seen, basis, model.config.zoom, fit)
        model.fine_root.copy_(pack_symmetric(torch.from_numpy(root)))
        _fit_gains(model, (rows - model.mean(climate)).numpy(), climate)
    model.fine_root.copy_(pack_symmetric(torch.eye(model.n)))
    model.forget()
    seen = model.whiten(rows, climate).numpy()
    model.fine_root.copy_(pack_symmetric(torch.from_numpy(root)))
    model.forget()
    return Whitened(_fine_whitened(seen, basis, model.config.zoom, fit), climate)


def _fit_gains(model: GaussianEmulator, left: Floats, climate: Climate) -> None:
    """Gains that fit the variance of each season and, smoothed over neighbours, of each cell."""
    model.fine_gain.fill_(1.0)
    model.fine_season.copy_(torch.tensor([1.0, 0.0, 0.0]))
    model.forget()
    nodes = np.round(climate.phase * NODES / (2 * np.pi)).astype(int) % NODES
    variance = np.stack([model.root_at(int(node), True).square().sum(1).numpy() for node in nodes])
    ratio = np.square(left).sum(axis=1) / variance.sum(axis=1)
    features = season_features(climate.phase, 1)
    season = np.linalg.lstsq(features, np.sqrt(ratio), rcond=None)[0]
    expected = variance * np.square(features @ season)[:, None]
    around, real = two_ring(model.config.zoom, 25)
    found, sought = np.square(left).sum(axis=0), expected.sum(axis=0)
    gain = np.sqrt((found[around] * real).sum(axis=1) / (sought[around] * real).sum(axis=1))
    model.fine_gain.copy_(torch.from_numpy(gain.astype(np.float32)))
    model.fine_season.copy_(torch.from_numpy(season.astype(np.float32)))
    model.forget()


def _fine_whitened(seen: Floats, basis: Floats, zoom: int, fit: GaussianFit) -> Floats:
    """Fine fields whitened by a root of the other ones; blocks in time, since neighbours are alike."""
    block = (np.arange(len(seen)) * 2 * fit.folds // len(seen)) % fit.folds
    out = np.empty_like(seen)
    for one in range(fit.folds):
        root = _fine_root(seen[block != one], basis, zoom, fit)
        out[block == one] = seen[block == one] @ np.linalg.inv(root)
    return _unit(out)
