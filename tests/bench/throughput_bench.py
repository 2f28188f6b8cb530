"""MB/s of float32 on one core, zoom 6, 128 fields at once: the whole path from values to bytes and back.

Beside JPEG 2000 and SZ3 of the mosaic in the same run, each at about the same error; CPU time, best and
median of nine. Last come the network's matrix products alone, in float32, at the speed that this core reaches
on their very shapes: in float32 nothing can be quicker than that with this network.
"""

import time

import numpy as np
import pytest
import torch

from fsae_core.archive.reader import open_archive
from fsae_core.codec.entropy import decode_standard, encode_standard
from fsae_core.codec.field_coder import CodedFields, FieldCoder
from fsae_core.codec.steps import known_step
from fsae_core.evaluate.image_codecs import Jpeg2000, Sz3
from fsae_core.evaluate.mosaic import from_mosaic, to_mosaic
from fsae_core.model.autoencoder import FieldSpaceAutoencoder
from fsae_core.model.checkpoint import load_model
from fsae_core.sphere.healpix import n_cells

pytestmark = [pytest.mark.bench]


def best(run, times: int = 9):
    """CPU seconds of the quickest of some runs and their median, and what the last gave."""
    taken, got = [], None
    for _ in range(times):
        start = time.process_time()
        got = run()
        taken.append(time.process_time() - start)
    return np.array([min(taken), np.median(taken)]), got


def rmse(a, b) -> float:
    return float(np.sqrt(np.mean((np.asarray(a, np.float64) - b) ** 2)))


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def products_alone(network: FieldSpaceAutoencoder, fields: int = 8) -> tuple[float, float, str]:
    """MB/s of encoding and decoding zoom 6 if nothing but products of matrices took time, and GFLOP/s."""
    rows, seconds, flops = fields * n_cells(network.token_zoom(6)), [], 0.0
    for blocks in ([network.encoder], list(network.decoder)):
        total = 0.0
        for block in blocks:
            for layer in (part for part in block.modules() if isinstance(part, torch.nn.Linear)):
                x, made = torch.randn(rows, layer.in_features), torch.empty(rows, layer.out_features)
                weight = layer.weight.detach().T.contiguous()
                total += best(lambda x=x, weight=weight, made=made: torch.mm(x, weight, out=made))[0][0]
                flops += 2.0 * rows * layer.weight.numel()
        seconds.append(total)
    there, back = (fields * 4 * n_cells(6) / 1e6 / taken for taken in seconds)
    return there, back, f"{flops / fields / 1e6:.0f} MFLOP a field, {flops / sum(seconds) / 1e9:.0f} GFLOP/s"


def path(coder: FieldCoder, x, times):
    """CPU seconds to bytes and back, the bytes and the fields that come back."""

    def encode():
        coded = coder.encode(x, times)
        standard = (coded.values - coded.offset[:, None]) / coded.scale[:, None]
        return coded.offset, coded.scale, encode_standard(standard, coder.step, coder.zoom)

    def decode():
        values = decode_standard(data) * scale[:, None] + offset[:, None]
        return coder.decode(CodedFields(values, offset, scale, coder.zoom), times)

    coder.encode(x[:8], times[:8])
    there, (offset, scale, data) = best(encode)
    back, fields = best(decode)
    return there, back, data, fields


def picture_path(codec, x, error):
    """The same of a picture codec, field by field, at about this error."""
    pictures = [to_mosaic(field) for field in x]
    shape, near, far = pictures[0].shape, codec.coarse, codec.fine
    for _ in range(10):
        level = (near * far) ** 0.5
        worse = rmse(codec.decode(codec.encode(pictures[0], level), shape), pictures[0]) > error
        near, far = (level, far) if worse else (near, level)
    there, coded = best(lambda: [codec.encode(picture, far) for picture in pictures])
    back, made = best(lambda: [codec.decode(data, shape) for data in coded])
    return there, back, b"".join(coded), np.stack([from_mosaic(picture) for picture in made])


def test_throughput(one_thread):
    ds = open_archive("era5-week", variables="t2m")
    x, times = (np.concatenate([ds[v].values] * 5)[:128] for v in ("t2m", "time"))
    model = load_model("general-64x", device="cpu")
    step = known_step(model.card, 64, "t2m")
    rows = {
        f"FS-AE 64x, {word}": path(FieldCoder(model, "t2m", True, 6, 3, step, exact=exact), x, times)
        for word, exact in (("float32", True), ("bfloat16 where it pays", False))
    }
    data, fields = rows["FS-AE 64x, float32"][2:]
    coded = FieldCoder(model, "t2m", True, 6, 3, step).encode(x, times)
    standard = (coded.values - coded.offset[:, None]) / coded.scale[:, None]
    alone = (best(lambda: encode_standard(standard, step, 3))[0], best(lambda: decode_standard(data))[0])
    rows["its entropy coder alone"] = (*alone, data, fields)
    for codec in (Jpeg2000(), Sz3()):
        rows[codec.name] = picture_path(codec, x[:16], rmse(fields, x))
    for name, (there, back, coded, made) in rows.items():
        part = x[: len(made)]
        (quick, usual), (quick_back, usual_back) = (part.nbytes / 1e6 / taken for taken in (there, back))
        print(
            f"{name}: encode {quick:.0f} (median {usual:.0f}), decode {quick_back:.0f} ({usual_back:.0f}) "
            f"MB/s of CPU time, RMSE {rmse(made, part):.3f} K, {part.nbytes / len(coded):.0f}x"
        )
    there, back, how = products_alone(model.network)
    print(f"FS-AE's products of matrices alone: encode {there:.0f}, decode {back:.0f} MB/s ({how})")
