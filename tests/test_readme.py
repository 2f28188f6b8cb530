"""What the README tells people to type is what the commands take."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from fsae_core.archive.build import BUILDERS
from fsae_core.cli.front import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S)
LINES = [line for block in BLOCKS for line in block.replace("\\\n", " ").splitlines()]
FSAE = [line for line in LINES if line.startswith("fsae ")]


@pytest.mark.parametrize("line", FSAE)
def test_commands_take_their_options(line: str) -> None:
    arguments = shlex.split(line, comments=True)[1:]
    command, context, name = typer.main.get_command(app), None, "fsae"
    while hasattr(command, "commands"):
        name = arguments.pop(0)
        assert name in command.commands, name
        command = command.commands[name]
    with command.make_context(name, arguments, parent=context) as parsed:
        assert parsed.params


def test_every_command_is_shown() -> None:
    shown = {line.split()[1] for line in FSAE}
    assert shown == set(typer.main.get_command(app).commands)


def test_builders_and_benches_exist() -> None:
    assert set(re.findall(r"archive\.build (\S+)", README)) <= set(BUILDERS)
    named = {path for path in re.findall(r"tests/bench/\w+_bench\.py", README)}
    assert named == {f"tests/bench/{path.name}" for path in (ROOT / "tests/bench").glob("*_bench.py")}
