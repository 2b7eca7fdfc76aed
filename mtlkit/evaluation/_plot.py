"""The picture of a comparison."""

from .._utils._validation import check_choice
from ..plotting import SETTING_COLORS, SETTING_MARKERS, _pyplot


class ComparisonDisplay:
    """Forest plot of a comparison: differences from the baseline with their intervals.

    One line per candidate. Make it with `from_comparison` or `Comparison.plot`.

    Parameters
    ----------
    differences : dict of name -> Difference
        In the units of the axis.
    settings : dict of name -> str
        The setting of each candidate, a key of `mtlkit.plotting.SETTING_COLORS`.
    xlabel : str
        What the axis shows, with its unit.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the last plot.
    figure_ : matplotlib Figure
        The figure that holds them.

    See Also
    --------
    Comparison.plot : Makes and draws it.
    Comparison.table : The same numbers as text.
    mtlkit.plotting.use_style : The style of the book.

    Notes
    -----
    Taught in :doc:`/chapters/background/did_sharing_help`.
    """

    def __init__(self, differences, settings, *, xlabel):
        self.differences = differences
        self.settings = settings
        self.xlabel = xlabel

    @classmethod
    def from_comparison(
        cls, comparison, *, baseline=None, scope=None, ax=None, **kwargs
    ) -> "ComparisonDisplay":
        """Plot the result of `compare`.

        Parameters
        ----------
        comparison : Comparison
            The result.
        baseline : str, default=None
            Candidate to take differences from; None means that of the comparison.
        scope : {"new rows", "these rows", "new tasks"}, default=None
            What intervals speak about, see `Comparison`; None means that of the comparison.
        ax : matplotlib Axes, default=None
            None: a new figure.
        **kwargs
            Handed to ``ax.errorbar``.

        Returns
        -------
        ComparisonDisplay
            The display, drawn.
        """
        baseline = comparison.baseline if baseline is None else baseline
        differences = {
            name: comparison.difference(name, baseline, scope=scope).times(comparison.scale)
            for name in comparison.names
            if name != baseline
        }
        xlabel = (
            f"difference in {comparison.score_label} from {baseline}{unit(comparison.scale)}\n"
            f"with 95% intervals for {comparison.scope if scope is None else scope}"
        )
        return cls(differences, comparison.settings, xlabel=xlabel).plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs) -> "ComparisonDisplay":
        """Draw the differences.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None: a new figure.
        **kwargs
            Handed to ``ax.errorbar``.

        Returns
        -------
        ComparisonDisplay
            This display, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        self.ax_ = _pyplot().subplots()[1] if ax is None else ax
        self.figure_ = self.ax_.figure
        self.ax_.axvline(0, color="0.4", linewidth=1)
        drawn = {}
        for row, (name, difference) in enumerate(self.differences.items()):
            setting = self.settings[name]
            below, above = difference.mean - difference.low, difference.high - difference.mean
            check_choice(setting, f"settings[{name!r}]", SETTING_COLORS)
            style = {"color": SETTING_COLORS[setting], "marker": SETTING_MARKERS[setting]}
            style |= {"linestyle": "none", "capsize": 4, **kwargs}
            drawn[setting], *_ = self.ax_.errorbar(
                difference.mean, row, xerr=[[below], [above]], **style
            )
        self.ax_.set_yticks(range(len(self.differences)), list(self.differences))
        self.ax_.set_ylim(len(self.differences) - 0.5, -0.5)  # the first candidate on top
        self.ax_.set_xlabel(self.xlabel)
        # Above the axes, from the right: there is room over the names of the candidates.
        place = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": len(drawn)}
        self.ax_.legend(drawn.values(), drawn.keys(), handletextpad=0.2, columnspacing=1, **place)
        return self


def unit(scale):
    """How a header or an axis label names the scale: ``" (points)"``."""
    return {1: "", 100: " (points)"}.get(scale, f" (x{scale:g})")
