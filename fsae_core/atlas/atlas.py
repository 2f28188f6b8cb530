"""An atlas: one row a time, the spaces behind it, and what can be asked of them."""

from __future__ import annotations

__all__ = ["COLUMNS", "Atlas", "AtlasConfig", "Placed", "components_used"]

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from fsae_core.archive.canonical import zoom_of_dataset
from fsae_core.atlas.calendar import Floats, decimal_years, month_numbers
from fsae_core.atlas.composites import discoveries
from fsae_core.atlas.displacement import DisplacementConfig, placed_displacement
from fsae_core.atlas.enso import EnsoConfig
from fsae_core.atlas.eruptions import null_pool
from fsae_core.atlas.novelty import NoveltyConfig
from fsae_core.atlas.space import FeatureSpace
from fsae_core.atlas.tsne import MapConfig, place_on_map
from fsae_core.errors import UserError
from fsae_core.sphere.pyramid import restrict

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "time",
    "x",
    "y",
    "month",
    "year",
    "displacement",
    "p_displacement",
    "novelty",
    "p_novelty",
    "global_mean",
    "nino34",
    "x_deseasonalised",
    "y_deseasonalised",
    "displacement_no_enso",
    "p_displacement_no_enso",
)
"""Of an atlas' table and file. Displacement in years, global_mean in the variable's units, nino34 in K;
what cannot be told is missing."""

_FALSE_SHARE = 0.1


@dataclass(frozen=True)
class AtlasConfig:
    """All that shapes an atlas; the same archive and configuration give the same atlas.

    ratio, model: of the compression; map_components: principal components that the maps are drawn from;
    components: that neighbours and novelty are computed in. The defaults were chosen on quiet years (how
    well the neighbours' years follow a time's own), not on eruptions, and matter little there.
    """

    ratio: int = 16
    model: str = "auto"
    map_components: int = 50
    components: int = 20
    map: MapConfig = field(default_factory=MapConfig)
    displacement: DisplacementConfig = field(default_factory=DisplacementConfig)
    novelty: NoveltyConfig = field(default_factory=NoveltyConfig)
    enso: EnsoConfig = field(default_factory=EnsoConfig)

    def as_dict(self) -> dict[str, Any]:
        """For the file and for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> AtlasConfig:
        """The inverse of `as_dict`."""
        enso = dict(values["enso"])
        enso["lags_months"] = tuple(enso["lags_months"])
        parts = {
            "map": MapConfig(**values["map"]),
            "displacement": DisplacementConfig(**values["displacement"]),
            "novelty": NoveltyConfig(**values["novelty"]),
            "enso": EnsoConfig(**enso),
        }
        return cls(**{**values, **parts})


def components_used(config: AtlasConfig, times: int) -> int:
    """Principal components for neighbours and novelty: a tenth of the times at most."""
    return max(1, min(config.components, times // 10))


@dataclass(frozen=True)
class Placed:
    """New times on an atlas: table has time, x, y, month, year, displacement (missing outside the years of
    the atlas), x_deseasonalised, y_deseasonalised; scores as those of the atlas, (time, d)."""

    table: pd.DataFrame
    scores: NDArray[np.float32]
    scores_deseasonalised: NDArray[np.float32]


@dataclass(frozen=True)
class Atlas:
    """table: one row a time, `COLUMNS`; raw, deseasonalised: the spaces; scores: (time, d) in them;
    about: archive, variable, units, zooms, weights (name and sha256), eruptions, and how it was made;
    expected: (time,) year that neighbours suggest when nothing is special, None where years are not told."""

    table: pd.DataFrame
    config: AtlasConfig
    raw: FeatureSpace
    deseasonalised: FeatureSpace
    scores: NDArray[np.float32]
    scores_deseasonalised: NDArray[np.float32]
    about: dict[str, Any]
    expected: NDArray[np.float64] | None = None

    @property
    def times(self) -> NDArray[np.datetime64]:
        """(time,) datetime64[ns]."""
        return self.table["time"].to_numpy()

    def outliers(self) -> pd.DataFrame:
        """Rows whose novelty is significant, the most novel first: a tenth of them are expected to be false
        (Benjamini and Hochberg 1995)."""
        novel = discoveries(self.table["p_novelty"].to_numpy(np.float64), _FALSE_SHARE)
        return self.table[novel].sort_values("novelty", ascending=False)

    def neighbours(
        self,
        row: int,
        count: int = 5,
        *,
        apart_years: float = 5.0,
        same_month: bool = False,
        deseasonalised: bool = True,
    ) -> pd.DataFrame:
        """The rows nearest to one, more than `apart_years` away in time, with the column `distance`."""
        scores = self.scores_deseasonalised if deseasonalised else self.scores
        return self.nearest(
            scores[row],
            np.datetime64(self.times[row]),
            count,
            apart_years=apart_years,
            same_month=same_month,
            deseasonalised=deseasonalised,
        )

    def nearest(
        self,
        score: Floats,
        time: np.datetime64 | None,
        count: int = 5,
        *,
        apart_years: float = 0.0,
        same_month: bool = False,
        deseasonalised: bool = True,
    ) -> pd.DataFrame:
        """The rows nearest to a point (d,) of the space, which may be that of a placed time."""
        scores = self.scores_deseasonalised if deseasonalised else self.scores
        distance = np.sqrt(np.square(scores - score).sum(axis=1, dtype=np.float64))
        allowed = np.ones(len(scores), bool)
        if time is not None:
            own = np.array([time], "datetime64[ns]")
            if apart_years > 0:
                allowed &= np.abs(decimal_years(self.times) - decimal_years(own)) > apart_years
            if same_month:
                allowed &= month_numbers(self.times) == month_numbers(own)
        rows = np.flatnonzero(allowed)
        rows = rows[np.argsort(distance[rows], kind="stable")[:count]]
        return self.table.iloc[rows].assign(distance=distance[rows])

    def place(self, ds: xr.Dataset, *, variable: str | None = None, device: str = "auto") -> Placed:
        """Put times of another canonical archive onto the maps, which stay as they are.

        Fields finer than the atlas' are averaged first. Raises UserError for coarser ones, a variable that
        is not there, or weights that are not those of the atlas.
        """
        import pandas as pd

        from fsae_core.atlas.features import compressed_record

        name = variable or self.about["variable"]
        record = compressed_record(
            self._at_own_zoom(ds), name, self.config.ratio, model=self.about["model"], device=device
        )
        if record.sha256 != self.about["sha256"]:
            raise UserError(
                f"The atlas was made with weights {self.about['model']} of checksum "
                f"{self.about['sha256'][:12]}, these have {record.sha256[:12]}: build the atlas again."
            )
        raw = self.raw.scores(record.values, record.times)
        free = self.deseasonalised.scores(record.values, record.times)
        c = self.config.map
        places = place_on_map(self.scores, self.table[["x", "y"]].to_numpy(), raw, c)
        own = self.table[["x_deseasonalised", "y_deseasonalised"]].to_numpy()
        places_free = place_on_map(self.scores_deseasonalised, own, free, c)
        table = pd.DataFrame(
            {
                "time": record.times,
                "x": places[:, 0],
                "y": places[:, 1],
                "month": month_numbers(record.times),
                "year": record.times.astype("datetime64[Y]").astype(int) + 1970,
                "displacement": self._displacement(free, record.times),
                "x_deseasonalised": places_free[:, 0],
                "y_deseasonalised": places_free[:, 1],
            }
        )
        return Placed(table, raw, free)

    def _displacement(self, new: Floats, times: NDArray[np.datetime64]) -> NDArray[np.float64]:
        if self.expected is None:
            return np.full(len(times), np.nan)
        used = components_used(self.config, len(self.table))
        return placed_displacement(
            self.scores_deseasonalised[:, :used],
            decimal_years(self.times),
            self.expected,
            new[:, :used],
            decimal_years(times),
            self.config.displacement,
            pool=null_pool(self.times),
        )

    def _at_own_zoom(self, ds: xr.Dataset) -> xr.Dataset:
        zoom, own = zoom_of_dataset(ds), int(self.about["zoom_in"])
        if zoom < own:
            raise UserError(
                f"The fields are at zoom {zoom}, the atlas is of fields at zoom {own}: only as fine or "
                "finer ones can be placed."
            )
        if zoom == own:
            return ds
        fields = {
            str(name): xr.DataArray(
                restrict(array.values, zoom - own),
                dims=array.dims,
                coords={"time": ds["time"]} if "time" in array.dims else None,
                attrs=array.attrs,
            )
            for name, array in ds.data_vars.items()
            if "cell" in array.dims
        }
        return xr.Dataset(fields, attrs=ds.attrs)
