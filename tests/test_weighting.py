"""Density ratios against closed forms and cvxpy, and importance weighting with them."""

import warnings

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from mtlkit.evaluation import paired_difference
from mtlkit.table import TargetKFold
from mtlkit.transfer import KLIEP, ClassifierRatio, ImportanceWeighted
from tests._problems import as_frame

RATIOS = [ClassifierRatio(), KLIEP(random_state=0), KLIEP(gamma=0.3, random_state=0)]


def two_normals(d=1, n=1000, shift=1.0, seed=0):
    """Source N(0, 1), target N(shift, 1), in each coordinate."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(shift, 1, size=(n, d))


def shifted_table(seed=0, n=(60, 40, 30), d=2):
    """Three tasks whose features shift, task in column 0, rows in random order; y (n,)."""
    rng = np.random.default_rng(seed)
    task = rng.permutation(np.repeat(np.arange(3), n))
    X = rng.normal(size=(len(task), d)) + 0.3 * task[:, None]
    return np.column_stack([task, X]), X[:, 0] ** 2 + X[:, 1] + 0.1 * rng.normal(size=len(task))


X, Y = shifted_table()
UNLABELLED = np.where(X[:, 0] == 2, np.nan, Y)
few_rows = pytest.mark.filterwarnings("ignore:the .* labelled source rows count as:UserWarning")


def model(estimator=None, **options):
    options = {"target": 2, "task_col": 0, **options}
    return ImportanceWeighted(Ridge() if estimator is None else estimator, **options)


# Density ratios


@pytest.mark.parametrize("d", [1, 3])
def test_domain_classifier_finds_the_line_of_two_normals(d):
    source, target = two_normals(d)
    log_ratio = np.log(ClassifierRatio().fit(source, target).predict_ratio(source))
    truth = source.sum(axis=1) - d / 2  # log of the ratio of the densities
    assert np.corrcoef(log_ratio, truth)[0, 1] > 0.98
    assert np.polyfit(truth, log_ratio, 1) == pytest.approx([1, 0], abs=0.25)


@pytest.mark.parametrize(("d", "error"), [(1, 0.25), (3, 0.55)])
def test_kliep_is_near_the_ratio_of_two_normals(d, error):
    source, target = two_normals(d)
    ratio = KLIEP(random_state=0).fit(source, target).predict_ratio(source)
    truth = np.exp(source.sum(axis=1) - d / 2)
    assert np.abs(ratio - truth).mean() < error < np.abs(1 - truth).mean() - 0.3


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
@pytest.mark.parametrize("gamma", [0.01, 0.3, 3.0])
@pytest.mark.parametrize("d", [1, 3])
def test_kliep_reaches_the_maximum_that_cvxpy_finds(d, gamma):
    source, target = two_normals(d, n=80)
    fitted = KLIEP(gamma=gamma, n_centers=40, random_state=0).fit(source, target)
    both = np.vstack([source, target])
    source, target = ((x - both.mean(axis=0)) / both.std(axis=0) for x in (source, target))
    distance = [((x[:, None] - fitted.centers_) ** 2).sum(axis=2) for x in (source, target)]
    kernel = [np.exp(-gamma * part) for part in distance]
    alpha = cp.Variable(len(fitted.centers_), nonneg=True)
    # The paper's own form: the weights of the source rows sum to their number.
    problem = cp.Problem(
        cp.Maximize(cp.sum(cp.log(kernel[1] @ alpha))),
        [cp.sum(kernel[0] @ alpha) == len(source)],
    )
    problem.solve(solver="CLARABEL", tol_gap_abs=1e-10, tol_gap_rel=1e-10)
    assert fitted.objective_ == pytest.approx(problem.value / len(target), abs=1e-6)
    assert fitted.gap_ <= 1e-8
    by_hand = fitted.mixture_ / kernel[0].mean(axis=0)  # alpha
    assert np.log(kernel[1] @ by_hand).mean() == pytest.approx(fitted.objective_)


def test_the_gap_of_kliep_bounds_what_is_missing():
    source, target = two_normals(2, n=100)
    best = KLIEP(gamma=2.0, random_state=0).fit(source, target)
    assert 1 < best.n_iter_ < 30
    for steps in (1, 2, 3):
        with pytest.warns(ConvergenceWarning, match=f"max_iter={steps} steps with gap .* raise"):
            early = KLIEP(gamma=2.0, max_iter=steps, random_state=0).fit(source, target)
        assert early.n_iter_ == steps
        assert -1e-12 <= best.objective_ - early.objective_ <= early.gap_


def test_kliep_chooses_a_wide_kernel_for_equal_domains():
    source, target = two_normals(2, n=300, shift=0.0)
    fitted = KLIEP(random_state=0).fit(source, target)
    assert fitted.gamma_ in fitted.gammas_[:4]
    assert np.abs(fitted.predict_ratio(source) - 1).mean() < 0.25


@pytest.mark.parametrize("ratio", RATIOS, ids=repr)
def test_ratios_have_mean_one_over_the_source(ratio):
    source, target = two_normals(2, n=150)
    fitted = clone(ratio).fit(source, target)
    weights = fitted.predict_ratio(source)
    assert weights.mean() == pytest.approx(1)
    assert weights.min() > 0
    assert_allclose(fitted.predict_ratio(source[::3]), weights[::3])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100), st.floats(0.01, 100), st.floats(-10, 10))
def test_ratios_do_not_see_order_scale_or_origin(seed, scale, origin):
    source, target = two_normals(2, n=40, seed=seed)
    order = np.random.default_rng(seed).permutation(40)
    for ratio in (ClassifierRatio(), KLIEP(gamma=0.5)):  # all target rows are centres
        first = clone(ratio).fit(source, target).predict_ratio(source)
        moved = [x[order] * scale + origin for x in (source, target)]
        second = clone(ratio).fit(*moved).predict_ratio(moved[0])
        assert_allclose(second, first[order], rtol=1e-3, atol=1e-4)


def test_ratios_of_domains_far_apart_are_finite():
    source, target = two_normals(2, n=50, shift=1000.0)
    for ratio in RATIOS:
        fitted = clone(ratio).fit(source, target)
        assert np.isfinite(fitted.predict_ratio(source)).all()
        assert np.isfinite(fitted.predict_ratio(target)).all()
        assert fitted.predict_ratio(source).mean() == pytest.approx(1)


def test_errors_of_ratios():
    source, target = two_normals(1, n=20)
    with pytest.raises(ValueError, match=r"X_target.* 2 features.* 1 features"):
        ClassifierRatio().fit(source, np.c_[target, target])
    with pytest.raises(ValueError, match=r"(?s)X_target.*NaN"):
        KLIEP().fit(source, target * np.nan)
    with pytest.raises(ValueError, match=r"classifier=Ridge\(\) has no predict_proba"):
        ClassifierRatio(Ridge()).fit(source, target)
    with pytest.raises(
        ValueError, match=r"DecisionTree.*\(\) gives every source row probability 0"
    ):
        ClassifierRatio(DecisionTreeClassifier()).fit(source, target)
    with pytest.raises(ValueError, match=r"two rows of each domain, got 20 .* and 1 of the target"):
        KLIEP().fit(source, target[:1])
    for name, value in {"gamma": 0, "n_centers": 0, "max_iter": 0}.items():
        with pytest.raises(ValueError, match=f"{name}=0"):
            KLIEP(**{name: value}).fit(source, target)
    for ratio in RATIOS:
        with pytest.raises(NotFittedError):
            clone(ratio).predict_ratio(source)


@pytest.mark.parametrize("ratio", RATIOS, ids=repr)
def test_columns_of_both_tables_are_matched_by_name(ratio):
    source, target = (pd.DataFrame(x, columns=["a", "b"]) for x in two_normals(2, n=60))
    fitted = clone(ratio).fit(source, target)
    assert_array_equal(fitted.feature_names_in_, ["a", "b"])
    assert fitted.n_features_in_ == 2
    arrays = clone(ratio).fit(source.to_numpy(), target.to_numpy())
    assert_allclose(fitted.predict_ratio(source), arrays.predict_ratio(source.to_numpy()))
    for other in (target[["b", "a"]], target.rename(columns={"b": "c"})):
        with pytest.raises(ValueError, match=r"X_target.*(?s:.)*feature names"):
            clone(ratio).fit(source, other)
        with pytest.raises(ValueError, match="feature names"):
            fitted.predict_ratio(other)


@pytest.mark.parametrize("name", ["gamma", "tol", "n_centers", "max_iter"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -1, [1], "a", True])
def test_parameters_of_kliep_that_are_no_numbers(name, value):
    source, target = two_normals(1, n=20)
    with pytest.raises((TypeError, ValueError), match=name):
        KLIEP(**{name: value}).fit(source, target)


def test_numbers_of_numpy_are_numbers():
    source, target = two_normals(1, n=40)
    plain = KLIEP(0.5, 7, max_iter=50, tol=1e-6, random_state=0).fit(source, target)
    other = KLIEP(
        np.float64(0.5), np.int32(7), max_iter=np.int64(50), tol=np.float64(1e-6),
        random_state=np.random.RandomState(0),
    ).fit(source, target)  # fmt: skip
    assert_array_equal(other.predict_ratio(source), plain.predict_ratio(source))
    one = model(exponent=np.float32(0.5)).fit(X, UNLABELLED)
    assert_allclose(one.sample_weights_, model(exponent=0.5).fit(X, UNLABELLED).sample_weights_)
    for value in (np.nan, "a", None, True):
        with pytest.raises((TypeError, ValueError), match=f"exponent={value!r}"):
            model(exponent=value).fit(X, UNLABELLED)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.floats(-3, 4), st.sampled_from([1e-6, 1, 1e6]))
def test_the_mixture_is_found_for_any_kernel(seed, d, log_gamma, scale):
    """Wide and narrow kernels, few rows, domains apart: the gap says that it is the maximum."""
    rng = np.random.default_rng(seed)
    source, target = scale * rng.normal(size=(20, d)), scale * rng.normal(seed % 7, 1, (25, d))
    fitted = KLIEP(gamma=10**log_gamma, random_state=0).fit(source, target)
    assert fitted.gap_ <= 1e-8
    assert np.isfinite(fitted.predict_ratio(np.vstack([source, target]))).all()
    assert fitted.mixture_.min() >= 0 and fitted.mixture_.sum() == pytest.approx(1)


def test_a_search_leaves_the_density_ratio_of_the_caller_alone():
    ratio = ClassifierRatio(LogisticRegression(C=1.0))
    grid = {"density_ratio__classifier__C": [0.1, 10.0]}
    labelled = np.where(np.arange(len(X)) % 2, Y, UNLABELLED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        search = GridSearchCV(
            model(density_ratio=ratio), grid, cv=TargetKFold(2, target=2, task_col=0)
        )
        search.fit(X, labelled)
    assert ratio.classifier.C == 1.0 and not hasattr(ratio, "classifier_")


def test_one_target_row_is_enough_with_a_gamma():
    source, target = two_normals(1, n=20)
    fitted = KLIEP(gamma=1.0).fit(source, target[:1])
    assert_allclose(fitted.mixture_, [1])
    near = source[np.abs(source - target[0]).argmin()]
    assert fitted.predict_ratio([near]) == pytest.approx(fitted.predict_ratio(source).max())


# Importance weighting


@pytest.mark.parametrize("ratio", [None, *RATIOS], ids=repr)
def test_the_fit_is_that_of_the_weighted_rows(ratio):
    fitted = model(density_ratio=ratio, exponent=0.7).fit(X, UNLABELLED)
    source, target = X[X[:, 0] != 2, 1:], X[X[:, 0] == 2, 1:]
    by_hand = clone(ratio or ClassifierRatio()).fit(source, target).predict_ratio(source) ** 0.7
    by_hand /= by_hand.mean()
    assert_allclose(fitted.sample_weights_, by_hand)
    assert fitted.effective_sample_size_ == pytest.approx(by_hand.sum() ** 2 / (by_hand**2).sum())
    plain = Ridge().fit(source, Y[X[:, 0] != 2], by_hand)
    assert_allclose(fitted.predict(X), plain.predict(X[:, 1:]))


@few_rows
def test_labelled_target_rows_have_weight_one():
    some = np.where((X[:, 0] == 2) & (np.arange(len(X)) % 3 > 0), np.nan, Y)
    fitted = model(source=[0]).fit(X, some)
    unlabelled = model(source=[0]).fit(X, UNLABELLED)
    assert_allclose(fitted.sample_weights_, unlabelled.sample_weights_)  # the ratio sees no label
    source, target = X[:, 0] == 0, (X[:, 0] == 2) & ~np.isnan(some)
    rows = np.r_[X[source, 1:], X[target, 1:]]
    weights = np.r_[fitted.sample_weights_, np.ones(target.sum())]
    plain = Ridge().fit(rows, np.r_[Y[source], Y[target]], weights)
    assert_allclose(fitted.estimator_.coef_, plain.coef_)


@few_rows
def test_source_rows_without_label_serve_the_ratio_only():
    holes = np.where(np.arange(len(X)) % 2, UNLABELLED, np.nan)
    fitted = model().fit(X, holes)
    ratio = ClassifierRatio().fit(X[X[:, 0] != 2, 1:], X[X[:, 0] == 2, 1:])
    by_hand = ratio.predict_ratio(X[~np.isnan(holes), 1:])
    assert_allclose(fitted.sample_weights_, by_hand / by_hand.mean())


def test_exponent_zero_is_pooling():
    fitted = model(exponent=0).fit(X, Y)
    assert_allclose(fitted.sample_weights_, 1)
    assert fitted.effective_sample_size_ == pytest.approx(100)
    assert_allclose(fitted.predict(X), Ridge().fit(X[:, 1:], Y).predict(X[:, 1:]))


@settings(max_examples=10, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_exponent_costs_rows(a, b):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        few, many = (
            model(exponent=f).fit(X, UNLABELLED).effective_sample_size_
            for f in (max(a, b), min(a, b))
        )
    assert 1 <= few <= many + 1e-9 <= 100 + 1e-6


def test_equal_domains_have_equal_weights():
    table = np.r_[X, X]
    table[:, 0] = np.repeat([0, 1], len(X))
    fitted = model(target=1).fit(table, np.r_[Y, np.full(len(Y), np.nan)])
    assert_allclose(fitted.sample_weights_, 1, atol=1e-3)


def test_one_task_is_the_estimator_itself():
    fitted = ImportanceWeighted(KNeighborsRegressor()).fit(X, Y)  # it takes no weights
    assert_allclose(fitted.predict(X), KNeighborsRegressor().fit(X, Y).predict(X))
    assert (fitted.density_ratio_, fitted.sample_weights_.size) == (None, 0)
    assert fitted.effective_sample_size_ == fitted.outside_support_ == 0


def far_away(distance):
    return np.column_stack([X[:, 0], X[:, 1:] + distance * (X[:, 0] == 2)[:, None]])


def test_few_effective_rows_are_warned_about():
    message = r"the 100 labelled source rows count as \d+\.\d .*Lower exponent \(now 1\)"
    with pytest.warns(UserWarning, match=message) as caught:
        fitted = model().fit(far_away(0.5), UNLABELLED)
    assert caught[0].filename == __file__
    assert fitted.effective_sample_size_ < 30
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        calm = model(exponent=0.1).fit(far_away(0.5), UNLABELLED)
    assert calm.outside_support_ < 0.5


def test_a_target_beyond_the_source_is_warned_about():
    with pytest.warns(UserWarning, match=r"100% of the target rows \(outside_support_\) .*Align"):
        fitted = model().fit(far_away(6), UNLABELLED)
    assert fitted.outside_support_ == 1
    near = model(exponent=0.1).fit(X, UNLABELLED)
    ratio = near.density_ratio_.predict_ratio(X[:, 1:])
    target = X[:, 0] == 2
    assert near.outside_support_ == np.mean(ratio[target] > ratio[~target].max()) < 0.5


def test_classifiers_tables_and_names():
    labels = np.array(["no", "yes"])[(Y > 1).astype(int)].astype(object)
    labels[X[:, 0] == 2] = None
    frame = as_frame(X).set_axis(np.arange(len(X)) % 7)
    named = ImportanceWeighted(LogisticRegression(), target="t2", task_col="task")
    named.fit(frame, pd.Series(labels))
    fitted = model(LogisticRegression()).fit(X, labels)
    assert_array_equal(named.predict(frame), fitted.predict(X))
    assert_array_equal(fitted.classes_, ["no", "yes"])
    assert_allclose(named.predict_proba(frame), fitted.estimator_.predict_proba(X[:, 1:]))
    assert_allclose(named.decision_function(frame), fitted.decision_function(X))
    assert fitted.score(X, labels) > 0.6
    assert not hasattr(model(), "predict_proba")
    unseen = np.c_[np.full(3, 9), X[:3, 1:]]
    assert_array_equal(fitted.predict(unseen), fitted.predict(X[:3]))


def test_pipelines_hand_the_weights_to_their_last_step():
    inner = make_pipeline(PolynomialFeatures(2), make_pipeline(StandardScaler(), Ridge()))
    fitted = model(inner).fit(X, UNLABELLED)
    rows = X[:, 0] != 2
    keyword = {"pipeline__ridge__sample_weight": fitted.sample_weights_}
    plain = clone(inner).fit(X[rows, 1:], Y[rows], **keyword)
    assert_allclose(fitted.predict(X), plain.predict(X[:, 1:]))
    bare = make_pipeline(StandardScaler(), KNeighborsRegressor())
    with pytest.raises(ValueError, match=r"KNeighborsRegressor\(\) does not accept sample_weight"):
        model(bare).fit(X, UNLABELLED)


class Constant(BaseEstimator):
    def __init__(self, value):
        self.value = value

    def fit(self, X_source, X_target):
        return self

    def predict_ratio(self, X):
        return np.full(len(X), self.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": 7}, r"target=7 is not a task in column 0: choose one of \[0.0, 1.0, 2.0\]"),
        ({"source": [5]}, "source=5 is not a task"),
        ({"task_col": None}, "target=2: set task_col"),
        ({"exponent": 2}, "exponent=2"),
        (
            {"density_ratio": Ridge()},
            r"density_ratio=Ridge\(\) is not .* ClassifierRatio or KLIEP",
        ),
        (
            {"density_ratio": Constant(0.0)},
            r"Constant\(value=0.0\) gives .* from 0 to 0, but they must",
        ),
        ({"density_ratio": Constant(-1.0)}, "from -1 to -1, but they must be finite, not negative"),
        ({"density_ratio": Constant(np.inf)}, "from inf to inf, but they must be finite"),
        ({"target": 0, "source": 2}, r"labels of the source, .*\[2\.0\]"),
    ],
)
def test_errors_name_the_value_and_the_cure(options, message):
    with pytest.raises(ValueError, match=message):
        model(**options).fit(X, UNLABELLED)


def test_a_classifier_without_weights_is_refused():
    with pytest.raises(ValueError, match="does not accept sample_weight: use an estimator that"):
        model(KNeighborsClassifier()).fit(X, (Y > 1).astype(int))


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(random):
    order = list(range(len(X)))
    random.shuffle(order)
    first, second = model().fit(X, UNLABELLED), model().fit(X[order], UNLABELLED[order])
    assert_allclose(second.predict(X), first.predict(X), rtol=1e-3)


# What weighting is for


def shimodaira(seed, degree, weighted):
    """Error on the target of a polynomial fitted to his cubic, 100 source rows."""
    rng = np.random.default_rng(seed)
    x = np.r_[rng.normal(0.5, 0.5, 100), rng.normal(0, 0.3, 1100)]
    clean = x**3 - x
    y = np.where(np.arange(1200) < 100, clean + rng.normal(0, 0.3, 1200), np.nan)
    table = np.column_stack([np.repeat([0, 1], [100, 1100]), x])
    polynomial = make_pipeline(PolynomialFeatures(degree), LinearRegression())
    # Both densities are normal with unequal variances: log w is a quadratic.
    quadratic = make_pipeline(
        PolynomialFeatures(2, include_bias=False), StandardScaler(), LogisticRegression(C=100)
    )
    fitted = ImportanceWeighted(
        polynomial,
        density_ratio=ClassifierRatio(quadratic),
        exponent=float(weighted),
        target=1,
        task_col=0,
    ).fit(table[:300], y[:300])  # 200 unlabelled target rows
    return np.sqrt(np.mean((fitted.predict(table[300:]) - clean[300:]) ** 2))


@pytest.mark.parametrize(("degree", "low", "high"), [(1, 0.2, 0.5), (3, -0.1, 0.0)])
def test_weighting_helps_the_simple_model_and_costs_the_right_one(degree, low, high):
    plain, weighted = (
        [shimodaira(seed, degree, weighted) for seed in range(20)] for weighted in (False, True)
    )
    gain = paired_difference(plain, weighted)
    assert low < gain.low
    assert gain.high < high
