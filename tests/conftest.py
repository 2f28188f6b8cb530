"""What every test may use."""

import os
from pathlib import Path

import pytest

# OpenMP threads that spin while they wait cost several times the work on shared cores; set before torch.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of training and test data beside the checkout; it is not part of the project."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("shared data absent: no shared/data folder beside the checkout")
    return folder
