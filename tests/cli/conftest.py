"""The command line, called in the process; its model is the weightless one where a test asks for that."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from block_mean import BlockMean, small_archive

from fsae_core.cli import main
from fsae_core.codec import choice
from fsae_core.codec.store import write_fields


class Answer(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        return json.loads(self.out.splitlines()[-1])


@pytest.fixture
def fsae(capsys) -> Callable[..., Answer]:
    """Run ``fsae`` with these arguments."""

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        code = main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return run


@pytest.fixture
def refuses(fsae) -> Callable[..., str]:
    """Run ``fsae``, which must end with code 2 and one sentence; gives the sentence."""

    def run(*arguments: object) -> str:
        answer = fsae(*arguments)
        assert answer.code == 2, answer
        assert answer.out == ""
        lines = answer.err.splitlines()
        assert len(lines) == 1 and lines[0].startswith("fsae: ") and lines[0].endswith((".", ").")), (
            answer.err
        )
        assert "Traceback" not in answer.err
        return lines[0].removeprefix("fsae: ")

    return run


@pytest.fixture
def weightless(monkeypatch) -> None:
    """Names of weights give the block-mean model of that ratio; `t2m-...` is one for t2m only."""

    def load(model, device, ratio=None, shipped_only=False):
        if not isinstance(model, str):
            return model
        ratio = int(model.rpartition("-")[2].rstrip("x"))
        return BlockMean(ratio, variables=("t2m",) if model.startswith("t2m") else None)

    monkeypatch.setattr(choice, "load", load)
    monkeypatch.setattr(choice, "shipped_cards", list)


@pytest.fixture
def source(tmp_path) -> Path:
    """Five days of t2m and msl at zoom 4."""
    path = tmp_path / "source.zarr.zip"
    write_fields(small_archive(), path)
    return path
