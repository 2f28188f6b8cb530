"""What a visitor does on the Latent page's map, without a browser."""

from bokeh.events import SelectionGeometry, Tap


def click(page, turns, row: int) -> None:
    x, y = page.view.places[row]
    page.view.map.figure._trigger_event(Tap(page.view.map.figure, x=x, y=y))
    turns.settle()


def draw(page, turns, geometry: dict, final: bool = True) -> None:
    fig = page.view.map.figure
    fig._trigger_event(SelectionGeometry(fig, geometry=geometry, final=final))
    turns.settle()


def around(page, rows) -> dict:
    """A rectangle around these points."""
    (x0, y0), (x1, y1) = page.view.places[rows].min(axis=0) - 1e-3, page.view.places[rows].max(axis=0) + 1e-3
    return {"type": "rect", "x0": x0, "x1": x1, "y0": y0, "y1": y1}
