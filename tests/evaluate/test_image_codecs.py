"""The codecs of pictures: what comes back is from the bytes alone, and finer settings are finer."""

import imagecodecs
import numpy as np
import pytest

from fsae_core.evaluate.image_codecs import BitRoundZstd, Jpeg2000, Sperr, Sz3, Zfp
from fsae_core.evaluate.picture_method import PictureMethod
from fsae_core.sphere.healpix import cell_centres

CODECS = [Jpeg2000, Sperr, Sz3, Zfp, BitRoundZstd]


def picture(times=1):
    y, x = np.mgrid[0:48, 0:64] / 16
    fields = [280 + 20 * np.cos(y + t) + 5 * np.sin(3 * x) * np.cos(2 * y) for t in np.arange(times) / 8]
    noise = np.random.default_rng(0).normal(0, 0.1, (times, 48, 64))
    return (np.array(fields) + noise).astype(np.float32).squeeze()


def settings(codec):
    return (2, 6, 12) if codec is BitRoundZstd else np.geomspace(codec.coarse, codec.fine, 7)[[3, 4, 5]]


@pytest.mark.parametrize("codec", CODECS)
def test_finer_settings_cost_more_and_lose_less(codec):
    image = picture()
    sizes, errors = [], []
    for setting in settings(codec):
        data = codec().encode(image, setting)
        back = codec().decode(bytes(bytearray(data)), image.shape)
        assert back.dtype == np.float32 and back.shape == image.shape
        sizes.append(len(data))
        errors.append(np.sqrt(np.mean((back.astype(float) - image) ** 2)))
    assert sizes == sorted(sizes) and errors == sorted(errors, reverse=True)
    assert sizes[-1] > 1.5 * sizes[0] and errors[-1] < 0.5 * errors[0]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("values", [np.full((48, 64), 273.15, np.float32), np.zeros((48, 64), np.float32)])
def test_constant_pictures(codec, values):
    back = codec().decode(codec().encode(values, settings(codec)[1]), values.shape)
    np.testing.assert_allclose(back, values, rtol=0.01)


def test_jpeg2000_without_its_comment_is_the_same_picture():
    image = picture()
    grey = np.round((image.astype(float) - image.min()) / (float(image.max()) - image.min()) * 65535)
    whole = imagecodecs.jpeg2k_encode(grey.astype(np.uint16), 50, reversible=False, codecformat="j2k")
    data = Jpeg2000().encode(image, 50)
    assert b"OpenJPEG" in whole and b"OpenJPEG" not in data
    assert len(data) - 8 < len(whole) - 30
    back = Jpeg2000().decode(data, image.shape)
    expected = imagecodecs.jpeg2k_decode(whole) / 65535 * np.ptp(image.astype(float)) + image.min()
    np.testing.assert_allclose(back, expected, atol=1e-3)


def test_the_error_bound_of_sz3_holds():
    image = picture()
    bound = image.std(dtype=float) / 100
    back = Sz3().decode(Sz3().encode(image, 100), image.shape)
    assert np.abs(back.astype(float) - image).max() <= bound * 1.001


def test_sperr_takes_volumes():
    volume = picture(4)
    data = Sperr().encode(volume, 0.5)
    assert len(data) <= 0.5 / 8 * volume.size + 64
    assert np.abs(Sperr().decode(data, volume.shape) - volume).std() < 1


def test_a_window_is_coded_together():
    lon, lat = np.deg2rad(cell_centres(4))
    x = np.stack([280 + 30 * np.cos(lat) + 5 * np.sin(3 * lon + t / 10) for t in range(5)]).astype(np.float32)
    alone, together = PictureMethod(Sperr()), PictureMethod(Sperr(), 4, "sperr-3d")
    one = alone.code(x, None, axis="bytes", ratio=64)
    four = together.code(x, None, axis="bytes", ratio=64)
    assert one.bytes <= 4 * 3072 / 64 and four.bytes <= 4 * 3072 / 64
    error = [np.sqrt(np.mean((c.recon - x) ** 2, axis=-1)) for c in (one, four)]
    assert (error[1][:4] < 0.95 * error[0][:4]).all(), "alike times share their bytes"
    assert error[1][4] == error[0][4], "the last time is in a window of its own"
