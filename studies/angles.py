"""The figure of the landing page: four settings against the number of labels, on turned digits."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import sklearn
from sklearn.linear_model import Ridge

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import load_digit_angles
from mtlkit.evaluation import compare
from mtlkit.linear import MeanRegularizedRidge
from mtlkit.plotting import SETTING_COLORS, SETTING_MARKERS, use_style
from mtlkit.table import TaskStratifiedShuffleSplit
from mtlkit.transfer import BiasedRidge

from ._stored import RESULTS, write

LABELS = [5, 10, 20, 40, 80]
SOURCE, SOURCE_ROWS, TEST_ROWS, SPLITS, SEED = 3, 120, 50, 10, 0
MARGIN = 0.01
NAMES = {
    "single-task": "alone",
    "pooled": "pooled",
    "multi-task": "together",
    "transfer": "from digit 3",
}


def candidates():
    """Four settings with eight hyper-parameter settings each."""
    strengths = np.geomspace(0.03, 100, 8)
    return {
        "alone": (PerTask(Ridge(), task_col=0), {"estimator__alpha": strengths}),
        "pooled": (Pooled(Ridge(), task_col=0), {"estimator__alpha": strengths}),
        "together": (
            MeanRegularizedRidge(task_col=0),
            {"alpha": [0.03, 0.1], "coupling": [3, 10, 30, 100]},
        ),
        "from digit 3": (BiasedRidge(SOURCE, task_col=0), {"alpha": strengths}),
    }


def run():
    """Measure, write ``angles.json``, draw ``angles.svg``."""
    X, y = load_digit_angles()
    targets = [digit for digit in range(10) if digit != SOURCE]
    rows = []
    for labels in LABELS:
        cv = TaskStratifiedShuffleSplit(
            SPLITS,
            train_size={**dict.fromkeys(targets, labels), SOURCE: SOURCE_ROWS},
            test_size=TEST_ROWS,
            task_col=0,
            random_state=SEED,
        )
        with warnings.catch_warnings():
            # Another study has the trees: that of *Alone, together or borrowed*.
            warnings.filterwarnings("ignore", "no candidate is boosted")
            result = compare(
                candidates(), X, y, task_col=0, tasks=targets, cv=cv, inner_cv=4, n_jobs=2,
                random_state=SEED,
            )  # fmt: skip
        print(f"{labels} labels per digit\n{result.table()}\n", flush=True)
        for name in result.names:
            difference = result.difference(name)
            if name == result.baseline:
                worst = other = verdict = None
            else:
                worst = result.worst_task(name)
                digits = result.difference(name, scope="new tasks")
                other = [digits.low, digits.high]
                verdict = result.verdict(name, margin=MARGIN)
            rows.append(
                {
                    "labels": labels,
                    "candidate": name,
                    "setting": result.settings[name],
                    "r2": float(result.scores[name].mean()),
                    "difference": difference.mean,
                    "low": difference.low,
                    "high": difference.high,
                    "verdict": verdict,
                    "new_digits": other,
                    "worst_task": worst and int(worst[0]),
                    "worst_difference": worst and worst[1].mean,
                }
            )
    study = {
        "command": "python -m studies angles",
        "scope": "new rows; new_digits: the same interval for new tasks",
        "margin": MARGIN,
        "splits": SPLITS,
        "source": SOURCE,
        "source_rows": SOURCE_ROWS,
        "test_rows": TEST_ROWS,
        "seed": SEED,
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "rows": rows,
    }
    write("angles", study)
    draw(study)


def draw(study):
    """The gain over each digit alone, with its interval, against the number of labels."""
    use_style()
    plt.rcParams["svg.hashsalt"] = "angles"
    fig, ax = plt.subplots()
    ax.axhline(0, color=SETTING_COLORS["single-task"], label="alone")
    for shift, setting in enumerate(["pooled", "multi-task", "transfer"]):
        rows = [row for row in study["rows"] if row["setting"] == setting]
        mean, low, high = (
            100 * np.array([row[key] for row in rows]) for key in ("difference", "low", "high")
        )
        ax.errorbar(
            np.array([row["labels"] for row in rows]) * 1.04 ** (shift - 1),
            mean,
            [mean - low, high - mean],
            color=SETTING_COLORS[setting],
            marker=SETTING_MARKERS[setting],
            capsize=3,
            label=NAMES[setting],
        )
    ax.set_xscale("log", base=2)
    ax.set_xticks(LABELS, LABELS)
    ax.minorticks_off()
    ax.set_yscale("symlog", linthresh=5)
    ax.set_yticks([-2, 0, 2, 5, 10, 20, 40], ["−2", "0", "+2", "+5", "+10", "+20", "+40"])
    ax.set(xlabel="labelled images per digit", ylabel="gain in R² over alone (points)")
    ax.set_ylim(-4, 50)
    ax.legend()
    fig.savefig(RESULTS / "angles.svg", metadata={"Date": None})
