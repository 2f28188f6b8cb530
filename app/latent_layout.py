"""What the Latent page consists of."""

from __future__ import annotations

__all__ = ["LAYOUT"]

from app.layout import Group, Layout, Metric, Pane

LAYOUT = Layout(
    panes=(
        Pane("map", "Map of times", "Map", shape=0.8, tall=True),
        Pane("field", "Field", late=True),
        Pane("anomaly", "Anomaly", "Anom.", late=True),
        Pane("near", "Nearest neighbours", "Near", wide=True, natural=True),
        Pane("timeline", "Through time", "Time", wide=True, shape=5.0, late=True),
        Pane("a", "A", late=True),
        Pane("b", "B", late=True),
        Pane("between", "A − B", late=True),
        Pane("words", "In words", "Words", natural=True),
    ),
    groups=(
        Group("data", "Map"),
        Group("time", "Time", phone=-1),
        Group("groups", "Groups A and B", heading=True),
        Group("own", "Your own file"),
        Group("download", "Download"),
        Group("look", "Globe"),
    ),
    metrics=(
        Metric("shift", "Year displacement"),
        Metric("novelty", "Novelty"),
        Metric("nino", "El Niño"),
        Metric("a", "Group A"),
        Metric("b", "Group B"),
    ),
)
