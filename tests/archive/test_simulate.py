"""Simulated archives: month by month, the same numbers across a stop, shorter steps where the model blows up.

What is common to all models is tested with a small one; SPEEDY itself where the extra is installed.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from toy_atmosphere import ToyAtmosphere

import fsae_core.archive.simulation_restart as restart
from fsae_core.archive.reader import open_archive
from fsae_core.archive.simulate import Simulation, simulate
from fsae_core.archive.simulation_months import months_of
from fsae_core.archive.simulation_restart import restart_path
from fsae_core.errors import UserError

RUN = Simulation("1982-11", "1983-03", every=1, spin_up=3)
NAMES = ("t2m", "u10", "v10", "msl", "pr", "z500")
needs_speedy = pytest.mark.skipif(find_spec("jcm") is None, reason="the extra `simulate` is not installed")


def _stop_after(months: int):
    def progress(items):
        for number, item in enumerate(items):
            if number == months:
                raise KeyboardInterrupt
            yield item

    return progress


def _fields(path: Path) -> dict[str, np.ndarray]:
    archive = open_archive(path)
    return {name: archive[name].values for name in NAMES}


def _same(a: Path, b: Path) -> bool:
    one, other = _fields(a), _fields(b)
    return all(np.array_equal(one[name], other[name]) for name in NAMES)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    simulate(tmp_path / "whole.zarr", RUN, atmosphere=ToyAtmosphere(), say=pytest.fail)
    return tmp_path / "whole.zarr"


def test_the_kept_days_are_those_of_the_shipped_archive():
    def kept(first: str, stop: str) -> np.ndarray:
        months = months_of(np.datetime64(first, "M"), np.datetime64(stop, "M"), 3)
        return np.concatenate([month.kept for month in months])

    assert kept("1979-01", "1980-01").size == 122
    assert kept("1992-05", "1993-01")[[0, -1]].astype(str).tolist() == [
        "1992-05-01T12:00:00.000000000",
        "1992-12-30T12:00:00.000000000",
    ]
    assert str(kept("2008-01", "2008-02")[0])[:10] == "2008-01-02"


def test_an_archive_of_days_and_one_of_months(tmp_path: Path):
    model = ToyAtmosphere()
    outcome = simulate(
        tmp_path / "days.zarr", RUN, monthly=tmp_path / "months.zarr", atmosphere=model, say=pytest.fail
    )
    days, months = open_archive(tmp_path / "days.zarr"), open_archive(tmp_path / "months.zarr")
    assert outcome.years == pytest.approx(1 / 3) and outcome.times == days.sizes["time"] == 120
    assert outcome.days == model.days_run == 123
    assert months["time"].values.astype("datetime64[M]").astype(str).tolist() == [
        "1982-11",
        "1982-12",
        "1983-01",
        "1983-02",
    ]
    for name in NAMES:
        mean = days[name].resample(time="MS").mean()
        assert np.allclose(mean.values, months[name].values, rtol=1e-5, atol=1e-4)
        assert days[name].attrs["cell_methods"] == "time: mean"
    for archive in (days, months):
        assert archive.attrs["fsae_simulated"] == 1 and archive.attrs["fsae_archive"] == 1
        assert archive.attrs["fsae_climatology"] == "amip" and "SIMULATED" in archive.attrs["comment"]
        assert "an energy-balance toy, seed 0" in archive.attrs["source"]
    assert days.attrs["fsae_name"] == "days"
    assert not restart_path(tmp_path / "days.zarr").exists()


def test_the_seed_changes_the_weather(tmp_path: Path, whole: Path):
    other = Simulation("1982-11", "1983-03", every=1, spin_up=3, seed=1)
    simulate(tmp_path / "b.zarr", other, atmosphere=ToyAtmosphere(), say=pytest.fail)
    assert not _same(whole, tmp_path / "b.zarr")


def test_a_stopped_run_goes_on_to_the_same_numbers(tmp_path: Path, whole: Path):
    path = tmp_path / "stopped.zarr"
    with pytest.raises(KeyboardInterrupt):
        simulate(path, RUN, atmosphere=ToyAtmosphere(), progress=_stop_after(3), say=pytest.fail)
    with pytest.warns(UserWarning, match=r"half written \(61 of 120 times"):
        part = open_archive(path)
    assert np.array_equal(part["t2m"].values, _fields(whole)["t2m"][:61])
    model = ToyAtmosphere()
    outcome = simulate(path, RUN, atmosphere=model, say=pytest.fail)
    assert outcome.days == model.days_run == 59
    assert _same(whole, path) and not restart_path(path).exists()
    again = ToyAtmosphere()
    simulate(path, RUN, atmosphere=again, say=pytest.fail)
    assert again.days_run == 0


def test_a_stop_before_the_state_is_kept_repeats_the_month(tmp_path: Path, whole: Path, monkeypatch):
    path = tmp_path / "stopped.zarr"

    class Killed(BaseException):
        pass

    def dies(*_):
        raise Killed

    with pytest.raises(KeyboardInterrupt):
        simulate(path, RUN, atmosphere=ToyAtmosphere(), progress=_stop_after(2), say=pytest.fail)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(restart.os, "fsync", dies)
        simulate(path, RUN, atmosphere=ToyAtmosphere(), say=pytest.fail)
    outcome = simulate(path, RUN, atmosphere=ToyAtmosphere(), say=pytest.fail)
    assert outcome.days == 90
    assert _same(whole, path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["stopped.zarr", "whole.zarr"]


def test_a_month_that_blows_up_is_run_again_with_a_shorter_step(tmp_path: Path, whole: Path):
    said: list[str] = []
    path = tmp_path / "a.zarr"
    stormy = ToyAtmosphere(stormy=(1,))
    outcome = simulate(path, RUN, atmosphere=stormy, say=said.append)
    assert len(said) == 1 and outcome.again == tuple(said)
    assert said[0].startswith("1983-01 blew up with a step of 30 minutes (")
    assert said[0].endswith("and was run again from its first day with one of 20.")
    assert open_archive(path).attrs["fsae_run_again"] == said
    calm, storm = _fields(whole)["t2m"], _fields(path)["t2m"]
    assert np.array_equal(calm[:61], storm[:61]) and np.isfinite(storm).all()
    assert not np.array_equal(calm[61:], storm[61:])
    assert simulate(path, RUN, atmosphere=stormy, say=pytest.fail).again == tuple(said)


def test_a_model_that_no_step_holds_is_given_up(tmp_path: Path, whole: Path):
    path = tmp_path / "a.zarr"
    with pytest.raises(UserError, match=r"each step down to 15 minutes: 1983-01 blew up .* try another seed"):
        simulate(path, RUN, atmosphere=ToyAtmosphere(stormy=(1,), storm=9.0), say=lambda _: None)
    with pytest.warns(UserWarning, match="half written"):
        assert np.array_equal(open_archive(path)["t2m"].values, _fields(whole)["t2m"][:61])


def test_what_cannot_go_on_is_refused(tmp_path: Path, whole: Path):
    toy = ToyAtmosphere()
    with pytest.raises(UserError, match="no archive of this very run"):
        simulate(whole, Simulation("1982-11", "1983-02", every=1), atmosphere=toy)
    path = tmp_path / "a.zarr"
    with pytest.raises(KeyboardInterrupt):
        simulate(path, RUN, atmosphere=toy, progress=_stop_after(2))
    kept = restart_path(path).read_bytes()
    restart_path(path).write_bytes(kept[:100])
    with pytest.raises(UserError, match="cannot be read"):
        simulate(path, RUN, atmosphere=toy)
    restart_path(path).write_bytes(kept)
    with pytest.raises(UserError, match="does not fit the model"):
        simulate(path, RUN, atmosphere=ToyAtmosphere(lat=np.linspace(-80, 80, 8)))
    other = tmp_path / "b.zarr"
    restart_path(other).write_bytes(kept)
    with pytest.raises(UserError, match=r"belongs to another run \(seed 0 there, 7 here\)"):
        simulate(other, Simulation("1982-11", "1983-03", every=1, spin_up=3, seed=7), atmosphere=toy)
    with pytest.raises(UserError, match="does not exist: make it first"):
        simulate(tmp_path / "none" / "a.zarr", RUN, atmosphere=toy)


def test_without_its_state_a_half_written_run_starts_anew(tmp_path: Path, whole: Path):
    path = tmp_path / "a.zarr"
    with pytest.raises(KeyboardInterrupt):
        simulate(path, RUN, atmosphere=ToyAtmosphere(), progress=_stop_after(3))
    restart_path(path).unlink()
    with pytest.raises(KeyboardInterrupt):
        simulate(path, RUN, atmosphere=ToyAtmosphere(), progress=_stop_after(2))
    with pytest.warns(UserWarning, match=r"half written \(30 of 120 times"):
        open_archive(path)
    simulate(path, RUN, atmosphere=ToyAtmosphere())
    assert _same(whole, path)


def test_monthly_means_can_be_asked_for_later(tmp_path: Path, whole: Path):
    before = {file: file.stat().st_mtime_ns for file in whole.rglob("*") if file.is_file()}
    simulate(whole, RUN, monthly=tmp_path / "m.zarr", atmosphere=ToyAtmosphere())
    assert {file: file.stat().st_mtime_ns for file in whole.rglob("*") if file.is_file()} == before
    means = open_archive(tmp_path / "m.zarr")["t2m"].values
    assert np.allclose(means[0], _fields(whole)["t2m"][:30].mean(0), rtol=1e-5)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("1990-05", "1990-05", "a start before its end"),
        ("1978-12", "1980-01", "both from 1979-01 to 2014-01"),
        ("2013-01", "2014-02", "both from 1979-01 to 2014-01"),
        ("soon", "2014-01", "expected year and month as in 1990-01"),
    ],
)
def test_months_without_a_sea_are_refused(start: str, end: str, message: str):
    with pytest.raises(UserError, match=message):
        Simulation(start, end)


def test_without_the_extra_one_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch):
    monkeypatch.delitem(sys.modules, "fsae_core.archive.simulation_speedy", raising=False)
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(UserError, match=r"pip install 'field-space-explorer\[simulate\]'"):
        simulate(tmp_path / "a.zarr", RUN)
    assert list(tmp_path.iterdir()) == []


@needs_speedy
def test_speedy_at_a_low_truncation(tmp_path: Path):
    """Days of T21: finite and Earth-like, the state there and back, the sun dimmed by the aerosol's share."""
    from fsae_core.archive.forcing import AOD_DIMMING, volcanic_aod
    from fsae_core.archive.simulation_speedy import Speedy

    dimmed, clear = Speedy(21), Speedy(21, volcanoes=False)
    day = np.datetime64("1991-11-01")
    start = dimmed.initial(3)
    for number in range(4):
        start, fields = dimmed.advance(start, day + number, 30)
    assert all(field.shape == (32, 64) and np.isfinite(field).all() for field in fields.values())
    assert 270 < fields["t2m"].mean() < 290 and 5_400 < fields["z500"].mean() < 6_200
    assert 99_000 < fields["msl"].mean() < 105_000 and 0 <= fields["pr"].min() < fields["pr"].max() < 200
    kept = dimmed.dump(start)
    one, first = dimmed.advance(start, day + 4, 30)
    _, second = dimmed.advance(dimmed.load(kept), day + 4, 30)
    assert all(np.array_equal(first[name], second[name]) for name in NAMES)
    other, _ = clear.advance(clear.load(kept), day + 4, 30)
    share = 1 - AOD_DIMMING * volcanic_aod(day + 4 + np.timedelta64(12, "h")) / 342
    sun, full = (np.asarray(state[1]["_shortwave_rad"].fsol) for state in (one, other))
    assert np.allclose(sun, share * full, rtol=1e-5) and 0.989 < share < 0.991
    calm = np.datetime64("1991-05-20")  # hardly anything is left of 1982's aerosol, nothing is taken off
    (one, _), (other, _) = (model.advance(model.load(kept), calm, 30) for model in (dimmed, clear))
    assert np.array_equal(*(np.asarray(state[0].vorticity) for state in (one, other)))
    with pytest.raises(ValueError, match="another model"):
        dimmed.load(dict(list(kept.items())[1:]))


@needs_speedy
def test_a_month_of_speedy_as_an_archive(tmp_path: Path):
    run = Simulation("1979-01", "1979-02", truncation=21, spin_up=2, every=3)
    outcome = simulate(tmp_path / "t21.zarr", run, say=print)
    archive = open_archive(tmp_path / "t21.zarr")
    assert outcome.times == archive.sizes["time"] == 11 and outcome.zoom == 3
    assert "T21" in archive.attrs["source"] and "jcm" in archive.attrs["source"]
    assert json.loads(archive.attrs["fsae_simulation"])["volcanoes"] is True
    assert isinstance(archive, xr.Dataset) and 270 < float(archive["t2m"].mean()) < 290
