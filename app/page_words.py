"""Keyword arguments as the words of a page's address.

Pure: states and archives, no user interface.
"""

from __future__ import annotations

__all__ = ["page_query"]

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from app.state import PageState
from fsae_core.errors import UserError


def _words(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "1" if value else "0"
    if isinstance(value, np.datetime64):
        return str(value.astype("datetime64[m]"))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple | list | np.ndarray):
        return ",".join(_words(one) for one in value)
    return str(value)


def page_query(name: str, state_type: type[PageState], given: Mapping[str, Any]) -> dict[str, str]:
    """The address's query for keyword arguments: numbers, tuples, dates and yes or no as Python has them.

    name: of the page, for sentences. UserError for a word the page does not know or a value it cannot have.
    """
    parts = {part.word: part for part in state_type.parts}
    query: dict[str, str] = {}
    for word, value in given.items():
        if word not in parts:
            raise UserError(f"{name} knows no {word!r}; it takes {', '.join(parts)}.")
        query[word] = _words(value)
        try:
            parts[word].parse(query[word])
        except ValueError as error:
            raise UserError(
                f"{name} was given {word}={value!r}, which is not {parts[word].expected}."
            ) from error
    return query
