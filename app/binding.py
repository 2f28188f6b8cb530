"""Controls tied to a state: what a visitor chooses changes it; what the page sets does not come back."""

from __future__ import annotations

__all__ = ["Binding"]

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import param


class Binding:
    """The ties of one session's controls to its state."""

    def __init__(self, state: param.Parameterized) -> None:
        self.state = state
        self._quiet = False

    def tie(self, control: Any, change: str | Callable[[Any], Mapping[str, Any]]) -> None:
        """A change of the control's value changes the state.

        change: the state's parameter, or a function from the value to the parameters that change.
        """
        turned = change if callable(change) else lambda value: {change: value}

        def told(event: Any) -> None:
            if not self._quiet:
                self.state.param.update(**turned(event.new))

        control.param.watch(told, "value")

    @contextmanager
    def quiet(self) -> Iterator[Callable[..., None]]:
        """Set controls without changing the state: yields ``put(control, **values)``."""
        before, self._quiet = self._quiet, True
        try:
            yield _put
        finally:
            self._quiet = before


def _put(control: Any, **values: Any) -> None:
    changed = {k: v for k, v in values.items() if getattr(control, k) != v}
    if changed:
        control.param.update(**changed)
