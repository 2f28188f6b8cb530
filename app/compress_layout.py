"""What the Compress page consists of."""

from __future__ import annotations

__all__ = ["LAYOUT"]

from app.layout import Group, Layout, Metric, Pane

LAYOUT = Layout(
    panes=(
        Pane(
            "original",
            "Original",
            help="The field as the archive has it. Wheel or pinch to zoom, drag to move; all "
            "maps move together.",
        ),
        Pane(
            "reconstruction",
            "Reconstruction",
            "Recon.",
            help="What comes back from the compressed field, in the same colours as the original.",
        ),
        Pane(
            "difference",
            "Difference",
            "Diff.",
            help="Reconstruction less original, in the field's unit: red where it is too high, "
            "blue where it is "
            "too low. The colour bar ends at the 99.9th percentile.",
        ),
        Pane(
            "compressed",
            "Compressed field",
            "Compr.",
            help="The values that are kept, at their place on the sphere: again a field, of larger cells. "
            "Adaptive cells are small where the field is hard to tell; shown are means over those "
            "told apart.",
        ),
        Pane(
            "swipe",
            "Swipe",
            swipe=("swipe_left", "swipe_right"),
            late=True,
            help="Original left of the line, reconstruction right of it: drag the line, or focus "
            "it and press "
            "the arrow keys. Blink shows one after the other.",
        ),
        Pane(
            "latitude",
            "Error against latitude",
            "Latitude",
            late=True,
            help="RMSE in bands of 5 degrees, beside that of block means of the same size, which need no "
            "network.",
        ),
    ),
    groups=(
        Group("data", "Data"),
        Group("time", "Time", phone=-1),
        Group("compression", "Compression", phone=-2),
        Group("map", "Map"),
        Group("download", "Download"),
    ),
    metrics=(
        Metric(
            "rmse",
            "RMSE",
            "Root of the mean squared error over the sphere, in the field's unit; below it that "
            "of block means "
            "brought back smoothly.",
        ),
        Metric(
            "max", "Largest error", "The largest error of any cell; below it the mean error, its sign kept."
        ),
        Metric(
            "psnr",
            "PSNR",
            "Peak signal to noise ratio in decibels: 20 log10 of the field's range over its "
            "RMSE. 6 dB more is "
            "half the error.",
        ),
        Metric("floats", "Fewer numbers", "Values in the field over values kept: the ratio that you choose."),
        Metric(
            "bytes",
            "Fewer bytes",
            "Bytes of the field as float32 over bytes of the compressed one as a store codes it. "
            "Weights and a "
            "store's own metadata are not counted.",
        ),
    ),
)
