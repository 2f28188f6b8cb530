"""The front door: ``fsae ...``."""

__all__ = ["main"]

from fsae_core.cli.front import main
