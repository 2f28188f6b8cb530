"""What the Ensemble page consists of."""

from __future__ import annotations

__all__ = ["LAYOUT"]

from app.layout import Group, Layout, Metric, Pane
from app.member_mosaic import SHAPE

LAYOUT = Layout(
    panes=(
        Pane(
            "mean", "Ensemble mean", "Mean", help="The mean of all members: what the conditions alone decide."
        ),
        Pane(
            "spread",
            "Spread",
            help="Standard deviation of the members, in kelvin: how much weather can change it.",
        ),
        Pane(
            "members",
            "Members",
            wide=True,
            shape=SHAPE,
            late=True,
            help="Every draw as a small map in one colour range. Click one to see it large; the "
            "last may be the "
            "archive's own.",
        ),
        Pane(
            "changed",
            "Change",
            late=True,
            help="Mean of this world less mean of the other, drawn with the same noise. Dots "
            "mark what stands "
            "out of chance.",
        ),
        Pane(
            "likely",
            "Probability",
            "Prob.",
            late=True,
            help="Share of the members above, or below, the threshold that you choose.",
        ),
        Pane("one", "One of them", "One", late=True, help="The member that was chosen among the small maps."),
        Pane(
            "place",
            "At one place",
            "Place",
            late=True,
            help="All members at the place that you click on a map, beside the years of the archive.",
        ),
        Pane(
            "spectrum",
            "Power by scale",
            "Scales",
            late=True,
            help="How much draws and archive vary at each scale. Below the archive's, draws are "
            "too smooth there.",
        ),
        Pane(
            "ranks",
            "Ranks of the truth",
            "Ranks",
            late=True,
            help="Where the truth lies among the members, over the sphere: flat is right, a valley means too "
            "little spread.",
        ),
        Pane(
            "limits",
            "What they must not be used for",
            "Limits",
            wide=True,
            natural=True,
            help="The paragraph that comes with the weights: how far the draws can be trusted.",
        ),
    ),
    groups=(
        Group("time", "Time", phone=-2),
        Group("world", "World", heading=True),
        Group("versus", "The other world", heading=True),
        Group("draw", "Drawing", heading=True),
        Group("look", "What is shown", heading=True, phone=-1),
        Group("map", "Map"),
        Group("download", "Download"),
    ),
    metrics=(
        Metric(
            "area",
            "Mean of the sphere",
            "Mean over sphere and members; below it how far members differ in it.",
        ),
        Metric("spread", "Spread", "Root mean square of the members' standard deviation, in kelvin."),
        Metric(
            "change",
            "Change",
            "Mean of this world less mean of the other, with its standard error over pairs.",
        ),
        Metric(
            "crps",
            "CRPS",
            "Continuous ranked probability score against the archive, in kelvin: lower is "
            "better; below it that "
            "of other years as a guess.",
        ),
        Metric(
            "skill",
            "Spread / skill",
            "Spread over the error of the mean: 1 is honest, below 1 too sure of itself.",
        ),
    ),
)
