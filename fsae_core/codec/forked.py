"""Imported first by the process that workers are split off from: what it imports after this stays for good.

Nothing of that is garbage, so nobody need look for any; and what is never looked at stays one copy in memory
that all workers share. They look again, at their own (`by_processes`).
"""

import gc

__all__: list[str] = []

gc.disable()
