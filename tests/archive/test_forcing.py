"""The forcing of the simulated archive against the figures that its documentation states."""

import numpy as np
import pytest

from fsae_core.archive.forcing import ERUPTIONS, co2_ppm, nino34, volcanic_aod


def test_co2_runs_between_the_documented_ends():
    assert co2_ppm(np.datetime64("1979-07-02")) == pytest.approx(336.8, abs=0.05)
    assert co2_ppm(np.datetime64("2013-07-02")) == pytest.approx(396.5, abs=0.05)
    months = np.arange(np.datetime64("1970-01"), np.datetime64("2030-01"))
    assert (np.diff(co2_ppm(months)) > 0).all()


@pytest.mark.parametrize("eruption", ERUPTIONS, ids=lambda e: e.name)
def test_aerosol_rises_four_months_and_fades_in_eleven(eruption):
    start = np.datetime64(eruption.start)
    days = start + np.arange(-40, 800)
    aod = volcanic_aod(days, (eruption,))
    assert (aod[days <= start] == 0).all()
    top = int(aod.argmax())
    assert aod[top] == pytest.approx(eruption.peak, rel=0.01)
    assert (days[top] - start).astype(int) == pytest.approx(4 * 30.44, abs=1)
    assert aod[top + round(11 * 30.44)] == pytest.approx(eruption.peak / np.e, rel=0.01)
    assert (volcanic_aod(days, ()) == 0).all()


def test_nino_knows_the_great_events_and_its_own_limits():
    months = np.arange(np.datetime64("1979-01"), np.datetime64("2014-01"))
    middle = months.astype("datetime64[D]") + 15
    index = nino34(middle)
    assert np.isfinite(index).all()
    assert str(months[index.argmax()]) in ("1982-12", "1997-11", "1997-12")
    assert index[months == np.datetime64("1988-12")] < -1.5
    assert np.isnan(nino34(np.array(["1978-12-31", "2014-01-01"], "datetime64[D]"))).all()
