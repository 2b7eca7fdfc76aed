"""The book's one style.

The settings keep their colours and markers on every page.
"""

__all__ = ["SETTING_COLORS", "SETTING_MARKERS", "use_style"]

# From the palette of Okabe and Ito, made for colour-blind readers, those that reach a contrast of
# 3:1 on white.
SETTING_COLORS = {
    "single-task": "#0072B2",  # blue
    "multi-task": "#D55E00",  # vermilion
    "transfer": "#009E73",  # bluish green
    "pooled": "#000000",  # black
}
# Colour never stands alone.
SETTING_MARKERS = {"single-task": "o", "multi-task": "D", "transfer": "^", "pooled": "s"}


def use_style():
    """Set matplotlib's defaults to the style of the book, for this process.

    Text is large enough on a phone, where a figure shrinks to about 360 px. The background is
    opaque white, so that figures stay readable in the dark theme.
    """
    import matplotlib.pyplot as plt

    plt.rcdefaults()  # whatever a reader's own matplotlibrc says
    plt.rcParams.update(
        {
            "figure.figsize": (6.4, 3.6),
            "figure.dpi": 150,
            "savefig.dpi": 150,
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",
            "axes.facecolor": "white",
            "savefig.facecolor": "white",
            "savefig.transparent": False,
            "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same on every machine
            "font.size": 12,
            "legend.frameon": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "lines.linewidth": 2,
            "lines.markersize": 8,
            "image.cmap": "PuOr_r",  # orange above zero, purple below: no setting has these
            "svg.hashsalt": "mtlkit",  # SVG ids that do not change from run to run
        }
    )
