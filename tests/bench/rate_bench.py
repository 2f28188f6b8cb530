"""Rate and distortion on held-out times: FS-AE beside block means, EOFs and the codecs people use.

ERA5 t2m of 30 and 31 March 2026 (seven times, zoom 6) at equal floats and equal bytes; the simulated archive
at high resolution (2008, zoom 5) at equal floats, and in bytes every tenth day; daily low resolution
2007-2013 (zoom 4, from the shared training data) at equal floats. `fsae evaluate` prints the same numbers,
and more of them.
"""

import numpy as np
import pytest
import xarray as xr

from fsae_core.archive.reader import open_archive
from fsae_core.evaluate.methods import method_named
from fsae_core.evaluate.table import evaluate

pytestmark = [pytest.mark.bench]
RATIOS = (4, 16, 64, 256)
CODECS = ["jpeg2000", "sperr", "sperr-3d"]


def table(ds, methods, ratios=RATIOS, **options):
    made = evaluate(ds, "t2m", methods, ratios, **options)
    found: dict[tuple[str, str], dict[int, float]] = {}
    for row in made.rows:
        found.setdefault((row["method"], row["axis"]), {})[row["ratio"]] = row["rmse"]
    return found


def show(title, found):
    print(f"\n{title}, RMSE in K")
    for (method, axis), by_ratio in found.items():
        figures = " ".join(f"{ratio}x {rmse:.4f}" for ratio, rmse in by_ratio.items() if rmse is not None)
        print(f"  {method:16s} {axis:6s} {figures}")


@pytest.mark.quick
def test_era5_in_floats():
    found = table(open_archive("era5-week"), ["fs-ae", "block-mean", "sht"], axes=["floats"])
    show("era5-week t2m at equal floats", found)
    for ratio, expected in zip(RATIOS, (0.605, 1.22, 2.19, 3.42), strict=True):
        assert found["block-mean", "floats"][ratio] == pytest.approx(expected, rel=0.01)
        assert found["fs-ae", "floats"][ratio] < 0.6 * found["block-mean", "floats"][ratio]


@pytest.mark.quick
def test_era5_in_bytes():
    """Below every codec on the same raw fields from 64 times fewer bytes up."""
    methods = ["fs-ae", *CODECS, "fs-ae+clim", *(f"{name}+clim" for name in CODECS)]
    found = table(open_archive("era5-week"), methods, (64, 256), axes=["bytes"])
    show("era5-week t2m at equal bytes", found)
    for ratio in (64, 256):
        for end in ("", "+clim"):
            best = min(found[name + end, "bytes"][ratio] for name in CODECS)
            assert found["fs-ae" + end, "bytes"][ratio] < best


def test_simulated_high_resolution():
    ds = open_archive("amip-hr")
    found = table(ds, ["fs-ae", "block-mean+clim", "sht+clim"], axes=["floats"])
    show("amip-hr t2m at equal floats", found)
    assert all(
        found["fs-ae", "floats"][r] < found[other, "floats"][r]
        for r in RATIOS
        for other in ("block-mean+clim", "sht+clim")
    )
    part = ds.isel(time=slice(None, None, 10))
    codecs = [*CODECS, *(f"{name}+clim" for name in CODECS)]
    in_bytes = table(part, ["fs-ae", *codecs], (64, 256), axes=["bytes"])
    show("amip-hr t2m at equal bytes, every tenth field (30 days apart)", in_bytes)
    for ratio in (64, 256):
        assert in_bytes["fs-ae", "bytes"][ratio] < min(in_bytes[c, "bytes"][ratio] for c in codecs)


def test_simulated_daily_low_resolution(shared_data):
    years = [
        open_archive(shared_data / "amip" / f"amip_T31_{year}.nc", variables="t2m", zoom=4)
        for year in range(1979, 2014)
    ]
    ds = xr.concat(years, "time", data_vars="minimal", compat="override", coords="minimal")
    ds.attrs |= {"fsae_name": "amip", "fsae_climatology": "amip"}
    found = table(ds, ["fs-ae", "eof+clim", "block-mean+clim"], axes=["floats"])
    show("amip daily t2m 2007-2013 at equal floats", found)
    for name, expected in {
        "fs-ae": (0.1272, 0.5565, 1.1136, 1.5929),
        "block-mean+clim": (0.457, 1.087, 1.690, 1.936),
    }.items():
        np.testing.assert_allclose(list(found[name, "floats"].values()), expected, rtol=0.01)
    for ratio in (16, 64, 256):
        assert found["fs-ae", "floats"][ratio] < found["eof+clim", "floats"][ratio]


def test_one_field_at_once():
    """What the app waits for when a point is clicked: CPU seconds of one field, everything loaded."""
    import time

    ds = open_archive("era5-week", variables="t2m")
    x, times = ds["t2m"].values[18:19], ds["time"].values[18:19]
    for name in ("fs-ae", "block-mean", "sht", "jpeg2000", "sperr", "sz3", "zfp", "bitround"):
        method = method_named(name, ds, "t2m")
        spent = []
        for ratio in RATIOS:
            method.code(x, times, axis="bytes", ratio=ratio)
            started = time.process_time()
            method.code(x, times, axis="bytes", ratio=ratio)
            spent.append(time.process_time() - started)
        print(f"  {name:12s} " + " ".join(f"{r}x {s:.2f} s" for r, s in zip(RATIOS, spent, strict=True)))
        assert max(spent) < 4
