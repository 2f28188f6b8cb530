"""The sphere's tests keep their cached weights to themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fsae_core.sphere import regrid


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regrid, "cache_dir", lambda: folder)
        yield


@pytest.fixture
def cold_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and nothing remembered in memory."""
    monkeypatch.setattr(regrid, "cache_dir", lambda: tmp_path)
    regrid._weights.cache_clear()
    regrid._single_weights.cache_clear()
    return tmp_path
