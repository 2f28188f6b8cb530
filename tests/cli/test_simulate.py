"""`fsae simulate`, with a small model in SPEEDY's place: what it prints, what it refuses."""

from __future__ import annotations

import pytest
from toy_atmosphere import ToyAtmosphere

import fsae_core.archive.simulate as simulation
from fsae_core.archive.reader import open_archive

OPTIONS = ("--start", "1982-11", "--end", "1983-02", "--spin-up", "1", "--every", "5")


@pytest.fixture
def toy(monkeypatch) -> list[simulation.Simulation]:
    """The runs that were asked for; each is run by the toy, whose Januaries blow up with the usual step."""
    runs: list[simulation.Simulation] = []

    def model(run: simulation.Simulation) -> ToyAtmosphere:
        runs.append(run)
        return ToyAtmosphere(stormy=(1,))

    monkeypatch.setattr(simulation, "_speedy", model)
    return runs


def test_a_run_and_what_it_says(tmp_path, fsae, toy):
    target, monthly = tmp_path / "run.zarr", tmp_path / "months.zarr"
    answer = fsae("simulate", target, *OPTIONS, "--seed", 4, "--no-volcanoes", "--monthly", monthly, "--json")
    assert answer.code == 0, answer.err
    told = answer.json
    assert told["years"] == 0.25 and told["seconds"] > 0 and told["days_run"] == 93
    assert told["times"] == 19 and told["simulated"] is True and told["seed"] == 4
    assert toy[0].volcanoes is False and toy[0].seed == 4 and toy[0].truncation == 31
    assert "1983-01 blew up with a step of 30 minutes" in answer.err
    assert told["run_again"] == [line for line in answer.err.splitlines() if "blew up" in line]
    archive = open_archive(target)
    assert archive.sizes["time"] == 19 and "no volcanic aerosol" in archive.attrs["comment"]
    assert open_archive(monthly).sizes["time"] == 3
    info = fsae("info", target, "--json").json
    assert info["simulated"] is True and info["variables"] == ["t2m", "u10", "v10", "msl", "pr", "z500"]
    again = fsae(
        "simulate", target, *OPTIONS, "--seed", 4, "--no-volcanoes", "--monthly", monthly, "--json"
    ).json
    assert again["days_run"] == 0 and len(toy) == 1


def test_what_it_refuses(tmp_path, refuses, toy):
    target = tmp_path / "run.zarr"
    assert "name it .zarr" in refuses("simulate", tmp_path / "run.zip", *OPTIONS)
    assert "choose two names" in refuses("simulate", target, *OPTIONS, "--monthly", target)
    assert "1979-01 to 2014-01" in refuses("simulate", target, "--start", "2013-06", "--end", "2014-06")
    assert "as in 1990-01" in refuses("simulate", target, "--start", "spring", "--end", "2014-01")
    assert "--start" in refuses("simulate", target)
    target.mkdir()
    assert "no archive of this very run" in refuses("simulate", target, *OPTIONS)
    assert not toy
