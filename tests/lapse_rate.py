"""Temperature at a finer zoom without a network: smooth prolongation, and a lapse rate on orography."""

from fsae_core.archive.statics import static_fields
from fsae_core.sphere.healpix import zoom_of
from fsae_core.sphere.pyramid import prolong, restrict

STANDARD = 6.5
"""K per km of the standard atmosphere."""


def smooth(x, levels):
    for _ in range(levels):
        x = prolong(x)
    return x


def relief(zoom, levels):
    """Orography (km) that the smooth prolongation of its block means misses."""
    height = static_fields(zoom)["orography"] / 1000.0
    return height - smooth(restrict(height, levels), levels)


def lapse_rate(low, levels, rate=STANDARD):
    """Smooth prolongation and a lapse rate (K/km) on what it misses of the orography: block means stay."""
    fine = smooth(low, levels)
    return fine - rate * relief(zoom_of(fine.shape[-1]), levels)


def fitted_rate(truth, levels):
    """The lapse rate (K/km) that explains these fields best."""
    missed = truth - smooth(restrict(truth, levels), levels)
    height = relief(zoom_of(truth.shape[-1]), levels)
    return -float((missed * height).sum() / (len(truth) * (height * height).sum()))
