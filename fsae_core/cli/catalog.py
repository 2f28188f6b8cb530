"""``fsae catalog``: the named archives and the shipped weights."""

from __future__ import annotations

__all__ = ["catalog"]

from dataclasses import asdict

from fsae_core.cli.output import JsonFlag, emit


def catalog(as_json: JsonFlag = False) -> None:
    """List the named archives (shipped and downloadable) and the shipped weights."""
    from fsae_core.archive.catalog import catalog as archives
    from fsae_core.codec.choice import shipped_cards

    result = {
        "archives": [asdict(entry) for entry in archives()],
        "weights": [asdict(card) for card in shipped_cards()],
    }
    emit(result, as_json)
