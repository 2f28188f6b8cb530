"""What a reconstruction is worth: metrics, methods to compare, and the rate-distortion table.

``fsae_core.evaluate(ds)`` makes the table (`fsae_core.evaluate.table.evaluate`): this package has the name
that users call, so it can be called.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fsae_core.evaluate.table import Evaluation


class _Callable(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Evaluation:
        from fsae_core.evaluate.table import evaluate

        return evaluate(*arguments, **options)


sys.modules[__name__].__class__ = _Callable
