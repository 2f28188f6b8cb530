"""What the Compare page consists of."""

from __future__ import annotations

__all__ = ["LAYOUT"]

from app.layout import Group, Layout, Metric, Pane

_TALL = 1.2
"""Shape of the charts, which stand beside lists."""

LAYOUT = Layout(
    panes=(
        Pane(
            "truth",
            "Truth",
            help="The field as the archive has it. Click a place to see its value in all maps.",
        ),
        Pane("a", "A", help="What method A brings back at the chosen ratio, in the colours of the truth."),
        Pane("b", "B", help="What method B brings back at the chosen ratio, in the colours of the truth."),
        Pane(
            "swipe",
            "A | B",
            "Swipe",
            swipe=("swipe_a", "swipe_b"),
            late=True,
            help="A left of the line, B right of it: drag the line, or focus it and press the "
            "arrow keys. Blink "
            "shows one after the other.",
        ),
        Pane(
            "error_a",
            "Error of A",
            "Error A",
            late=True,
            still=True,
            help="A less truth, in the field's unit; both errors share one colour bar.",
        ),
        Pane(
            "error_b",
            "Error of B",
            "Error B",
            late=True,
            still=True,
            help="B less truth, in the field's unit; both errors share one colour bar.",
        ),
        Pane(
            "rate_floats",
            "Error against numbers",
            "Numbers",
            shape=_TALL,
            late=True,
            help="RMSE of each method by how many times fewer numbers it keeps: lower is better. "
            "Click a point "
            "for its field.",
        ),
        Pane(
            "rate_bytes",
            "Error against bytes",
            "Bytes",
            shape=_TALL,
            late=True,
            help="RMSE of each method by how many times fewer bytes it needs on disk: lower is "
            "better. Click a "
            "point for its field.",
        ),
        Pane(
            "ranking",
            "All methods",
            "Ranking",
            natural=True,
            help="RMSE of all methods on the held-out times at this ratio, counted in numbers "
            "and in bytes. The "
            "buttons take a method as A or B.",
        ),
        Pane(
            "power",
            "Power by scale",
            "Power",
            shape=_TALL,
            late=True,
            help="Power of what comes back over the truth's, by zoom: 1 keeps all of a scale, below 1 it was "
            "smoothed away.",
        ),
        Pane(
            "coherence",
            "Coherence by scale",
            "Coherence",
            shape=_TALL,
            late=True,
            help="How well patterns of each scale lie where the truth has them: 1 is exact, 0 is noise.",
        ),
        Pane(
            "worst",
            "Where they fail worst",
            "Worst",
            natural=True,
            help="The cells and times with the largest errors. A button goes there.",
        ),
        Pane(
            "latitude",
            "Error by latitude",
            "Latitude",
            shape=_TALL,
            late=True,
            help="RMSE of A and B in bands of latitude, in the field's unit.",
        ),
        Pane(
            "steepness",
            "Error by steepness",
            "Steepness",
            shape=_TALL,
            late=True,
            help="RMSE by how much the field changes from cell to cell: flat regions left, fronts and coasts "
            "right.",
        ),
        Pane(
            "figures",
            "Figures and extremes",
            "Figures",
            natural=True,
            help="All that is measured of A and B, among it bias, largest error and how extremes "
            "are kept; the "
            "better one is marked.",
        ),
        Pane(
            "card",
            "What was known beforehand",
            "Card",
            natural=True,
            wide=True,
            help="What each method brings along that no ratio counts, such as weights and "
            "climatologies, and how "
            "many fields pay for it.",
        ),
    ),
    groups=(
        Group("data", "Data"),
        Group("methods", "Methods", phone=-2),
        Group("time", "Time", phone=-1),
        Group("figures_of", "What charts and figures show"),
        Group("table", "Table"),
        Group("map", "Map"),
        Group("download", "Download"),
    ),
    metrics=(
        Metric("a", "RMSE of A", "Over all held-out times at this ratio, with its 95 % interval."),
        Metric("b", "RMSE of B", "Over all held-out times at this ratio, with its 95 % interval."),
        Metric("share", "A / B", "RMSE of A over that of B: below 1, A loses less."),
        Metric("one_a", "A, this time", "RMSE of A in the field on the maps."),
        Metric("one_b", "B, this time", "RMSE of B in the field on the maps."),
    ),
    columns=3,
)
