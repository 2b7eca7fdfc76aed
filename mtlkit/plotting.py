"""The book's one style, and the plots that several pages share. Only here is matplotlib imported.

The settings keep their colours and markers on every page.
"""

import matplotlib.pyplot as plt

from ._comparison import score_name, unit

__all__ = ["SETTING_COLORS", "SETTING_MARKERS", "ComparisonDisplay", "use_style"]

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


class ComparisonDisplay:
    """Differences from the baseline with their intervals, one line per candidate.

    Make it with `from_comparison` or `mtlkit.evaluation.Comparison.plot`.

    Parameters
    ----------
    differences : dict of name -> Difference
        In the units of the axis.
    settings : dict of name -> str
        The setting of each candidate, a key of `SETTING_COLORS`.
    xlabel : str
        What the axis shows, with its unit.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(self, differences, settings, *, xlabel):
        self.differences = differences
        self.settings = settings
        self.xlabel = xlabel

    @classmethod
    def from_comparison(cls, comparison, *, baseline=None, corrected=False, ax=None, **kwargs):
        """Plot the result of `mtlkit.evaluation.compare`.

        Parameters
        ----------
        comparison : Comparison
        baseline : str, default=None
            Candidate to take differences from; None means that of the comparison.
        corrected : bool, default=False
            Intervals for new data, see `mtlkit.evaluation.paired_difference`.
        ax : matplotlib Axes, default=None
            None: a new figure.
        **kwargs
            Handed to ``ax.errorbar``.

        Returns
        -------
        ComparisonDisplay
        """
        baseline = comparison.baseline if baseline is None else baseline
        differences = {
            name: comparison.difference(name, baseline, corrected=corrected).times(comparison.scale)
            for name in comparison.names
            if name != baseline
        }
        score = score_name(comparison.scoring)
        xlabel = f"difference in {score} from {baseline}{unit(comparison.scale)}"
        return cls(differences, comparison.settings, xlabel=xlabel).plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw; parameters as for `from_comparison`.

        Returns
        -------
        ComparisonDisplay
        """
        self.ax_ = plt.subplots()[1] if ax is None else ax
        self.figure_ = self.ax_.figure
        self.ax_.axvline(0, color="0.4", linewidth=1)
        drawn = {}
        for row, (name, difference) in enumerate(self.differences.items()):
            setting = self.settings[name]
            below, above = difference.mean - difference.low, difference.high - difference.mean
            style = {
                "color": SETTING_COLORS[setting],
                "marker": SETTING_MARKERS[setting],
                "linestyle": "none",
                "capsize": 4,
            }
            drawn[setting], *_ = self.ax_.errorbar(
                difference.mean, row, xerr=[[below], [above]], **{**style, **kwargs}
            )
        self.ax_.set_yticks(range(len(self.differences)), list(self.differences))
        self.ax_.set_ylim(len(self.differences) - 0.5, -0.5)  # the first candidate on top
        self.ax_.set_xlabel(self.xlabel)
        # Above the axes, from the right: there is room over the names of the candidates.
        self.ax_.legend(
            drawn.values(),
            drawn.keys(),
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=len(drawn),
            handletextpad=0.2,
            columnspacing=1,
        )
        return self
