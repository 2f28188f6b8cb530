"""What the Zoom page consists of."""

from __future__ import annotations

__all__ = ["LAYOUT"]

from app.layout import Group, Layout, Metric, Pane

LAYOUT = Layout(
    panes=(
        Pane(
            "coarse",
            "Input cells",
            "Input",
            help="All that the estimate is made of: the field in coarse cells.",
        ),
        Pane(
            "sharp",
            "Super-resolved",
            "Sharp",
            help="The network's estimate at the finer zoom. Means over the input's cells are "
            "kept; what is finer "
            "is likely, not observed.",
        ),
        Pane(
            "plain",
            "Without a network",
            "Plain",
            help="The same input made finer by interpolation, or by that and a lapse rate on the "
            "relief: what "
            "the network has to beat.",
        ),
        Pane("truth", "Truth", help="The archive's own fine field, where it has one."),
        Pane(
            "plain_error",
            "Difference without a network",
            "Plain diff.",
            late=True,
            help="The plain field less the truth, in the field's unit; both differences share "
            "one colour bar.",
        ),
        Pane(
            "sharp_error",
            "Difference of super-resolved",
            "Sharp diff.",
            late=True,
            help="The estimate less the truth, in the field's unit; without a truth, what the weights add.",
        ),
        Pane(
            "swipe",
            "Swipe",
            swipe=("swipe_left", "swipe_right"),
            late=True,
            help="Input left of the line, estimate right of it: drag the line, or focus it and "
            "press the arrow "
            "keys. Blink shows one after the other.",
        ),
        Pane(
            "power",
            "Power per zoom",
            "Power",
            late=True,
            help="How much each field varies at each zoom within this view: below the truth's it "
            "is too smooth.",
        ),
        Pane(
            "places",
            "Where it helps, where it invents",
            "Places",
            wide=True,
            natural=True,
            help="Errors at places with mountains, fronts and coasts. A low correlation of the added detail "
            "means that it is invented.",
        ),
    ),
    groups=(
        Group("data", "Data"),
        Group("time", "Time", phone=-1),
        Group("bookmarks", "Places", phone=-3),
        Group("zooms", "Zooms", phone=-2),
        Group("map", "Map"),
        Group("download", "Download"),
    ),
    metrics=(
        Metric(
            "smooth",
            "RMSE here, interpolation",
            "Error of smooth interpolation in this view; below it, of the globe.",
        ),
        Metric(
            "lapse",
            "RMSE here, lapse rate",
            "Error of interpolation corrected by height with 6.5 K/km, for temperature.",
        ),
        Metric(
            "sharp",
            "RMSE here, super-resolved",
            "Error of the network's estimate in this view; below it, of the globe.",
        ),
        Metric(
            "share",
            "Share of the error",
            "Error of the estimate over that of interpolation: below 100 % it helps.",
        ),
        Metric(
            "power",
            "Power at new zooms",
            "Power of the estimate over the truth's at each added zoom: 1 is as rich as the truth.",
        ),
    ),
)
