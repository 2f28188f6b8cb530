"""Small ensembles of the Ensemble page: coarse class, few steps, drawn once a process."""

from typing import Any

from app.ensemble_store import Wish

QUERY = {"class": "lr", "members": "4", "steps": "8", "seed": "5"}


def wish(**changes: Any) -> Wish:
    usual: dict[str, Any] = {
        "month": "1991-12", "days": 0, "volcanoes": True, "co2": "", "nino": "", "resolution": "lr",
        "members": 4, "steps": 8, "seed": 5, "versus": "volcanoes", "other_co2": 340,
    }  # fmt: skip
    return Wish(**{**usual, **changes})
