"""What the Latent page consists of."""

from __future__ import annotations

__all__ = ["LAYOUT"]

from app.layout import Group, Layout, Metric, Pane

LAYOUT = Layout(
    panes=(
        Pane(
            "map",
            "Map of times",
            "Map",
            shape=0.8,
            tall=True,
            help="Each point is a time, placed so that alike compressed fields are near (t-SNE). "
            "Click one to see its field; drag to draw a group. Distances between far groups mean little.",
        ),
        Pane("field", "Field", late=True, help="The field of the time that was clicked."),
        Pane(
            "anomaly",
            "Anomaly",
            "Anom.",
            late=True,
            help="The same field less its usual season, in its unit.",
        ),
        Pane(
            "near",
            "Nearest neighbours",
            "Near",
            wide=True,
            natural=True,
            help="The times whose compressed fields are most alike, from other years. Click one to go there.",
        ),
        Pane(
            "timeline",
            "Through time",
            "Time",
            wide=True,
            shape=5.0,
            late=True,
            help="The chosen quantity of every time, in order. Click a point to see its field.",
        ),
        Pane(
            "a",
            "A",
            late=True,
            help="Mean of group A less the mean of all other times, season removed. Dots mark "
            "what is significant.",
        ),
        Pane(
            "b",
            "B",
            late=True,
            help="Mean of group B less the mean of all other times, season removed. Dots mark "
            "what is significant.",
        ),
        Pane(
            "between",
            "A − B",
            late=True,
            help="Mean of group A less mean of group B, season removed. Dots mark what is significant.",
        ),
        Pane(
            "words",
            "In words",
            "Words",
            natural=True,
            help="What the numbers on this page say, in sentences.",
        ),
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
        Metric(
            "shift",
            "Year displacement",
            "How many years earlier (−) or later (+) a field looks than it is, by its nearest neighbours.",
        ),
        Metric(
            "novelty",
            "Novelty",
            "Distance to the most alike fields over what is usual: 1 is usual, above it a field "
            "is unlike all others.",
        ),
        Metric(
            "nino",
            "El Niño",
            "Sea surface temperature anomaly of Niño 3.4 less that of the tropics, in kelvin.",
        ),
        Metric("a", "Group A", "How many times are in group A; below it their mean year displacement."),
        Metric("b", "Group B", "How many times are in group B; below it their mean year displacement."),
    ),
)
