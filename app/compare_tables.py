"""The rate-distortion tables behind the Compare page: shipped ones, and those that a visitor has computed.

Rows are those of `fsae evaluate`, number for number. A shipped table is trusted as far as it belongs to what
is here: its times are the archive's held-out ones, and a method's rows count only where its weights have the
checksums of the table. No user interface here.
"""

from __future__ import annotations

__all__ = ["Table", "forget", "known_table", "psnr_interval", "put", "shipped_table"]

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from app.state import RATIOS
from app.store import Archive
from fsae_core.assets import asset_path
from fsae_core.codec.choice import shipped_cards
from fsae_core.errors import UserError
from fsae_core.evaluate.methods import METHODS
from fsae_core.evaluate.plain import plain_json
from fsae_core.evaluate.table import Evaluation
from fsae_core.training.splits import Split, split_of

Row = Mapping[str, Any]
_LEARNED = ("fs-ae", "cnn-vae")


@dataclass(frozen=True)
class Table:
    """head, rows: as in `fsae evaluate`, numbers rounded as it prints them; source: "shipped", "computed" or
    "" where there is none; changed: what is other here than where the shipped table was made, by name;
    stale: the methods whose rows were left out for that."""

    head: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    source: str = ""
    changed: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        """Those with rows, in the order of `fsae evaluate`."""
        found = {row["method"] for row in self.rows}
        return tuple(method for method in METHODS if method in found)

    def row(self, method: str, axis: str, ratio: int) -> Row | None:
        """The row, where the method was measured there."""
        for row in self.rows:
            if (row["method"], row["axis"], row["ratio"]) == (method, axis, ratio):
                return row
        return None

    def lacking(self, methods: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
        """Which of these (method -> its axes) have no row at some ratio."""
        done = {(row["method"], row["axis"], row["ratio"]) for row in self.rows}
        wanted = {m: {(m, axis, ratio) for axis in axes for ratio in RATIOS} for m, axes in methods.items()}
        return tuple(method for method, rows in wanted.items() if not rows <= done)

    def joined(self, other: Evaluation) -> Table:
        """With the rows of an evaluation of the same archive in place of those that it has, too."""
        head, rows = plain_json(other.head), [plain_json(row) for row in other.rows]
        new = {(row["method"], row["axis"], row["ratio"]) for row in rows}
        kept = [row for row in self.rows if (row["method"], row["axis"], row["ratio"]) not in new]
        order = {method: i for i, method in enumerate(METHODS)}
        every = sorted([*kept, *rows], key=lambda r: (order[r["method"]], r["axis"] == "bytes", r["ratio"]))
        if self.head:
            weights = {**self.head["weights"], **head["weights"]}
            head = {
                **head,
                "weights": weights,
                "climatology": head["climatology"] or self.head["climatology"],
            }
        stale = tuple(m for m in self.stale if m not in {row["method"] for row in every})
        return Table(head, tuple(every), "computed", self.changed if stale else (), stale)

    def to_json(self) -> str:
        """As `fsae evaluate --out` writes it."""
        return Evaluation(dict(self.head), [dict(row) for row in self.rows]).to_json()

    def to_csv(self) -> str:
        """As `fsae evaluate --csv` writes it."""
        return Evaluation(dict(self.head), [dict(row) for row in self.rows]).to_csv()


def psnr_interval(row: Row) -> tuple[float, float] | None:
    """The row's 95 % interval of the RMSE as decibels: the peak is the same range of the truth."""
    if not row["rmse"] or not row["rmse_low"] or row["psnr_db"] is None:
        return None
    peak = row["psnr_db"] + 20 * np.log10(row["rmse"])
    return float(peak - 20 * np.log10(row["rmse_high"])), float(peak - 20 * np.log10(row["rmse_low"]))


def _needing(methods: Iterable[str], head: Row) -> list[str]:
    """Methods whose rows depend on weights: learned ones, and those on a climatology that came with them."""
    borrowed = "weights" in str(head.get("climatology") or "")
    return [m for m in methods if m.removesuffix("+clim") in _LEARNED or (borrowed and m.endswith("+clim"))]


def shipped_table(archive: Archive, variable: str) -> Table:
    """The table that comes with the app, without rows that do not belong to what is here; else an empty
    one."""
    path = asset_path("evaluations") / f"{archive.name}-{variable}.json"
    if archive.own or not path.is_file():
        return Table()
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
        rows = head.pop("rows")
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{path.name} is damaged; make it again: fsae evaluate {archive.name} --variable {variable} "
            f"--out {path.name}."
        ) from error
    times = archive.times[Split.mask(archive.times, split_of(archive.dataset).test)]
    if head["times"] != [str(t.astype("datetime64[s]")) for t in times]:
        return Table(changed=("the archive's times",), stale=tuple(dict.fromkeys(r["method"] for r in rows)))
    here = {card.name: card.sha256 for card in shipped_cards()}
    changed = tuple(name for name, sha in head["weights"].items() if here.get(name) != sha)
    families = [name.rpartition("-")[0] for name in changed]
    stale: set[str] = set()
    for method in _needing({row["method"] for row in rows}, head):
        # A method is kept where only the other network's weights are new.
        cnn = method.startswith("cnn-vae")
        if any(family.startswith("cnn-vae") == cnn for family in families):
            stale.add(method)
    kept = tuple(row for row in rows if row["method"] not in stale)
    return Table(head, kept, "shipped", changed if stale else (), tuple(m for m in METHODS if m in stale))


_tables: WeakKeyDictionary[Archive, dict[str, Table]] = WeakKeyDictionary()
_lock = threading.Lock()


def known_table(archive: Archive, variable: str) -> Table:
    """The archive's table of now: shipped rows and computed ones. Shipped archives share theirs between
    visitors, a visitor's own file has its own."""
    with _lock:
        tables = _tables.setdefault(archive, {})
        if variable not in tables:
            tables[variable] = shipped_table(archive, variable)
        return tables[variable]


def put(archive: Archive, variable: str, made: Evaluation) -> Table:
    """Take computed rows in; the table with them."""
    before = known_table(archive, variable)
    after = before.joined(made)
    with _lock:
        _tables[archive][variable] = after
    return after


def forget(archive: Archive, variable: str) -> None:
    """Read the shipped table again when it is next asked for."""
    with _lock:
        _tables.get(archive, {}).pop(variable, None)
