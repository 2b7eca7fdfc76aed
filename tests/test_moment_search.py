"""The search from moments chooses what GridSearchCV chooses, from the same scores."""

import warnings

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    ParameterGrid,
    ShuffleSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from mtlkit._utils._delegation import setting_of
from mtlkit.baselines import PerTask, Pooled
from mtlkit.linear import (
    EmpiricalBayesRidge,
    JointSupport,
    LearnedRelations,
    LowRank,
    MeanRegularizedRidge,
    MomentSearchCV,
    MultiTaskLinearRegression,
    SharedMean,
    TaskMoments,
)
from mtlkit.linear import _search as module
from mtlkit.linear._search import search_from_moments
from mtlkit.table import TaskStratifiedKFold, per_task, shared
from mtlkit.transfer import BiasedRidge
from tests._problems import as_frame

SCORES = (
    "r2",
    "explained_variance",
    "neg_mean_squared_error",
    "neg_root_mean_squared_error",
)
STRENGTHS = [0.01, 0.3, 1.0, 10.0, 300.0]
EXACT = {"tol": 1e-12, "max_iter": 100_000}  # so that rounding decides nothing
SEARCHES = {
    "mean-regularised": (
        MeanRegularizedRidge(task_col=0),
        {"alpha": [0.1, 10], "coupling": [0, 1, 30, np.inf]},
    ),
    "weights of tasks": (
        MeanRegularizedRidge(task_col=0, task_weight="tasks", couple_intercept=False),
        {"fit_intercept": [True, False], "coupling": [1, 30]},
    ),
    "empirical Bayes": (
        EmpiricalBayesRidge(task_col=0),
        {"random_slopes": [None, "all", [1], [2, 3]]},
    ),
    "biased": (BiasedRidge(source=[0, 1], task_col=0), {"alpha": STRENGTHS}),
    "biased, one source": (
        BiasedRidge(source=0, target=[2, 3], task_col=0),
        {"alpha": STRENGTHS, "fit_intercept": [True, False]},
    ),
    "alone": (
        PerTask(Ridge(), task_col=0),
        {"estimator__alpha": STRENGTHS, "estimator__fit_intercept": [True, False]},
    ),
    "pooled": (
        Pooled(Ridge(), task_col=0),
        {"estimator__alpha": STRENGTHS, "estimator__fit_intercept": [True, False]},
    ),
    **{
        type(penalty).__name__: (
            MultiTaskLinearRegression(penalty, task_col=0, **EXACT),
            {"alpha": [1.0, 20.0, 100.0]},
        )
        for penalty in (SharedMean(), JointSupport(), LowRank(), LearnedRelations())
    },
    "shared scaler": (
        make_pipeline(shared(StandardScaler(), 0), MeanRegularizedRidge(task_col=0)),
        {"meanregularizedridge__coupling": [0.1, 3, 100]},
    ),
    "scaler of each task": (
        make_pipeline(per_task(StandardScaler(), 0), PerTask(Ridge(), task_col=0)),
        {
            "pertask__estimator__alpha": STRENGTHS,
            "tasktransformer__transformer__with_mean": [True, False],
        },
    ),
    "two scalers, one of them skipped": (
        make_pipeline(
            shared(StandardScaler(with_std=False), 0),
            "passthrough",
            shared(StandardScaler(), 0),
            Pooled(Ridge(), task_col=0),
        ),
        {"pooled__estimator__alpha": STRENGTHS},
    ),
}


def ragged(seed=0, sizes=(40, 25, 33, 12, 18), d=4, offset=0.0):
    """Tasks of unequal sizes around a common model, shuffled, the task in column 0."""
    rng = np.random.default_rng(seed)
    task = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    X = rng.normal(size=(len(task), d)) * [1, 3, 0.2, 1][:d] + offset
    W = rng.normal(size=d) + 0.5 * rng.normal(size=(len(sizes), d))
    y = np.einsum("ij,ij->i", X - offset, W[task]) + task + 2 * rng.normal(size=len(task))
    return np.column_stack([task, X]), y


def stratified(seed=0, k=4):
    return TaskStratifiedKFold(k, task_col=0, shuffle=True, random_state=seed)


def both(estimator, grid, X, y, cv, scoring="r2"):
    """Both searches; the one from moments did without rows unless top settings are near."""
    ours = MomentSearchCV(estimator, grid, scoring=scoring, cv=cv).fit(X, y)
    theirs = GridSearchCV(estimator, grid, scoring=scoring, cv=cv, error_score="raise").fit(X, y)
    return ours, theirs


def assert_same(ours, theirs, tol=1e-8):
    assert ours.from_moments_
    assert ours.best_params_ == theirs.best_params_
    assert ours.best_index_ == theirs.best_index_
    assert ours.best_score_ == pytest.approx(theirs.best_score_, rel=tol, abs=tol)
    for name in theirs.cv_results_:
        if "test_score" in name and "rank" not in name:
            np.testing.assert_allclose(
                ours.cv_results_[name], theirs.cv_results_[name], rtol=tol, atol=tol, err_msg=name
            )
    assert ours.cv_results_.keys() == theirs.cv_results_.keys()
    public = {name for name in vars(theirs) if name[0] != "_"}
    assert {name for name in vars(ours) if name[0] != "_"} == public | {"from_moments_"}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", SEARCHES)
def test_choice_and_scores_are_those_of_grid_search(name, seed):
    estimator, grid = SEARCHES[name]
    X, y = ragged(seed)
    iterates = name in ("empirical Bayes", "SharedMean", "LearnedRelations", "LowRank")
    tol = 1e-6 if iterates else 1e-8
    assert_same(*both(estimator, grid, X, y, stratified(seed)), tol=tol)


@pytest.mark.parametrize("scoring", [None, *SCORES])
def test_every_score_of_squares(scoring):
    for name in ("mean-regularised", "alone", "shared scaler"):
        assert_same(*both(*SEARCHES[name], *ragged(2), stratified(), scoring))


def splitters(X, y):
    groups = np.arange(len(y)) // 3
    order = np.argsort(X[:, 1])
    past = [(order[: len(y) * k // 6], order[len(y) * k // 6 :][: len(y) // 6]) for k in (3, 4, 5)]
    lone = [(np.union1d(train, 0), test[test != 0]) for train, test in stratified().split(X, y)]
    return {
        "folds": 3,
        "random splits": ShuffleSplit(4, test_size=0.3, random_state=0),
        "groups": list(GroupKFold(4).split(X, y, groups)),
        "growing windows": past,
        "a row that always trains": lone,
    }


@pytest.mark.parametrize("kind", splitters(*ragged()))
@pytest.mark.parametrize("name", ["mean-regularised", "pooled", "shared scaler", "biased"])
def test_any_splits(name, kind):
    X, y = ragged(3, sizes=(60, 50, 40))
    estimator, grid = clone(SEARCHES[name][0]), SEARCHES[name][1]
    assert_same(*both(estimator, grid, X, y, splitters(X, y)[kind]))


def test_tasks_that_a_training_part_lacks_are_predicted_as_new_ones():
    X, y = ragged(4)
    cv = list(LeaveOneGroupOut().split(X, y, X[:, 0]))
    for name in ("mean-regularised", "pooled", "SharedMean"):
        assert_same(*both(*SEARCHES[name], X, y, cv), tol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of scores that are NaN
        ours = MomentSearchCV(*SEARCHES["alone"], cv=cv).fit(X, y)
    assert not ours.from_moments_ and np.isnan(ours.best_score_)  # as of `GridSearchCV`


@pytest.mark.parametrize("offset", [1e3, 1e6])
@pytest.mark.parametrize("name", ["mean-regularised", "alone", "pooled", "shared scaler"])
def test_columns_far_from_zero(name, offset):
    X, y = ragged(5, offset=offset)
    estimator, grid = SEARCHES[name]
    grid = {k: v for k, v in grid.items() if "intercept" not in k}
    assert_same(*both(estimator, grid, X, y, stratified()), tol=1e-7)


def test_task_of_one_row_and_constant_columns():
    X, y = ragged(6, sizes=(40, 30, 1, 20))
    X[:, 2], X[X[:, 0] == 1, 3] = 0.1, 7.0
    names = ("mean-regularised", "alone", "pooled", "shared scaler", "biased", "JointSupport")
    lone = np.flatnonzero(X[:, 0] == 2)
    cv = [(np.union1d(a, lone), np.setdiff1d(b, lone)) for a, b in KFold(4).split(X)]
    for name in names:
        assert_same(*both(*SEARCHES[name], X, y, cv))


@pytest.mark.parametrize("frame", ["pandas", "polars", "objects"])
def test_named_tasks_in_frames(frame):
    X, y = ragged(7)
    table, task_col = as_frame(X), "task"
    if frame == "polars":
        table = polars.from_pandas(table)
    if frame == "objects":
        table, task_col = table.to_numpy(), 0
    for name in ("mean-regularised", "alone", "shared scaler"):
        estimator = clone(SEARCHES[name][0])
        places = [k for k in estimator.get_params() if k.split("__")[-1] == "task_col"]
        estimator.set_params(**dict.fromkeys(places, task_col))
        cv = TaskStratifiedKFold(4, task_col=task_col)
        ours, theirs = both(estimator, SEARCHES[name][1], table, y, list(cv.split(table)))
        assert_same(ours, theirs)
        np.testing.assert_allclose(ours.predict(table), theirs.predict(table), rtol=1e-12)


def test_names_of_columns_reach_the_model():
    X, y = ragged(8)
    grid = {"random_slopes": [["a"], ["b", "c"], None]}
    cv = TaskStratifiedKFold(4, task_col="task")
    search = both(EmpiricalBayesRidge(task_col="task"), grid, as_frame(X), y, cv)
    assert_same(*search, tol=1e-6)


def test_equal_settings_the_first_is_chosen():
    X, y = ragged(9)
    ours, theirs = both(Pooled(Ridge(), task_col=0), {"estimator__alpha": [1, 1.0]}, X, y, 4)
    assert_same(ours, theirs)
    assert ours.best_index_ == 0


def test_settings_nearer_than_rounding_are_told_apart_on_rows(monkeypatch):
    X, y = ragged(10)
    grid = {"coupling": [3, 3 * (1 + 1e-12), 3 * (1 - 1e-12), 1e4]}
    seen = []

    class Spy(GridSearchCV):
        def fit(self, X, y):
            seen.append(list(ParameterGrid(self.param_grid)))
            return super().fit(X, y)

    monkeypatch.setattr(module, "GridSearchCV", Spy)
    ours, theirs = both(MeanRegularizedRidge(task_col=0), grid, X, y, 4)
    assert_same(ours, theirs)
    assert [setting["coupling"] for setting in seen[0]] == grid["coupling"][:3]


def fields_of(m):
    return np.concatenate([np.ravel(v) for v in (m.n, m.x_mean, m.y_mean, m.Sxx, m.Sxy, m.Syy)])


@pytest.mark.parametrize("offset", [0, 1e4])
def test_moments_of_changed_rows(offset):
    X, y = ragged(15, offset=offset)
    task, X = X[:, 0].astype(int), X[:, 1:]
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    m = TaskMoments.from_rows(X, y, task, weight)
    shift, scale = X[:5] - 1, np.abs(X[5:10]) + 1
    for change, rows in (
        (m.scaled_features(shift, scale), ((X - shift[task]) / scale[task], y, task, weight)),
        (m.scaled_features(shift[0], scale[0]), ((X - shift[0]) / scale[0], y, task, weight)),
        (m.pooled(), (X, y, 0 * task, weight)),
        (m.of_tasks([1, 3]), [part[np.isin(task, [1, 3])] for part in (X, y, task, weight)]),
    ):
        expected = fields_of(TaskMoments.from_rows(*rows))
        np.testing.assert_allclose(
            fields_of(change), expected, rtol=1e-8, atol=1e-8 + 1e-9 * offset
        )
    about = m.about_zero()
    r, own = weight[task == 2], X[task == 2]
    np.testing.assert_allclose(about.Sxx[2], own.T @ (r[:, None] * own))
    np.testing.assert_allclose(about.Sxy[2], (r * y[task == 2]) @ own)
    assert about.Syy[2] == pytest.approx(r @ y[task == 2] ** 2)
    assert not about.x_mean.any() and not about.y_mean.any()


class MeanOfTasks:
    """R² of each of some tasks, averaged, as a scorer."""

    def __init__(self, tasks, average):
        self.tasks, self.average = tasks, average

    def __call__(self, model, X, y):
        own = [np.flatnonzero(X[:, 0] == t) for t in self.tasks]
        if self.average == "micro":
            own = [np.concatenate(own)]
        predicted = model.predict(X)
        squares = [((y - predicted)[r] ** 2).sum() / ((y[r] - y[r].mean()) ** 2).sum() for r in own]
        return 1 - np.mean(squares)


@pytest.mark.parametrize("average", ["micro", "macro"])
@pytest.mark.parametrize("tasks", [[0, 1, 2, 3, 4], [3, 1]])
@pytest.mark.parametrize("name", ["mean-regularised", "alone", "biased", "shared scaler"])
def test_scores_of_some_tasks(name, tasks, average):
    X, y = ragged(11)
    estimator, grid = SEARCHES[name]
    splits, scorer = list(stratified().split(X, y)), MeanOfTasks(tasks, average)
    theirs = GridSearchCV(estimator, grid, scoring=scorer, cv=splits).fit(X, y)
    found, folds = list(ParameterGrid(grid)), {}
    scores = module.split_scores(
        estimator, found, X, y, splits, "r2", average, tasks, scorer, folds
    )
    np.testing.assert_allclose(scores.mean(axis=1), theirs.cv_results_["mean_test_score"], 1e-8)
    for _ in range(2):  # the second time from moments that are there
        best = search_from_moments(
            estimator, grid, X, y, splits, score="r2", average=average, tasks=tasks,
            scorer=scorer, folds=folds,
        )  # fmt: skip
        assert best == theirs.best_params_


def fallbacks():
    X, y = ragged(12)
    tied, grid = MeanRegularizedRidge(task_col=0), {"coupling": [1, 30]}
    strengths = {"estimator__alpha": [1, 10]}
    some = y.copy()
    some[3] = np.nan
    yield "a missing label", tied, grid, X, some, None
    yield "another score", tied, grid, X, y, "neg_mean_absolute_error"
    yield "a callable", tied, grid, X, y, MeanOfTasks([0, 1], "micro")
    yield "32 bits", PerTask(Ridge(), task_col=0), strengths, X.astype("f"), y, None
    yield "labels of 32 bits", tied, grid, X, y.astype("f"), None
    yield "few rows", tied, grid, X[:18], y[:18], None
    yield "a solver", PerTask(Ridge(solver="lsqr"), task_col=0), strengths, X, y, None
    yield "told the task", Pooled(Ridge(), task_col=0, task_as_input=True), strengths, X, y, None
    yield "no task column", Ridge(), {"alpha": [1, 10]}, X, y, None
    kernel = PerTask(KernelRidge(), task_col=0)
    yield "another model", kernel, strengths, X, y, None
    classifier = Pooled(LogisticRegression(), task_col=0)
    yield "classes", classifier, {"estimator__C": [0.1, 1]}, X, (y > 0).astype(int), None
    other = make_pipeline(shared(StandardScaler(), 1), MeanRegularizedRidge(task_col=0))
    yield "another task column", other, {"meanregularizedridge__coupling": [1, 3]}, X, y, None
    perfect = MeanRegularizedRidge(alpha=1e-9, task_col=0)
    yield "a perfect fit", perfect, grid, X, X[:, 1], "neg_mean_squared_error"
    yield "no penalty", PerTask(Ridge(), task_col=0), {"estimator__alpha": [0, 1]}, X, y, None


@pytest.mark.parametrize("case", list(fallbacks()), ids=lambda case: case[0])
def test_rows_are_used_where_moments_do_not_tell(case):
    _, estimator, grid, X, y, scoring = case
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a task column that looks otherwise
        ours, theirs = both(estimator, grid, X, y, 3, scoring)
    assert not ours.from_moments_
    assert ours.best_params_ == theirs.best_params_ and ours.best_score_ == theirs.best_score_
    found = search_from_moments(
        estimator, grid, X, y, list(KFold(3).split(X)), score=scoring or "r2"
    )
    assert found is None


@pytest.mark.parametrize("weighted", [True, False])
def test_shares_of_sources_do_not_depend_on_the_level_of_y(weighted):
    X, y = ragged(17)
    weight = np.random.default_rng(0).uniform(0.1, 2, len(y)) if weighted else None
    model = BiasedRidge(source=[0, 1, 2], task_col=0)
    expected = clone(model).fit(X, y, weight)
    for level in (1e6, 1e9):
        shares = clone(model).fit(X, y + level, weight).source_shares_
        np.testing.assert_allclose(shares, expected.source_shares_, atol=1e-13 * level)


def test_solvers_that_stop_short_and_bad_splits_go_to_grid_search():
    X, y = ragged(16)
    short = MultiTaskLinearRegression(JointSupport(), task_col=0, max_iter=2, tol=1e-12)
    with pytest.warns(ConvergenceWarning, match="duality gap"):
        ours = MomentSearchCV(short, {"alpha": [1.0, 2.0]}, cv=3).fit(X, y)
    assert not ours.from_moments_
    estimator, grid = SEARCHES["mean-regularised"]
    few = np.arange(len(y) - 1)
    for train in (few[:60], few % 60, few < 60, few[:90] - 50):  # the second repeats rows
        split = [(np.resize(train, len(y)) if train.dtype == bool else train, few[90:])]
        theirs = GridSearchCV(estimator, grid, cv=split).fit(X, y)
        ours = MomentSearchCV(estimator, grid, cv=split).fit(X, y)
        assert ours.best_params_ == theirs.best_params_
    with pytest.raises(IndexError, match="500"):
        ours.set_params(cv=[(few[:60], [500])]).fit(X, y)


def test_weights_and_groups_go_to_grid_search():
    X, y = ragged(13)
    weight, groups = np.random.default_rng(0).uniform(0.1, 3, len(y)), np.arange(len(y)) // 4
    estimator, grid = SEARCHES["mean-regularised"]
    for params, cv in (({"sample_weight": weight}, 4), ({"groups": groups}, GroupKFold(4))):
        ours = MomentSearchCV(estimator, grid, cv=cv).fit(X, y, **params)
        theirs = GridSearchCV(estimator, grid, cv=cv).fit(X, y, **params)
        assert not ours.from_moments_
        assert ours.best_params_ == theirs.best_params_ and ours.best_score_ == theirs.best_score_


def test_an_error_of_a_fit_is_that_of_grid_search():
    X, y = ragged()
    search = MomentSearchCV(MeanRegularizedRidge(task_col=0), {"alpha": [-1.0, -2.0]}, cv=3)
    with pytest.raises(ValueError, match=r"(?s)All the 6 fits failed.*alpha=-1"):
        search.fit(X, y)
    X[5, 2] = np.inf
    search.set_params(estimator__alpha=1.0, param_grid={"coupling": [1, 2]})
    with warnings.catch_warnings(), pytest.raises(ValueError, match=r"column 2 .* holds inf"):
        warnings.simplefilter("ignore")  # of fits that failed and scores that are NaN
        search.fit(X, y)


def test_it_is_a_search_as_others_are():
    X, y = ragged(14)
    before = X.copy(), y.copy()
    estimator, grid = SEARCHES["mean-regularised"]
    search = MomentSearchCV(estimator, grid, cv=4, scoring="neg_mean_squared_error").fit(X, y)
    np.testing.assert_array_equal(before[0], X)
    np.testing.assert_array_equal(before[1], y)
    assert setting_of(search) == "multi-task" and not hasattr(estimator, "tasks_")
    assert clone(search).get_params().keys() == search.get_params().keys()
    assert search.score(X, y) == pytest.approx(-np.mean((y - search.predict(X)) ** 2))
    again = search.fit(as_frame(X).drop(columns="task").assign(z=0)[["z", *"abcd"]].to_numpy(), y)
    assert again.n_features_in_ == 5
    nested = GridSearchCV(clone(search), {"cv": [3, 4]}, cv=2).fit(X, y)
    assert set(nested.best_params_) == {"cv"}
    generator = (pair for pair in KFold(3).split(X))
    assert MomentSearchCV(estimator, grid, cv=generator).fit(X, y).n_splits_ == 3


@pytest.mark.parametrize("model", [MeanRegularizedRidge(), PerTask(Ridge())])
def test_it_passes_the_checks_that_grid_search_passes(model):
    def failures(search):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = check_estimator(search, on_fail=None, on_skip=None)
        return {r["check_name"] for r in results if r["status"] == "failed"}

    strength = "alpha" if "alpha" in model.get_params() else "estimator__alpha"
    grid = {strength: [0.1, 1.0]}
    assert failures(MomentSearchCV(model, grid, cv=2)) <= failures(GridSearchCV(model, grid, cv=2))


@given(seed=st.integers(0, 10_000), sizes=st.lists(st.integers(1, 30), min_size=1, max_size=5))
@settings(max_examples=15, deadline=None)
def test_small_tables(seed, sizes):
    X, y = ragged(seed, sizes=(*sizes, 12), d=2)
    X, y = np.round(X, 1), np.round(y)
    task = X[:, 0]
    lone = np.flatnonzero(np.isin(task, np.flatnonzero(np.bincount(task.astype(int)) < 2)))
    splits = [
        (np.union1d(a, lone), np.setdiff1d(b, lone))
        for a, b in KFold(3, shuffle=True, random_state=seed % 7).split(X)
    ]
    for name in ("mean-regularised", "biased, last", "pooled", "shared scaler"):
        estimator, grid = SEARCHES.get(name, (None, None))
        if estimator is None:
            estimator = BiasedRidge(target=len(sizes), task_col=0)
            grid = {"alpha": [0.1, 1, 10, 100]}
        theirs = GridSearchCV(estimator, grid, scoring="r2", cv=splits, error_score="raise")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs.fit(X, y)
        except ValueError:
            continue
        found = search_from_moments(estimator, grid, X, y, splits, score="r2")
        assert found in (None, theirs.best_params_)
