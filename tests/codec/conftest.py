"""What the codec's tests share."""

import pytest
import xarray as xr
from block_mean import BlockMean, small_archive


@pytest.fixture
def block_mean() -> type[BlockMean]:
    return BlockMean


@pytest.fixture
def archive() -> xr.Dataset:
    return small_archive()
