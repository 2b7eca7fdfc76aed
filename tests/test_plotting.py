"""The book's style and its plots, looked at through matplotlib's own objects."""

import io
import subprocess
import sys

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge

from mtlkit.baselines import PerTask, Pooled
from mtlkit.evaluation import ComparisonDisplay, Difference, compare, paired_difference
from mtlkit.plotting import SETTING_COLORS, SETTING_MARKERS, use_style

SETTINGS = ["single-task", "multi-task", "transfer", "pooled"]
PHONE = 358  # px: what a margin of 16 px leaves of a screen of 390

# Most tests are not about the third opponent.
pytestmark = pytest.mark.filterwarnings("ignore:no candidate is boosted")


@pytest.fixture(autouse=True)
def style():
    """The style on a backend without a screen; afterwards all is as before."""
    plt.switch_backend("agg")
    with matplotlib.rc_context():
        use_style()
        yield
    plt.close("all")


@pytest.fixture(scope="module")
def comparison():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.repeat([0, 1], 20), rng.normal(size=(40, 2))])
    y = X[:, 1] + rng.normal(size=40)
    candidates = {
        "alone": PerTask(Ridge(), task_col=0),
        "pooled": Pooled(Ridge(), task_col=0),
        "mean": PerTask(DummyRegressor(), task_col=0),
    }
    return compare(candidates, X, y, task_col=0, random_state=0)


def luminance(color):
    """Relative luminance of a colour, by the formula of WCAG 2."""
    channels = np.array(matplotlib.colors.to_rgb(color))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("setting", SETTINGS)
def test_setting_colors_are_seen_on_white(setting):
    assert 1.05 / (luminance(SETTING_COLORS[setting]) + 0.05) >= 3


def test_settings_differ_by_color_and_by_marker():
    assert set(SETTING_COLORS) == set(SETTING_MARKERS) == set(SETTINGS)
    assert len(set(SETTING_COLORS.values())) == len(set(SETTING_MARKERS.values())) == 4


def test_style_forgets_what_was_set_before():
    plt.rcParams["lines.linestyle"] = ":"
    plt.rcParams["axes.facecolor"] = "none"
    use_style()
    assert plt.rcParams["lines.linestyle"] == "-"
    assert plt.rcParams["axes.facecolor"] == "white"


def test_saved_figures_are_opaque_and_the_same_every_time():
    def saved(kind):
        figure, ax = plt.subplots()
        ax.plot([0, 1], [1, 0], label="a")
        ax.legend()
        file = io.BytesIO()
        figure.savefig(file, format=kind, metadata={"Date": None} if kind == "svg" else None)
        file.seek(0)
        return file

    image = plt.imread(saved("png"))
    assert image.shape == (540, 960, 4)
    assert (image[:, :, 3] == 1).all()
    assert (image[0, 0] == 1).all()
    assert saved("png").read() == saved("png").read()
    assert saved("svg").read() == saved("svg").read()


def test_text_is_readable_on_a_phone(comparison):
    display = comparison.plot()
    ax = display.ax_
    texts = [ax.xaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels()]
    texts += ax.get_legend().get_texts()
    width = display.figure_.get_figwidth() * 72  # points
    assert min(text.get_fontsize() for text in texts) * PHONE / width >= 9


def test_display_shows_the_differences(comparison):
    display = ComparisonDisplay.from_comparison(comparison)
    assert isinstance(display, ComparisonDisplay)
    ax = display.ax_
    assert display.figure_ is ax.figure
    assert [label.get_text() for label in ax.get_yticklabels()] == ["pooled", "mean"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top
    assert ax.get_xlabel() == (
        "difference in R² from alone (points)\nwith 95% intervals for new rows"
    )
    for row, name in enumerate(["pooled", "mean"]):
        expected = comparison.difference(name).times(100)
        point, _, (line,) = ax.containers[row]
        assert point.get_xydata()[0] == pytest.approx([expected.mean, row])
        assert line.get_segments()[0][:, 0] == pytest.approx([expected.low, expected.high])
        setting = comparison.settings[name]
        assert point.get_color() == SETTING_COLORS[setting]
        assert point.get_marker() == SETTING_MARKERS[setting]
    zero = ax.get_lines()[0]
    assert list(zero.get_xdata()) == [0, 0]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["pooled", "single-task"]


def test_display_takes_baseline_scope_axes_and_style(comparison):
    _, ax = plt.subplots()
    display = ComparisonDisplay.from_comparison(
        comparison, baseline="mean", scope="these rows", ax=ax, capsize=0, color="red"
    )
    assert display.ax_ is ax
    assert list(display.differences) == ["alone", "pooled"]
    expected = comparison.difference("pooled", "mean", scope="these rows").times(100)
    assert display.differences["pooled"] == expected
    assert ax.containers[0][0].get_color() == "red"
    assert "from mean" in ax.get_xlabel() and "these rows" in ax.get_xlabel()


def test_interval_need_not_be_symmetric():
    d = Difference(mean=1.0, low=0.5, high=4.0, sd=1.0, n=20, wins=15, losses=5, level=0.95)
    display = ComparisonDisplay({"a": d}, {"a": "transfer"}, xlabel="difference").plot()
    _, _, (line,) = display.ax_.containers[0]
    assert line.get_segments()[0].tolist() == [[0.5, 0], [4.0, 0]]


def test_comparison_plots_itself(comparison):
    _, ax = plt.subplots()
    display = comparison.plot(ax, scope="these rows")
    assert display.ax_ is ax
    expected = comparison.difference("mean", scope="these rows").times(100)
    assert display.differences["mean"] == expected


def test_all_four_settings_fit_into_the_figure():
    rng = np.random.default_rng(0)
    names = {f"candidate number {k}": setting for k, setting in enumerate(SETTINGS)}
    differences = {name: paired_difference(rng.normal(size=9), np.zeros(9)) for name in names}
    display = ComparisonDisplay(differences, names, xlabel="difference").plot()
    display.figure_.canvas.draw()
    outer = display.figure_.bbox
    for artist in (display.ax_.get_legend(), *display.ax_.get_yticklabels()):
        box = artist.get_window_extent()
        assert outer.x0 <= box.x0 < box.x1 <= outer.x1
        assert outer.y0 <= box.y0 < box.y1 <= outer.y1


def test_without_matplotlib_a_plot_says_how_to_get_it(comparison, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot")
    for draw in (comparison.plot, use_style):
        with pytest.raises(ImportError, match=r"matplotlib.*pip install"):
            draw()


def test_matplotlib_is_imported_for_plots_only():
    code = "import mtlkit.evaluation, sys; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
