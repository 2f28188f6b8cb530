"""Methods that turn a field into fewer numbers: in floats as they are, in bytes quantised and entropy coded.

Floats: each field becomes cells / ratio numbers beside an offset and a scale, kept as float16 of
(value - offset) / scale; the bytes of that are those of zstd over the shuffled float16, and 8 for offset and
scale.

Bytes: the encoder tries each number of floats that makes sense for the budget, for each the finest
quantisation step that meets it, decodes what it would send and keeps the best, field by field: it has the
field, as the encoder of any codec that searches its rate has. One byte says which. Nothing is chosen by
looking at other times, so nothing can be tuned on test times. A choice made on training times would be a
worse one for weights that know these by heart.

A trained model may also be sent in layers, from coarse to fine: what the decoder of the coarser layer makes
of it is encoded by the finer one, and only the difference is coded, since both sides can do that. Each
coarser layer has half the step: a value that stands for four cells weighs twice as much in the squared
error. The last layer may be the field itself, so that what the finest weights lose is sent too where the
budget asks for it; so it may for block means.
"""

from __future__ import annotations

__all__ = ["LatentMethod", "Latents", "OneLayer", "Transform", "as_float16"]

import struct
import time
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fsae_core.evaluate.coded import Axis, Coded, Floats, Known, OutOfReach, Times, byte_budget, check_axis
from fsae_core.evaluate.latent_bytes import Latents, as_float16, from_bytes, to_bytes
from fsae_core.evaluate.rate_search import finest_within

RATIOS = (4, 16, 64, 256)
WHOLE = 1
"""The field itself as the last layer, in bytes only."""

_FINEST, _COARSEST = 2.0**-14, 8.0
_TYPICAL = 16.0
"""Steps in the scale, to choose layers at."""
_ABOVE_BITS, _STRIDE = 2.0, 2.5
"""Steps in the scale, to begin the search with: so many powers of two more than there are bits a value."""


class Transform(Protocol):
    """Fields (time, cell) to cells / ratio numbers and back.

    reach: in bytes, up to how many times its own ratio each number of floats is tried at.
    """

    name: str
    reach: int

    def known(self, ratio: int) -> Known: ...

    def ratios(self, cells: int) -> tuple[int, ...]:
        """Which it can do for such fields, the smallest first."""
        ...

    def encode(self, x: Floats, times: Times, ratio: int) -> Latents: ...

    def decode(self, latents: Latents, cells: int, times: Times, ratio: int) -> Floats: ...

    def layers(self, cells: int, ratio: int) -> tuple[tuple[int, ...], ...]:
        """The ways to send fields at this ratio in bytes: ratios from coarse to fine, this one the last."""
        ...

    def expected(self, times: Times, ratio: int) -> Floats | None:
        """Latents (time, m) that both sides know beforehand, to be taken away; None for their offset
        alone."""
        ...


class OneLayer:
    """Of transforms that are sent at once and about which nothing is known."""

    reach = 64

    def layers(self, cells: int, ratio: int) -> tuple[tuple[int, ...], ...]:
        return ((ratio,),)

    def expected(self, times: Times, ratio: int) -> Floats | None:
        return None


class LatentMethod:
    """A transform as a method; each field is coded by itself."""

    window = 1

    def __init__(self, transform: Transform, axes: tuple[Axis, ...] = ("floats", "bytes")) -> None:
        self.transform = transform
        self.name = transform.name
        self.axes = axes

    def known(self, ratio: int) -> Known:
        return self.transform.known(ratio)

    def code(self, x: Floats, times: Times, *, axis: Axis, ratio: int) -> Coded:
        """See `Method`."""
        check_axis(self, axis)
        x = np.asarray(x, np.float32)
        if axis == "floats":
            return self._in_floats(x, times, ratio)
        fields = [self._in_bytes(x[i : i + 1], _one(times, i), ratio) for i in range(len(x))]
        notes = [field.note for field in fields]
        return Coded(
            np.concatenate([field.recon for field in fields]),
            float(np.mean([field.floats for field in fields])),
            float(np.mean([field.bytes for field in fields])),
            sum(field.encode_s for field in fields),
            sum(field.decode_s for field in fields),
            max(notes, key=notes.count),
            _places([field.places for field in fields]),
        )

    def _in_floats(self, x: Floats, times: Times, ratio: int) -> Coded:
        if ratio not in RATIOS or ratio not in self.transform.ratios(x.shape[-1]):
            raise OutOfReach(
                f"{self.name} cannot make fields of {x.shape[-1]} cells {ratio} times smaller: "
                "choose another ratio."
            )
        started = time.process_time()
        latents = self.transform.encode(x, times, ratio)
        halves, sizes = as_float16(latents)
        between = time.process_time()
        recon = self.transform.decode(halves, x.shape[-1], times, ratio)
        spent = time.process_time() - between
        floats = latents.numbers + float(np.mean(halves.placing_bytes)) / 4
        return Coded(recon, floats, float(np.mean(sizes)), between - started, spent, places=latents.places)

    def _in_bytes(self, x: Floats, times: Times, ratio: int) -> Coded:
        cells, budget = x.shape[-1], byte_budget(x.shape[-1], ratio)
        best, least = None, np.inf
        here = self.transform.ratios(cells)
        # With more than 8 bits a value another number of floats does better, and so with few.
        for candidate in [r for r in here if 4 * r <= ratio <= self.transform.reach * r] or here[:1]:
            coded = self._candidate(x, times, candidate, budget)
            if coded is None:
                continue
            error = float(np.mean((coded.recon.astype(np.float64) - x) ** 2))
            if error < least:
                best, least = coded, error
        if best is None:
            raise OutOfReach(
                f"{self.name} cannot meet {ratio} times fewer bytes, {budget} here: choose a smaller ratio."
            )
        return best

    def _candidate(self, x: Floats, times: Times, candidate: int, budget: int) -> Coded | None:
        cells = x.shape[-1]
        chains = self.transform.layers(cells, candidate)
        of: dict[int, Latents] = {}
        spent_on: dict[int, float] = {}
        for ratio in sorted({ratio for chain in chains for ratio in chain}):
            started = time.process_time()
            of[ratio] = self.transform.encode(x, times, ratio)
            spent_on[ratio] = time.process_time() - started
        chain = self._shortest(of, chains, cells, times)
        latents = [of[ratio] for ratio in chain]
        encoding = sum(spent_on[ratio] for ratio in chain)
        last = latents[-1]
        finest = _FINEST * max(1.0, float(abs(last.values - last.offset[:, None]).max() / last.scale[0]))
        spent: dict[float, float] = {}

        def send(setting: float) -> bytes:
            began = time.process_time()
            data = self._send(latents, chain, cells, times, 1 / setting)
            spent[setting] = time.process_time() - began
            return data

        guess = 2.0 ** min(_ABOVE_BITS + 8 * budget / last.values.shape[-1], 30.0)
        guess = float(np.clip(guess, 1 / _COARSEST, 1 / finest))
        found = finest_within(send, budget - 1, 1 / _COARSEST, 1 / finest, guess, _STRIDE)
        if found is None:
            return None
        setting, data = found
        between = time.process_time()
        got = self._receive(data, latents, chain, cells, times)
        recon = self.transform.decode(got, cells, times, candidate)
        decoding = time.process_time() - between
        return Coded(
            recon,
            last.numbers,
            len(data) + 1.0,
            encoding + spent[setting],
            decoding,
            _told(chain),
            last.places,
        )

    def _shortest(
        self, of: dict[int, Latents], chains: tuple[tuple[int, ...], ...], cells: int, times: Times
    ) -> tuple[int, ...]:
        """The layers that take the fewest bytes at one step, the same for all."""
        if len(chains) == 1:
            return chains[0]
        size = {c: len(self._send([of[r] for r in c], c, cells, times, 1 / _TYPICAL)) for c in chains}
        return min(size, key=lambda c: size[c])

    def _send(
        self, latents: list[Latents], chain: tuple[int, ...], cells: int, times: Times, step: float
    ) -> bytes:
        parts: list[bytes] = []
        known: Latents | None = None
        for k, (target, ratio) in enumerate(zip(latents, chain, strict=True)):
            base = self._base(known, chain, k, cells, times)
            data = to_bytes(target, base, step / 2 ** (len(chain) - 1 - k))
            parts.append(struct.pack("<H", len(data)) + data if ratio != chain[-1] else data)
            if ratio != chain[-1]:
                known = from_bytes(data, target, base)
        return b"".join(parts)

    def _receive(
        self, data: bytes, like: list[Latents], chain: tuple[int, ...], cells: int, times: Times
    ) -> Latents:
        known: Latents | None = None
        for k, shape in enumerate(like):
            base = self._base(known, chain, k, cells, times)
            size = len(data)
            if k < len(chain) - 1:
                (size,) = struct.unpack_from("<H", data)
                data = data[2:]
            known = from_bytes(data[:size], shape, base)
            data = data[size:]
        assert known is not None
        return known

    def _base(
        self, known: Latents | None, chain: tuple[int, ...], k: int, cells: int, times: Times
    ) -> Floats | None:
        """What is taken away before coding: the coarser layer as the finer one sees it, or what is
        expected."""
        if known is None:
            return self.transform.expected(times, chain[k])
        field = self.transform.decode(known, cells, times, chain[k - 1])
        return self.transform.encode(field, times, chain[k]).values


def _told(chain: tuple[int, ...]) -> str | None:
    """In words what was sent, where that is more than one set of latents."""
    if len(chain) == 1:
        return None
    floats = " and ".join(str(ratio) for ratio in chain if ratio != WHOLE)
    rest = ", and the rest at full resolution" if chain[-1] == WHOLE else ""
    return f"sent in layers of {floats} times fewer floats{rest}"


def _places(fields: list[NDArray[np.int32] | None]) -> NDArray[np.int32] | None:
    """Of several fields together, where all have as many."""
    found = [one for one in fields if one is not None]
    same = len(found) == len(fields) and len({one.shape for one in found}) == 1
    return np.concatenate(found) if same else None


def _one(times: Times, i: int) -> Times:
    return None if times is None else times[i : i + 1]
