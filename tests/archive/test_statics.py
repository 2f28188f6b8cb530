"""Orography and land share at every zoom."""

from __future__ import annotations

import numpy as np
import pytest

from fsae_core.archive.statics import static_fields
from fsae_core.sphere.healpix import n_cells
from fsae_core.sphere.pyramid import restrict


@pytest.mark.parametrize("zoom", range(10))
def test_every_zoom(zoom: int) -> None:
    fields = static_fields(zoom)
    assert set(fields) == {"orography", "land"}
    for values in fields.values():
        assert values.shape == (n_cells(zoom),)
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    assert fields["orography"].min() >= 0
    assert 0 <= fields["land"].min() <= fields["land"].max() <= 1


def test_coarser_is_the_mean_of_finer() -> None:
    for name, values in static_fields(5).items():
        assert values == pytest.approx(restrict(static_fields(8)[name], 3), abs=1e-2)


def test_known_numbers() -> None:
    fields = static_fields(8)
    assert 0.28 < fields["land"].mean() < 0.31
    assert 200 < fields["orography"].mean() < 270
    assert 5000 < fields["orography"].max() < 8900
    assert (fields["orography"][fields["land"] == 0] == 0).all()


def test_they_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        static_fields(3)["land"][0] = 1
