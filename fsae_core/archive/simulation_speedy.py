"""SPEEDY in JAX-GCM (extra `simulate`) as an atmosphere that `fsae_core.archive.simulate` can run.

SPEEDY: an atmosphere of eight layers with simplified physics (Molteni 2003, doi:10.1007/s00382-002-0268-2;
Kucharski et al. 2013, doi:10.1175/BAMS-D-12-00238.1). What it is given: `simulation_surface` for the sea and
the land, `forcing` for CO2 and volcanic aerosol. The aerosol takes a share off the insolation at the top of
the atmosphere, everywhere the same: 23 W m-2 of 342 for each unit of optical depth. The terrain is jcm's for
T30, from T63 on its for T63; sea and land are those for T30, interpolated.
"""

from __future__ import annotations

__all__ = ["TRUNCATIONS", "Speedy"]

import logging
import warnings
from collections.abc import Mapping
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import jcm.constants
import numpy as np
from jcm.forcing import ForcingData
from jcm.model import Model
from jcm.physics.composable_physics import ComposablePhysics
from jcm.physics.speedy.physical_constants import solc
from jcm.physics.speedy.speedy_coords import get_speedy_coords
from jcm.physics.speedy.speedy_terms import SpeedyForcing, speedy_physics
from jcm.terrain import TerrainData
from numpy.typing import NDArray

from fsae_core.archive.forcing import AOD_DIMMING, co2_ppm, volcanic_aod
from fsae_core.archive.simulation_levels import height_of_pressure, sea_level_pressure
from fsae_core.archive.simulation_surface import ObservedSurface
from fsae_core.assets import cache_dir
from fsae_core.errors import UserError

TRUNCATIONS = (21, 31, 42, 63, 85)
_G_PER_SECOND_IN_MM_PER_DAY = 86.4
_CLEAR_SKY = 1e-3
"""Optical depth below which there is none: runs with and without volcanoes are the same until an eruption."""

State = tuple[Any, Any]
"""(dynamics, physics): what jcm needs to go on."""


class _DimmedForcing(SpeedyForcing):
    """SPEEDY's own term, and the aerosol's share taken off the insolation and what the ozone absorbs of it.

    The optical depth travels in the leaf `aerosol_year_weight`, which SPEEDY does not read.
    """

    def __call__(self, state: Any, diagnostics: Any, forcing: Any, terrain: Any) -> tuple[Any, Any]:
        tendency, diagnostics = super().__call__(state, diagnostics, forcing, terrain)
        share = 1.0 - AOD_DIMMING / solc * forcing.aerosol_year_weight[0]
        above = diagnostics["_shortwave_rad"]
        dimmed = above.copy(fsol=share * above.fsol, ozupp=share * above.ozupp, ozone=share * above.ozone)
        return tendency, {**diagnostics, "_shortwave_rad": dimmed}


class Speedy:
    """SPEEDY at one truncation, a day at a time.

    steps: minutes; the first is jcm's own, the others are for pieces that blow up.
    """

    steps: tuple[int, ...] = (30, 20, 15, 10, 5)

    def __init__(self, truncation: int = 31, *, volcanoes: bool = True) -> None:
        if truncation not in TRUNCATIONS:
            raise UserError(
                f"Truncation {truncation} was asked for, expected one of {', '.join(map(str, TRUNCATIONS))}."
            )
        _quiet()
        folder = Path(str(resources.files("jcm.data.bc")))
        self.volcanoes = volcanoes
        self.source = (
            f"SPEEDY (JAX-GCM, PyPI jcm {metadata.version('jcm')}, Apache-2.0), an atmosphere model of "
            f"intermediate complexity, 8 levels, T{truncation}"
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of xarray, about how jcm merges
            self._coords = get_speedy_coords(spectral_truncation=truncation)
            terrain = folder / ("t63/terrain.nc" if truncation >= 63 else "t30/clim/terrain.nc")
            self._terrain = TerrainData.from_file(str(terrain), self._coords)
        grid = self._coords.horizontal
        self.lat = np.degrees(np.asarray(grid.latitudes, np.float64))
        self.lon = np.degrees(np.asarray(grid.longitudes, np.float64))
        self._surface = ObservedSurface(folder, self.lat, self.lon)
        boundaries = np.asarray(self._coords.vertical.boundaries, np.float64)
        self._sigma = (boundaries[1:] + boundaries[:-1]) / 2
        self._models: dict[int, Any] = {}

    def initial(self, seed: int) -> State:
        """An isothermal atmosphere at rest; the seed perturbs its surface pressure."""
        model = self._model(self.steps[0])
        dynamics, physics = model.bootstrap_state(model.initial_state(random_seed=seed))
        return dynamics, physics

    def advance(
        self, state: State, day: np.datetime64, step: int
    ) -> tuple[State, dict[str, NDArray[np.float32]]]:
        """One day on with a step of so many minutes -> the state, the day's mean fields (lat, lon)."""
        end, mean = self._model(step).run_from_state_with_carry(
            state[0],
            self._forcing(day),
            save_interval="1D",
            total_time="1D",
            output_averages=True,
            initial_physics_state=state[1],
            initial_time=jdt.to_datetime(str(day.astype("datetime64[D]"))),
            initial_step=jnp.int32(0),
        )
        # A model that blows up is noticed by what comes out of it.
        with np.errstate(over="ignore", invalid="ignore"):
            return (end.dynamics, end.physics), self._fields(mean)

    def dump(self, state: State) -> dict[str, NDArray[Any]]:
        """The state as arrays."""
        return {f"{i:03d}": np.asarray(leaf) for i, leaf in enumerate(jax.tree_util.tree_leaves(state))}

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> State:
        """What `dump` gave, as a state; raises ValueError where it belongs to another model."""
        leaves, shape = jax.tree_util.tree_flatten(self.initial(0))
        found = [arrays[name] for name in sorted(arrays)]
        wanted = [(np.shape(leaf), np.asarray(leaf).dtype) for leaf in leaves]
        if [(leaf.shape, leaf.dtype) for leaf in found] != wanted:
            raise ValueError("the state is of another model or resolution")
        state: State = jax.tree_util.tree_unflatten(shape, [jnp.asarray(leaf) for leaf in found])
        return state

    def _model(self, step: int) -> Any:
        if step not in self._models:
            terms = [
                _DimmedForcing(term.mod_radcon_params.get_value()) if type(term) is SpeedyForcing else term
                for term in speedy_physics().terms
            ]
            self._models[step] = Model(
                coords=self._coords,
                terrain=self._terrain,
                time_step=float(step),
                physics=ComposablePhysics(terms=terms, checkpoint_terms=False),
            )
        return self._models[step]

    def _forcing(self, day: np.datetime64) -> Any:
        surface = self._surface.on(day)
        noon = day.astype("datetime64[D]") + np.timedelta64(12, "h")
        depth = float(volcanic_aod(noon)) if self.volcanoes else 0.0
        depth = depth if depth >= _CLEAR_SKY else 0.0
        return ForcingData.zeros(
            nodal_shape=surface.sst.shape,
            alb0=jnp.asarray(self._surface.albedo),
            sice_am=jnp.asarray(surface.ice),
            snowc_am=jnp.asarray(surface.snow),
            soilw_am=jnp.asarray(surface.soil_water),
            stl_am=jnp.asarray(surface.soil_temperature),
            sea_surface_temperature=jnp.asarray(surface.sst),
            co2_vmr=jnp.float32(co2_ppm(noon)),
            aerosol_year_weight=jnp.full(1, depth, jnp.float32),
        )

    def _fields(self, mean: Any) -> dict[str, NDArray[np.float32]]:
        dynamics, surface = mean.dynamics, mean.physics["_surface_flux"]
        rain = mean.physics["_convection"].precnv + mean.physics["_condensation"].precls
        pressure = jcm.constants.p0 * np.asarray(dynamics.normalized_surface_pressure[0], np.float64)
        height = np.asarray(dynamics.geopotential[0], np.float64) / jcm.constants.grav
        lowest = np.asarray(dynamics.temperature[0, -1], np.float64)
        fields = {
            "t2m": surface.t0[0],
            "u10": surface.u0[0],
            "v10": surface.v0[0],
            "msl": sea_level_pressure(self._sigma[-1] * pressure, lowest, height[-1]),
            "pr": _G_PER_SECOND_IN_MM_PER_DAY * np.asarray(rain[0], np.float64),
            "z500": height_of_pressure(50_000.0, self._sigma, pressure, height),
        }
        return {name: np.asarray(field, np.float32).T for name, field in fields.items()}


def _quiet() -> None:
    """jcm logs each run; compiled code is kept, which saves a third of a minute at every start."""
    logging.getLogger("jcm").setLevel(logging.WARNING)
    jax.config.update("jax_compilation_cache_dir", str(cache_dir() / "jax"))
