"""The methods of the comparison by name.

A method is made for an archive and a variable once (it may fit a climatology or vectors on the training
times) and then takes fields of any times: ``method_named("jpeg2000+clim", ds, "t2m").code(x, times,
axis="bytes", ratio=64)``. Every method but those with a window codes each field by itself, so one time alone
gives what a table of many times has. For the others (sperr-3d) the table cuts the held-out times into
windows from the first one on; `window_of` gives the times that must be coded together to see one of them.
"""

from __future__ import annotations

__all__ = ["JOINT_METHOD", "METHODS", "method_named", "variable_of", "window_of"]

import xarray as xr

from fsae_core.archive.canonical import data_names
from fsae_core.errors import UserError
from fsae_core.evaluate.adaptive import Adaptive
from fsae_core.evaluate.anomaly import OnAnomalies, climatology_of
from fsae_core.evaluate.block_mean import BlockMean
from fsae_core.evaluate.coded import Method
from fsae_core.evaluate.eof import Eof
from fsae_core.evaluate.harmonics import Harmonics
from fsae_core.evaluate.image_codecs import BitRoundZstd, Jpeg2000, PictureCodec, Sperr, Sz3, Zfp
from fsae_core.evaluate.joint import Joint
from fsae_core.evaluate.latents import LatentMethod
from fsae_core.evaluate.learned import Learned
from fsae_core.evaluate.picture_method import PictureMethod
from fsae_core.training.splits import Split, split_of

_CLIM = "+clim"
JOINT_METHOD = "fs-ae-joint"
_ADAPTIVE = "fs-ae-adaptive"
_LEARNED = {"fs-ae": "auto", "cnn-vae": "cnn-vae"}
_PICTURES: dict[str, type[PictureCodec]] = {
    "jpeg2000": Jpeg2000,
    "sperr": Sperr,
    "sperr-3d": Sperr,
    "sz3": Sz3,
    "zfp": Zfp,
    "bitround": BitRoundZstd,
}
_PLAIN = ("block-mean", "eof", "sht", *_PICTURES)

METHODS = (*_LEARNED, _ADAPTIVE, JOINT_METHOD, *_PLAIN, *(name + _CLIM for name in (*_LEARNED, *_PLAIN)))
"""Every name, in the order of a table."""

_WINDOW = 16
"""Times that sperr-3d codes together."""


def method_named(name: str, ds: xr.Dataset, variable: str | None = None, device: str = "auto") -> Method:
    """The method of that name for a canonical archive.

    Raises UserError for a name or a variable that is not there, weights that are not here or do not fit, and
    where training times are needed and there are none.
    """
    variable = variable_of(ds, variable)
    plain = name.removesuffix(_CLIM)
    if name not in METHODS:
        raise UserError(f"There is no method named {name}: choose one of {', '.join(METHODS)}.")
    if name in _LEARNED:
        return LatentMethod(Learned(name, ds, variable, _LEARNED[name], device))
    if name == _ADAPTIVE:
        return LatentMethod(Adaptive(name, ds, variable, device))
    if name == JOINT_METHOD:
        return Joint(name, ds, variable, device)
    if plain in _LEARNED:
        known = climatology_of(ds, variable)
        return LatentMethod(Learned(name, ds, variable, _LEARNED[plain], device, known), ("bytes",))
    method: Method
    if plain in _PICTURES:
        method = PictureMethod(_PICTURES[plain](), _WINDOW if plain == "sperr-3d" else 1, plain)
    elif plain == "block-mean":
        method = LatentMethod(BlockMean())
    elif plain == "sht":
        method = LatentMethod(Harmonics())
    else:
        return _eof(ds, variable, name != plain)
    return method if name == plain else OnAnomalies(method, climatology_of(ds, variable))


def _eof(ds: xr.Dataset, variable: str, on_anomalies: bool) -> Method:
    train = Split.mask(ds["time"].values, split_of(ds).train)
    fields = ds[variable].values[train]
    if not on_anomalies:
        return LatentMethod(Eof(fields))
    climatology = climatology_of(ds, variable)
    return OnAnomalies(LatentMethod(Eof(fields - climatology.at(ds["time"].values[train]))), climatology)


def variable_of(ds: xr.Dataset, variable: str | None) -> str:
    """The variable asked for, or the archive's first; UserError where it is not there or has other
    dimensions."""
    names = data_names(ds)
    if not names:
        raise UserError(
            "This archive has no variable on the sphere (with a dimension cell): nothing to compare."
        )
    name = variable or names[0]
    if name not in names:
        raise UserError(
            f"There is no variable {name} in this archive, which has {', '.join(names)}: choose one."
        )
    if ds[name].dims != ("time", "cell"):
        raise UserError(
            f"{name} has dimensions {', '.join(map(str, ds[name].dims))}, expected time and cell: "
            "choose one member."
        )
    return name


def window_of(method: Method, index: int, times: int) -> slice:
    """Which of the held-out times, numbered from the first, are coded together with this one in a table."""
    first = index - index % method.window
    return slice(first, min(first + method.window, times))
