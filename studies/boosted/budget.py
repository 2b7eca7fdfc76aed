"""The two comparisons of *What does a point of accuracy cost?*: turned images, five questions."""

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import load_digit_tasks, load_shifted_digits
from mtlkit.linear import MultiTaskLogisticRegression, SharedMean
from mtlkit.neural import FineTuner, MultiTaskMLPClassifier
from mtlkit.table import TaskStratifiedShuffleSplit


def net(rows, **settings):
    fixed = {"learning_rate_init": 0.02, "max_iter": 30, "n_iter_no_change": None}
    return MultiTaskMLPClassifier(batch_size=rows, random_state=0, **fixed, **settings)


def common(n, budget):
    splits = TaskStratifiedShuffleSplit(10, train_size=n, test_size=150, task_col=0, random_state=0)
    return {"cv": splits, "inner_cv": 2, "budget": budget, "classify": True}


def alone(model, name, *values):
    return PerTask(model, task_col=0), {f"estimator__{name}": list(values)}


def pooled(model, name, *values, **told):
    return Pooled(model, task_col=0, **told), {f"estimator__{name}": list(values)}


def cases():
    angles = {"upright": 0, "10 right": -10, "10 left": 10, "20 left": 20}
    shifts = {name: ("rotation", angle) for name, angle in angles.items()}
    X, y = load_shifted_digits(shifts, random_state=0)
    y = (y.astype(int) % 2 == 0).astype(int)
    upright = X[:, 0] == 0
    pretrained = net(32).fit(X[upright, 1:], y[upright])
    tuner = FineTuner(pretrained, head=pretrained.tasks_[0], max_iter=15, random_state=0)
    logistic, machine = LogisticRegression(max_iter=300, tol=0.01), SVC(gamma=0.05)
    forest = RandomForestClassifier(10, random_state=0)
    tied = MultiTaskLogisticRegression(SharedMean(), alpha=0.05, task_col=0, tol=0.01)
    steps = "learning_rate_init", 0.003, 0.01, 0.03
    turned = {
        "logistic, alone": alone(logistic, "C", 0.1, 1, 10),
        "logistic, pooled": pooled(logistic, "C", 0.1, 1, 10),
        "logistic, tied": (tied, {"penalty__coupling": [1, 10, 100]}),
        "SVM, alone": alone(machine, "C", 1, 5, 25),
        "SVM, pooled": pooled(machine, "C", 1, 5, 25),
        "forest, pooled": pooled(forest, "max_features", 4, 8, 16),
        "network, alone": alone(net(20), *steps),
        "network, one trunk": (net(60, task_col=0), {steps[0]: list(steps[1:])}),
        "network, fine-tuned": alone(tuner, *steps),
    }
    X5, y5 = load_digit_tasks(random_state=0)

    def trunk(width):
        return net(100, hidden_layer_sizes=(width,), task_col=0), {"alpha": [1e-3, 0.03]}

    asked = {
        "five logistic": alone(logistic, "C", 0.3, 3),
        "five SVMs": alone(machine, "C", 3, 20),
        "SVM, pooled": pooled(machine, "C", 3, 20, task_as_input=True),
        "five of 4": alone(net(20, hidden_layer_sizes=(4,)), "alpha", 1e-3, 0.03),
        "trunk of 4": trunk(4),
        "trunk of 17": trunk(17),
    }
    return {
        "turned images": {"candidates": turned, "X": X[~upright], "y": y[~upright]} | common(40, 3),
        "five questions": {"candidates": asked, "X": X5, "y": y5} | common(60, 2),
    }
