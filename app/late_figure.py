"""A figure that is made when it is first asked for; what it draws from is there before."""

from __future__ import annotations

__all__ = ["LateFigure"]

from bokeh.plotting import figure as Figure


class LateFigure:
    """`_figure` makes it; `_dress` sets what follows what is shown, beside the sources."""

    _made: Figure | None = None

    @property
    def figure(self) -> Figure:
        """The figure, made now if it has not been."""
        if self._made is None:
            self._made = self._figure()
            self._dress(self._made)
        return self._made

    def _figure(self) -> Figure:
        return Figure()

    def _dress(self, fig: Figure) -> None:
        """Labels, ranges and looks that follow what is shown."""

    def _dress_made(self) -> None:
        """The same if the figure is there; else it is dressed when it is made."""
        if self._made is not None:
            self._dress(self._made)
