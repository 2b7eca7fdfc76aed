"""The comparison of *Can multi-task and single-task training join forces?*, at three sizes.

`TwoStages` and `first_stage` are those of the page.
"""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from mtlkit.baselines import Pooled
from mtlkit.datasets import QUESTIONS
from mtlkit.neural import FineTuner, MultiTaskMLPClassifier
from mtlkit.table import TargetKFold, TaskStratifiedShuffleSplit, stack_tasks

SEED = 0
AUXILIARY = (1, 2, 3, 4)
ALL = (0, *AUXILIARY)
COMBINED = ("many, probe first", "joint, full")
PARTS = ("alone", "SVM alone", "joint", "one, full", "many, frozen", "many, full")
TRAINED = {}  # first stages by their rows: several candidates start from one


def network(width=64, **settings):
    fixed = {"hidden_layer_sizes": width, "alpha": 0.001, "n_iter_no_change": None}
    return MultiTaskMLPClassifier(random_state=SEED, **fixed, **settings)


def first_stage(X, y, tasks, balance, epochs=20):
    rows = np.isin(X[:, 0], tasks)
    key = X[rows].tobytes(), y[rows].tobytes(), balance, epochs
    if key not in TRAINED:
        sizes = np.array([(X[:, 0] == t).sum() for t in tasks])
        weights = np.where(np.array(tasks) == 0, balance, 1) * sizes.mean() / sizes
        model = network(
            task_col=0, task_weight=weights, batch_size=50 * len(tasks),
            learning_rate_init=0.01, max_iter=epochs,
        )  # fmt: skip
        TRAINED[key] = model.fit(X[rows], y[rows])
        TRAINED[key].set_params(task_weight="tasks", batch_size=200)  # for the second stage
    return TRAINED[key]


class TwoStages(ClassifierMixin, BaseEstimator):
    def __init__(
        self, first=(), second="full", balance=0.3, rate=0.01, epochs=50,
        start=20, width=64, nonsense=False, task_col=0,
    ):  # fmt: skip
        self.first, self.second, self.balance = first, second, balance
        self.rate, self.epochs, self.start = rate, epochs, start
        self.width, self.nonsense, self.task_col = width, nonsense, task_col

    def fit(self, X, y):
        self.classes_, own = np.unique(y), X[:, 0] == 0
        steps = {"learning_rate_init": self.rate, "max_iter": self.epochs}
        if not self.first:
            model = network(self.width, batch_size=200, **steps)
        else:
            answers = shuffled(X, y) if self.nonsense else y
            start = first_stage(X, answers, self.first, self.balance, self.start)
            head = 0 if 0 in self.first else None
            model = FineTuner(start, mode=self.second, head=head, random_state=SEED, **steps)
        joint = self.second == "nothing"
        self.model_ = start if joint else model.fit(X[own, 1:], y[own])
        return self

    def predict(self, X):
        return self.model_.predict(X if self.second == "nothing" else X[:, 1:])


class TargetOnly(ClassifierMixin, BaseEstimator):
    """One model of the target, task 0."""

    def __init__(self, estimator=None, task_col=0):
        self.estimator, self.task_col = estimator, task_col

    def fit(self, X, y):
        self.classes_, own = np.unique(y), X[:, 0] == 0
        self.model_ = clone(self.estimator).fit(X[own, 1:], y[own])
        return self

    def predict(self, X):
        return self.model_.predict(X[:, 1:])


def shuffled(X, y):
    y, rng = y.copy(), np.random.default_rng(SEED)
    for t in AUXILIARY:
        y[X[:, 0] == t] = rng.permutation(y[X[:, 0] == t])
    return y


def digits_table():
    digits, order = load_digits(), np.random.default_rng(SEED).permutation(1797)
    images, digit = digits.data[order] / 16, digits.target[order]
    tasks = {}
    for t, yes in enumerate(QUESTIONS.values()):
        rows = slice(900) if t == 0 else slice(900, None)
        tasks[t] = images[rows], np.isin(digit[rows], yes).astype(int)
    return stack_tasks(tasks, labels="shared")


def strategies():
    four = {"rate": [0.01, 0.03], "epochs": [50, 100]}
    pooled = network(batch_size=250)
    of_pooled = {
        "estimator__learning_rate_init": [0.01, 0.03],
        "estimator__max_iter": [50, 100],
    }
    lengths = {"balance": [0.3, 3], "start": [20, 60]}
    many, joint = {"first": AUXILIARY}, {"first": ALL}
    half = {"balance": [0.3, 3], "rate": [0.01, 0.03]}
    return {
        "alone": (TwoStages(), four),
        "alone, width 4": (TwoStages(width=4), four),
        "alone, width 128": (TwoStages(width=128), four),
        "SVM alone": (TargetOnly(SVC(gamma=0.05)), {"estimator__C": [1, 10, 100, 1000]}),
        "pooled, told the question": (Pooled(pooled, task_col=0, task_as_input=True), of_pooled),
        "joint": (TwoStages(**joint, second="nothing"), lengths),
        "one, full": (TwoStages(first=(1,)), four),
        "many, frozen": (TwoStages(**many, second="frozen"), four),
        "many, full": (TwoStages(**many), four),
        "many, probe first": (TwoStages(**many, second="probe first"), four),
        "joint, full": (TwoStages(**joint), half),
        "nonsense, frozen": (TwoStages(**many, second="frozen", nonsense=True), four),
        "nonsense, full": (TwoStages(**many, nonsense=True), four),
        "nonsense, probe first": (TwoStages(**many, second="probe first", nonsense=True), four),
    }


def cases():
    X, y = digits_table()
    draw = {"task_col": 0, "random_state": SEED}
    rest = dict.fromkeys(AUXILIARY, 2)
    pairs = [(one, other) for one in COMBINED for other in PARTS]
    found = {}
    for n in (20, 80, 320):
        cv = TaskStratifiedShuffleSplit(
            6, train_size={0: n} | dict.fromkeys(AUXILIARY, 400), test_size={0: 580} | rest, **draw
        )
        found[f"{n} labels"] = {
            "candidates": strategies(), "X": X, "y": y, "budget": 4, "classify": True,
            "tasks": [0], "alone": TargetOnly, "baseline": "alone", "margin": 0.01, "cv": cv,
            "inner_cv": TargetKFold(2, target=0, shuffle=True, **draw),
            "pairs": [*pairs, COMBINED, ("many, probe first", "nonsense, probe first")],
        }  # fmt: skip
    return found
