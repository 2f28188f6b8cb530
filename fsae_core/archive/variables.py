"""The variables Field-Space Explorer knows by name: what files call them, what they are called here.

Anything else keeps the name and the units of its file; the general weights work on any variable.
"""

from __future__ import annotations

__all__ = ["CANONICAL", "Variable", "canonical_name", "level_name"]

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Variable:
    """One canonical variable.

    Attributes
    ----------
    quantity: which conversion table of `fsae_core.archive.units` applies.
    plausible: (lowest, highest) value in canonical units that any field of the Earth may have; values
        outside betray wrong units.
    """

    name: str
    units: str
    long_name: str
    standard_name: str
    quantity: str
    plausible: tuple[float, float]
    aliases: tuple[str, ...] = field(default=())


_VARIABLES = (
    Variable(
        "t2m",
        "K",
        "2 metre temperature",
        "air_temperature",
        "temperature",
        (150.0, 350.0),
        ("2t", "tas", "t_2m", "t2", "temp2", "air", "tmp", "tmp2m", "tmp_2maboveground", "tair"),
    ),
    Variable(
        "u10",
        "m s-1",
        "10 metre eastward wind",
        "eastward_wind",
        "speed",
        (-150.0, 150.0),
        ("10u", "uas", "u10m", "u_10m", "uwnd", "ugrd", "ugrd_10maboveground", "10m_u_component_of_wind"),
    ),
    Variable(
        "v10",
        "m s-1",
        "10 metre northward wind",
        "northward_wind",
        "speed",
        (-150.0, 150.0),
        ("10v", "vas", "v10m", "v_10m", "vwnd", "vgrd", "vgrd_10maboveground", "10m_v_component_of_wind"),
    ),
    Variable(
        "msl",
        "Pa",
        "mean sea level pressure",
        "air_pressure_at_mean_sea_level",
        "pressure",
        (80_000.0, 115_000.0),
        ("psl", "prmsl", "slp", "mslp", "mslet", "prmsl_meansealevel", "mean_sea_level_pressure"),
    ),
    Variable(
        "tp",
        "mm day-1",
        "total precipitation rate",
        "lwe_precipitation_rate",
        "precipitation",
        (-1.0, 10_000.0),
        ("total_precipitation", "apcp", "tot_prec"),
    ),
    Variable(
        "pr",
        "mm day-1",
        "precipitation rate",
        "lwe_precipitation_rate",
        "precipitation",
        (-1.0, 10_000.0),
        ("precip", "prate", "tprate", "mtpr", "pre", "prec", "rain"),
    ),
    Variable(
        "z500",
        "m",
        "geopotential height at 500 hPa",
        "geopotential_height",
        "height",
        (3_500.0, 7_000.0),
        ("zg500", "hgt500", "gh500", "phi500"),
    ),
)

CANONICAL: dict[str, Variable] = {v.name: v for v in _VARIABLES}
_BY_ALIAS: dict[str, str] = {alias: v.name for v in _VARIABLES for alias in (v.name, *v.aliases)}
_LONG_NAMES = {
    "2m_temperature": "t2m",
    "2_metre_temperature": "t2m",
    "mean_sea_level_pressure": "msl",
    "total_precipitation": "tp",
    "pr_wtr": "pr_wtr",
}
_HEIGHT_NAMES = {"z", "zg", "gh", "hgt", "geopotential", "geopotential_height", "phi"}
_NEEDS_SURFACE = {"air", "tmp", "uwnd", "vwnd", "ugrd", "vgrd"}


def canonical_name(name: str, *, level_hpa: float | None = None) -> str:
    """The name a file's variable gets here; an unknown name stays as it is.

    level_hpa: the pressure level the variable lies on, None at the surface or when the file has none.
    """
    key = name.strip().lower()
    if level_hpa is not None:
        return level_name(name, level_hpa)
    known = _BY_ALIAS.get(key) or _LONG_NAMES.get(key.replace(" ", "_"))
    return known or name


def level_name(name: str, level_hpa: float) -> str:
    """The name of a variable on one pressure level: z500 for geopotential, else name + hPa (t850)."""
    stem = "z" if name.strip().lower() in _HEIGHT_NAMES else name.strip()
    if stem in _NEEDS_SURFACE:
        stem = {"air": "t", "tmp": "t"}.get(stem, stem[0])
    label = f"{stem}{level_hpa:g}"
    return _BY_ALIAS.get(label.lower(), label)
