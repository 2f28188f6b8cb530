"""Units: what is converted, with hand-computed numbers, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from fsae_core.archive.units import check_plausible, conversion, normalise_units
from fsae_core.archive.variables import CANONICAL, canonical_name
from fsae_core.errors import UserError


@pytest.mark.parametrize(
    ("variable", "units", "value", "expected"),
    [
        ("t2m", "K", 280.0, 280.0),
        ("t2m", "degC", 0.0, 273.15),
        ("t2m", "degrees_Celsius", -10.0, 263.15),
        ("t2m", "degF", 32.0, 273.15),
        ("u10", "m s**-1", 3.0, 3.0),
        ("u10", "km/h", 36.0, 10.0),
        ("v10", "knots", 1.0, 1852 / 3600),
        ("msl", "hPa", 1013.25, 101325.0),
        ("msl", "millibars", 1000.0, 100000.0),
        ("z500", "m**2 s**-2", 5500 * 9.80665, 5500.0),
        ("z500", "gpm", 5500.0, 5500.0),
        ("pr", "kg m-2 s-1", 1 / 86400, 1.0),
        ("pr", "kg m**-2 s**-1", 1 / 86400, 1.0),
        ("pr", "mm/day", 4.0, 4.0),
        ("pr", "m/day", 0.004, 4.0),
        ("pr", "m s-1", 0.001 / 86400, 1.0),
        ("tp", "mm h-1", 0.5, 12.0),
    ],
)
def test_conversions(variable: str, units: str, value: float, expected: float) -> None:
    convert = conversion(CANONICAL[variable], units, where="file: v")
    assert convert(np.array([value])) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("units", "hours", "expected"), [("m", 1, 24_000.0), ("mm", 24, 1.0), ("kg m-2", 6, 4.0)]
)
def test_precipitation_depth_needs_its_period(units: str, hours: float, expected: float) -> None:
    convert = conversion(CANONICAL["tp"], units, accumulation_hours=hours, where="file: tp")
    assert convert(np.array([1.0])) == pytest.approx(expected)
    with pytest.raises(UserError, match="accumulation_hours"):
        conversion(CANONICAL["tp"], units, where="file: tp")


@pytest.mark.parametrize(
    ("variable", "units"),
    [("t2m", "Pa"), ("msl", "K"), ("u10", "m"), ("pr", "K"), ("z500", "Pa"), ("t2m", "?")],
)
def test_impossible_units_are_refused(variable: str, units: str) -> None:
    with pytest.raises(UserError, match=rf"file: v has units '{units.replace('?', '[?]')}'.*expected one of"):
        conversion(CANONICAL[variable], units, where="file: v")


@pytest.mark.parametrize(
    "units", ["m s**-1", "m/s", "m s^-1", "m.s-1", "m s-1", "ms-1", "m sec-1", " m  s-1 "]
)
def test_one_spelling(units: str) -> None:
    assert normalise_units(units) == "m s-1"


def test_wrong_label_is_betrayed_by_the_values() -> None:
    with pytest.raises(UserError, match="look like degC"):
        check_plausible(CANONICAL["t2m"], -40.0, 35.0, "K", where="f: t2m")
    with pytest.raises(UserError, match="look like hPa"):
        check_plausible(CANONICAL["msl"], 950.0, 1040.0, "Pa", where="f: msl")
    with pytest.raises(UserError, match="look like m2 s-2"):
        check_plausible(CANONICAL["z500"], 48_000.0, 57_000.0, "m", where="f: z")


def test_float32_stays_float32() -> None:
    values = np.array([10.0], np.float32)
    assert conversion(CANONICAL["t2m"], "degC", where="f")(values).dtype == np.float32


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("2t", "t2m"),
        ("tas", "t2m"),
        ("air", "t2m"),
        ("TMP", "t2m"),
        ("psl", "msl"),
        ("prmsl", "msl"),
        ("10u", "u10"),
        ("vas", "v10"),
        ("tp", "tp"),
        ("pr", "pr"),
        ("2m_temperature", "t2m"),
        ("pr_wtr", "pr_wtr"),
        ("sst", "sst"),
    ],
)
def test_names(raw: str, name: str) -> None:
    assert canonical_name(raw) == name


def test_names_on_levels() -> None:
    assert canonical_name("zg", level_hpa=500.0) == "z500"
    assert canonical_name("gh", level_hpa=850.0) == "z850"
    assert canonical_name("air", level_hpa=850.0) == "t850"
    assert canonical_name("hgt", level_hpa=500.0) == "z500"
