"""Bits that compressed fields take on times that are no test times, and the steps they are quantised by.

`-k steps` finds the step of each family and ratio at which RMSE grows by 2 %; `-k bits` puts the entropy
coder beside deflated integers and JPEG 2000 (bare codestream) of the compressed fields, at equal error.
"""

import zlib
from dataclasses import replace

import numpy as np
import pytest

from fsae_core.archive.reader import open_archive
from fsae_core.archive.timing import is_instant
from fsae_core.codec.detail_code import round_details
from fsae_core.codec.entropy import decode_standard, encode_standard, round_standard
from fsae_core.codec.steps import known_step
from fsae_core.evaluate.image_codecs import Jpeg2000
from fsae_core.evaluate.mosaic import to_mosaic
from fsae_core.model.checkpoint import load_model
from fsae_core.training.splits import Split, split_of

pytestmark = [pytest.mark.bench]
RATIOS = (4, 16, 64, 256)


def rmse(a, b) -> float:
    return float(np.sqrt(np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2)))


def training_fields(archive, shared_data, variable):
    """(fields, times, instant): the week's training times, or the simulated archive's validation years."""
    if archive == "era5-week":
        ds = open_archive(archive)
        part = ds.sel(time=Split.mask(ds["time"].values, split_of(ds).train))
        return part[variable].values, part["time"].values, is_instant(ds, variable)
    years, truncation, zoom = {"amip": ((2005, 2006), 31, 4), "amip-hr": ((1992, 1993), 63, 5)}[archive]
    parts = [
        open_archive(shared_data / "amip" / f"amip_T{truncation}_{y}.nc", variables=variable, zoom=zoom)
        for y in years
    ]
    return (
        np.concatenate([p[variable].values for p in parts])[::3],
        np.concatenate([p["time"].values for p in parts])[::3],
        False,
    )


def standardised(model, x, times, variable, instant):
    packed = model.compress_fields(x, variable=variable, times=times, instant=instant)
    return packed, (packed.values - packed.offset[:, None]) / packed.scale[:, None]


CASES = [("general", "era5-week", v) for v in ("t2m", "u10", "v10", "msl", "tp")]
ADAPTIVE = [("general-adaptive", *case[1:]) for case in CASES]
SIMULATED = [("amip", "amip", "t2m"), ("amip", "amip-hr", "t2m")]
ADAPTIVE += [("amip-adaptive", *case[1:]) for case in SIMULATED]
CASES += SIMULATED


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("family, archive, variable", CASES + ADAPTIVE)
def test_steps(family, archive, variable, ratio, shared_data):
    model = load_model(f"{family}-{ratio}x", device="cpu")
    x, times, instant = training_fields(archive, shared_data, variable)
    packed, standard = standardised(model, x, times, variable, instant)

    def growth(step):
        if getattr(packed, "places", None) is not None:
            rounded = round_details(standard, step)
        else:
            rounded = round_standard(standard, step, packed.zoom)
        values = (rounded * packed.scale[:, None] + packed.offset[:, None]).astype(np.float32)
        back = model.decompress_fields(
            replace(packed, values=values), variable=variable, times=times, instant=instant
        )
        return rmse(back, x) / exact - 1

    exact = rmse(model.decompress_fields(packed, variable=variable, times=times, instant=instant), x)
    step = known_step(model.card, ratio, variable)
    low, high = step / 4, 4 * step
    for _ in range(6):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if growth(middle) <= 0.02 else (low, middle)
    grown = growth(step)
    print(
        f"{family}-{ratio}x on {archive} {variable}: RMSE {exact:.4f}, +2 % at step {low:.4f}; "
        f"at the step in use, {step:.4f}, {100 * grown:+.2f} %"
    )
    assert grown <= 0.02


def jpeg2000(field, error):
    """Bytes of JPEG 2000 of the mosaic at this RMSE or less, by bisection."""
    codec, image = Jpeg2000(), to_mosaic(field)
    near, far, size = codec.coarse, codec.fine, 0
    for _ in range(14):
        level = (near * far) ** 0.5
        data = codec.encode(image, level)
        if rmse(codec.decode(data, image.shape), image) <= error:
            far, size = level, len(data)
        else:
            near = level
    return size or len(codec.encode(image, codec.fine))


def deflated(standard, step):
    """Bytes of whole steps as int8 or int16, deflated; and their RMSE."""
    numbers = np.rint(standard / step)
    small = np.int8 if abs(numbers).max() < 128 else np.int16
    return len(zlib.compress(numbers.astype(small).tobytes(), 9)), rmse(numbers * step, standard)


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("family, archive, variable", [CASES[i] for i in (0, 1, 3, 5, 6)])
def test_bits(family, archive, variable, ratio, shared_data):
    from numcodecs import Shuffle, Zstd

    model = load_model(f"{family}-{ratio}x", device="cpu")
    x, times, instant = training_fields(archive, shared_data, variable)
    packed, standard = standardised(model, x[:16], times[:16], variable, instant)
    one, step = standard[:1], known_step(model.card, ratio, variable)
    half = len(Zstd(level=9).encode(Shuffle(2).encode(one.astype(np.float16).view(np.uint8).ravel())))
    print(
        f"\n{family}-{ratio}x {archive} {variable}, {one.size} values, bits a value; "
        f"float16 {8 * half / one.size:.2f}"
    )
    for times_coarser in (1, 4, 16)[: 3 if one.size > 100 else 2]:
        data = encode_standard(one, times_coarser * step, packed.zoom)
        error = rmse(decode_standard(data), one)
        plain = times_coarser * step
        for _ in range(4):  # deflated integers get the step that gives them the same error
            size, its_error = deflated(one, plain)
            plain *= error / its_error
        picture = jpeg2000(one[0], error)
        many = encode_standard(standard, times_coarser * step, packed.zoom)
        bits = [8 * n / one.size for n in (len(data), size, picture)]
        together = 8 * len(many) / standard.size
        print(
            f"  step {times_coarser * step:.3f}: one field {bits[0]:.2f} (deflated integers {bits[1]:.2f}, "
            f"JPEG 2000 {bits[2]:.2f}), {len(standard)} together {together:.2f}"
        )
        assert bits[0] < min(bits[1:])
