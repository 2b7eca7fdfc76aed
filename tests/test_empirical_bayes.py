"""Random intercepts and slopes against a dense restricted likelihood, printed figures, limits."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlkit.baselines import PerTask, Pooled
from mtlkit.linear import EmpiricalBayesRidge, MeanRegularizedRidge
from mtlkit.table import TaskStratifiedKFold, per_task, shared
from tests._problems import as_frame

SLOPES = [None, [2], "all"]
STABLE = {"deadline": None, "max_examples": 15, "derandomize": True}


def problem(seed=0, rows=(9, 5, 12, 7, 3, 8, 6, 10), d=2, spread=(2.0, 0.7, 0.5), noise=1.0):
    """Array with the task in column 0, and y with random intercepts and slopes of deviations
    `spread`; features have levels and units of their own.
    """
    rng = np.random.default_rng(seed)
    task = rng.permutation(np.repeat(np.arange(len(rows)), rows))
    F = rng.normal(size=(len(task), d)) + rng.normal(size=(len(rows), d))[task]
    u = rng.normal(size=(len(rows), 1 + d)) * np.resize(spread, 1 + d)
    y = 1 + F.sum(axis=1) + u[task, 0] + (F * u[task, 1:]).sum(axis=1)
    X = np.column_stack([task, F * np.resize([10.0, 0.1], d) + np.resize([30.0, -2.0], d)])
    return X, y + noise * rng.normal(size=len(y))


def model(slopes=None, **options):
    return EmpiricalBayesRidge(slopes, task_col=0, **options)


def positions(slopes, d):
    return {None: [], "all": list(range(d))}.get(slopes) if not isinstance(slopes, list) else [1]


class Dense:
    """The same model with V = W⁻¹ + Z Γ Zᵀ (n, n) written out, Γ the covariance over σ²."""

    def __init__(self, table, y, slopes, weight=None):
        tasks, codes = np.unique(table[:, 0], return_inverse=True)
        self.X = np.column_stack([np.ones(len(y)), table[:, 1:]])
        self.z = self.X[:, [0, *(1 + j for j in slopes)]]
        self.member, self.y = np.eye(len(tasks))[codes], y
        self.noise = np.ones(len(y)) if weight is None else 1 / weight
        n, q = self.z.shape
        self.Z = (self.member[:, :, None] * self.z[:, None]).reshape(n, -1)
        self.shape = len(tasks), q

    def solve(self, Gamma):
        """β, u (T, q), r², Cov(β) / σ², Cov(u | y, β) / σ², and V⁻¹."""
        big = np.kron(np.eye(self.shape[0]), Gamma)
        P = np.linalg.inv(np.diag(self.noise) + self.Z @ big @ self.Z.T)
        cov = np.linalg.inv(self.X.T @ P @ self.X)
        beta = cov @ self.X.T @ P @ self.y
        left = self.y - self.X @ beta
        u = (big @ self.Z.T @ P @ left).reshape(self.shape)
        return beta, u, left @ P @ left, cov, big - big @ self.Z.T @ P @ self.Z @ big, P

    def criterion(self, Gamma):
        _, _, rss, cov, _, P = self.solve(Gamma)
        n, p = self.X.shape
        value = -np.linalg.slogdet(P)[1] - np.linalg.slogdet(cov)[1]
        return value + (n - p) * (1 + np.log(2 * np.pi * rss / (n - p)))

    def variance(self, Gamma, X, t):
        """Of the prediction of rows (m, p) with constant, over σ²; t None: of a new task."""
        _, _, _, cov, D, P = self.solve(Gamma)
        T, q = self.shape
        cross = self.X.T @ P @ self.Z @ np.kron(np.eye(T), Gamma)
        result = []
        for x in X:
            z = x[[0, *self.columns]]
            own = np.zeros(T * q)
            if t is None:
                result.append(1 + z @ Gamma @ z + x @ cov @ x)
                continue
            own[t * q : (t + 1) * q] = z
            left = x - cross @ own
            result.append(1 + own @ D @ own + left @ cov @ left)
        return np.array(result)


def relative(fitted):
    return fitted.random_covariance_ / fitted.residual_variance_


# Against the dense likelihood


@pytest.mark.parametrize("slopes", SLOPES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_values_are_those_of_the_dense_formulas(slopes, seed):
    X, y = problem(seed)
    fitted = model(slopes).fit(X, y)
    dense = Dense(X, y, positions(slopes, 2))
    Gamma = relative(fitted)
    beta, u, rss, cov, _, _ = dense.solve(Gamma)
    assert_allclose(fitted.reml_criterion_, dense.criterion(Gamma), rtol=1e-8)
    assert_allclose(np.append(fitted.shared_intercept_, fitted.shared_coef_), beta, rtol=1e-6)
    assert_allclose(fitted.residual_variance_, rss / (len(y) - 3), rtol=1e-6)
    assert_allclose(fitted.fixed_covariance_, cov * fitted.residual_variance_, rtol=1e-6)
    assert_allclose(fitted.standard_errors_**2, fitted.fixed_covariance_.diagonal())
    own = np.zeros((len(u), 3))
    own[:, [0, *(1 + j for j in positions(slopes, 2))]] = u
    assert_allclose(fitted.intercept_ - fitted.shared_intercept_, own[:, 0], atol=1e-6)
    assert_allclose(fitted.coef_ - fitted.shared_coef_, own[:, 1:], atol=1e-6)


@settings(**STABLE)
@given(
    seed=st.integers(0, 10**6),
    slopes=st.sampled_from(SLOPES),
    spread=st.sampled_from([(0.0, 0.0, 0.0), (1.0, 0.0, 0.5), (2.0, 0.7, 0.5), (0.3, 3.0, 0.1)]),
)
def test_no_covariance_has_a_lower_dense_criterion(seed, slopes, spread):
    X, y = problem(seed, rows=(4, 6, 3, 7, 5), spread=spread)
    X[:, 1:] = (X[:, 1:] - X[:, 1:].mean(axis=0)) / X[:, 1:].std(axis=0)  # for a general solver
    fitted = model(slopes).fit(X, y)
    dense = Dense(X, y, positions(slopes, 2))
    q = dense.shape[1]

    def value(theta):
        L = np.zeros((q, q))
        L[np.tril_indices(q)] = theta
        return dense.criterion(L @ L.T)

    for start in (np.eye(q), 0.3 * np.eye(q) + 0.1, 3 * np.eye(q)):
        found = minimize(value, start[np.tril_indices(q)], method="L-BFGS-B")
        assert fitted.reml_criterion_ <= found.fun + 1e-5
    assert_allclose(fitted.reml_criterion_, dense.criterion(relative(fitted)), rtol=1e-7, atol=1e-5)


@pytest.mark.parametrize("slopes", SLOPES)
def test_deviations_of_predictions_are_those_of_the_dense_formulas(slopes):
    X, y = problem(3)
    fitted = model(slopes).fit(X, y)
    dense = Dense(X, y, positions(slopes, 2))
    dense.columns = [1 + j for j in positions(slopes, 2)]
    probe = np.column_stack([np.ones(4), [0.0, 30, 50, 300], [-2.0, 1, 4, 0]])
    for t, place in ((2, 2), (99, None)):
        table = np.column_stack([np.full(4, t), probe[:, 1:]])
        mean, std = fitted.predict(table, return_std=True)
        assert_array_equal(mean, fitted.predict(table))
        expected = fitted.residual_variance_ * dense.variance(relative(fitted), probe, place)
        assert_allclose(std**2, expected, rtol=1e-6)
        of_line = np.sqrt(std**2 - fitted.residual_variance_)
        assert (of_line > 0).all()


def test_intervals_cover_new_rows_of_known_and_of_new_tasks():
    known, new = [], []
    for seed in range(20):
        X, y = problem(seed, rows=(8,) * 50)
        seen = (X[:, 0] < 40) & (np.arange(len(y)) % 2 == 0)
        fitted = model("all").fit(X[seen], y[seen])
        mean, std = fitted.predict(X[~seen], return_std=True)
        inside = np.abs(y[~seen] - mean) < 1.96 * std
        known += inside[X[~seen, 0] < 40].tolist()
        new += inside[X[~seen, 0] >= 40].tolist()
    assert 0.93 < np.mean(known) < 0.97
    assert 0.90 < np.mean(new) < 0.98  # ten tasks a table


# Weights


@pytest.mark.parametrize("slopes", SLOPES)
def test_a_row_of_weight_k_counts_as_k_rows(slopes):
    X, y = problem(4)
    weight = np.resize([1, 2, 0, 3], len(y))
    a = model(slopes).fit(X, y, sample_weight=weight)
    b = model(slopes).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    for name in ("coef_", "random_covariance_", "residual_variance_", "reml_criterion_"):
        assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("slopes", SLOPES)
def test_weights_of_mean_one_are_inverse_variances(slopes):
    X, y = problem(5)
    weight = np.resize([0.25, 1.0, 4.0], len(y))
    weight /= weight.mean()
    fitted = model(slopes).fit(X, y, sample_weight=weight)
    dense = Dense(X, y, positions(slopes, 2), weight)
    beta, _, rss, cov, _, _ = dense.solve(relative(fitted))
    assert_allclose(np.append(fitted.shared_intercept_, fitted.shared_coef_), beta, rtol=1e-6)
    assert_allclose(fitted.residual_variance_, rss / (len(y) - 3), rtol=1e-6)
    assert_allclose(fitted.fixed_covariance_, cov * fitted.residual_variance_, rtol=1e-6)
    shift = np.log(weight).sum()  # of log |V|, whatever the covariance
    assert_allclose(fitted.reml_criterion_ - shift, dense.criterion(relative(fitted)), rtol=1e-8)


# Figures that others print


@pytest.fixture(scope="module")
def case():
    def read(name):
        path = Path(os.environ.get("MTLKIT_DATA", "")) / "cases" / f"{name}.csv"
        if "MTLKIT_DATA" not in os.environ or not path.is_file():
            pytest.skip(f"cases/{name}.csv is not in the folder that MTLKIT_DATA names")
        return pd.read_csv(path)

    return read


def printed(value, digits):
    return pytest.approx(digits, abs=0.6 * 10.0 ** -len(str(digits).split(".")[1])) == value


def test_sleepstudy_as_lme4_prints_it(case):
    table = case("sleepstudy")
    fitted = EmpiricalBayesRidge("all", task_col="Subject")
    fitted.fit(table[["Days", "Subject"]], table["Reaction"])
    assert printed(fitted.shared_intercept_, 251.405)
    assert printed(fitted.shared_coef_[0], 10.467)
    assert printed(fitted.standard_errors_[0], 6.825)
    assert printed(fitted.standard_errors_[1], 1.546)
    sizes = np.sqrt(fitted.random_covariance_.diagonal())
    assert printed(sizes[0], 24.741)
    assert printed(sizes[1], 5.922)
    assert printed(np.sqrt(fitted.residual_variance_), 25.592)
    assert printed(fitted.reml_criterion_, 1743.628)
    first = fitted.tasks_.tolist().index(308)  # its random effects, as ranef() prints them
    assert printed(fitted.intercept_[first] - fitted.shared_intercept_, 2.2586)
    assert printed(fitted.coef_[first, 0] - fitted.shared_coef_[0], 9.1990)


def test_dietox_as_statsmodels_prints_it(case):
    table = case("dietox")
    fitted = EmpiricalBayesRidge(task_col="Pig").fit(table[["Pig", "Time"]], table["Weight"])
    assert printed(fitted.shared_intercept_, 15.724)
    assert printed(fitted.shared_coef_[0], 6.943)
    assert printed(fitted.random_covariance_[0, 0], 40.394)
    assert printed(fitted.residual_variance_, 11.367)
    assert printed(fitted.reml_criterion_, 4809.6)
    assert printed(-fitted.reml_criterion_ / 2, -2404.7753)


def test_radon_as_gelman_and_hill_print_it(case):
    table = case("radon")
    fitted = EmpiricalBayesRidge(task_col="county")
    fitted.fit(table[["county", "basement"]], table["log.radon"])
    assert printed(fitted.shared_intercept_, 1.46)
    assert printed(fitted.shared_coef_[0], -0.69)
    assert printed(np.sqrt(fitted.random_covariance_[0, 0]), 0.33)
    assert printed(np.sqrt(fitted.residual_variance_), 0.76)


# What it does not depend on


@settings(**STABLE)
@given(
    seed=st.integers(0, 10**6),
    slopes=st.sampled_from(SLOPES),
    shift=st.sampled_from([0.0, 1e3, -1e6]),
    scale=st.sampled_from([1.0, 1e-6, 1e6]),
)
def test_order_origin_and_units_do_not_matter(seed, slopes, shift, scale):
    X, y = problem(seed, rows=(20, 15, 25, 18))
    a = model(slopes).fit(X, y)
    order = np.random.default_rng(seed).permutation(len(y))
    other = X[order]
    other[:, 1:] = scale * (other[:, 1:] + shift)
    b = model(slopes).fit(other, 5 * y[order] + 7)
    assert_allclose(b.residual_variance_, 25 * a.residual_variance_, rtol=1e-4)
    mean, std = a.predict(X[order], return_std=True)
    other_mean, other_std = b.predict(other, return_std=True)
    assert_allclose((other_mean - 7) / 5, mean, rtol=1e-4, atol=1e-4)
    assert_allclose(other_std / 5, std, rtol=1e-4)
    back = np.array([1, *np.full(len(a.random_covariance_) - 1, scale)])
    slope_part = (b.random_covariance_ * np.outer(back, back) / 25)[1:, 1:]
    assert_allclose(slope_part, a.random_covariance_[1:, 1:], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("slopes", SLOPES)
def test_rows_that_come_in_parts_are_rows_that_come_at_once(slopes):
    X, y = problem(6)
    parts = model(slopes)
    for rows in np.array_split(np.argsort(X[:, 0], kind="stable"), 3):
        parts.partial_fit(X[rows], y[rows])
    whole = model(slopes).fit(X, y)
    assert_allclose(parts.coef_, whole.coef_, rtol=1e-6)
    assert_allclose(parts.reml_criterion_, whole.reml_criterion_)
    again = clone(whole).set_params(random_slopes="all").fit(X, y)
    assert_allclose(whole.set_params(random_slopes="all")._solve(whole.moments_).coef_, again.coef_)


# Limits


def test_without_spread_of_tasks_it_is_pooled_least_squares():
    X, y = problem(7, spread=(0.0,))
    for t in range(8):  # residuals of the pooled line with mean zero in each task
        own = X[:, 0] == t
        y[own] -= (y - X[:, 1:] @ [0.1, 10])[own].mean()
    fitted = model().fit(X, y)
    pooled = LinearRegression().fit(X[:, 1:], y)
    assert_array_equal(fitted.random_covariance_, [[0.0]])
    assert_allclose(fitted.coef_, np.tile(pooled.coef_, (8, 1)))
    assert_allclose(fitted.intercept_, pooled.intercept_)
    left = y - pooled.predict(X[:, 1:])
    assert_allclose(fitted.residual_variance_, left @ left / (len(y) - 3), rtol=1e-8)


def test_a_slope_without_spread_leaves_a_covariance_of_lower_rank():
    X, y = problem(2, rows=(6, 5, 7), d=2)
    fitted = model("all").fit(X, y)
    values = np.linalg.eigvalsh(fitted.random_covariance_ / np.outer(s := [1, 0.1, 10], s))
    assert abs(values[0]) < 1e-12 * values[-1]  # three tasks, three effects: two are enough


@pytest.mark.parametrize("task_col", [None, 0])
def test_one_task_is_least_squares(task_col):
    X, y = problem(8)
    X[:, 0] = 5.0
    table = X if task_col == 0 else X[:, 1:]
    fitted = EmpiricalBayesRidge("all", task_col=task_col).fit(table, y)
    own = LinearRegression().fit(X[:, 1:], y)
    assert_allclose(fitted.coef_, [own.coef_])
    assert_allclose(fitted.intercept_, [own.intercept_])
    assert not fitted.random_covariance_.any()
    # Deviations and errors are those of a linear model.
    A = np.column_stack([np.ones(len(y)), X[:, 1:]])
    left = y - own.predict(X[:, 1:])
    cov = left @ left / (len(y) - 3) * np.linalg.inv(A.T @ A)
    assert_allclose(fitted.fixed_covariance_, cov, rtol=1e-6)
    std = fitted.predict(table, return_std=True)[1]
    spread = np.einsum("ij,jk,ik->i", A, cov, A) + fitted.residual_variance_
    assert_allclose(std**2, spread, rtol=1e-6)


def test_one_row_a_task_cannot_tell_tasks_from_noise():
    X, y = problem(9, rows=(1,) * 15)
    fitted = EmpiricalBayesRidge(task_col="task").fit(as_frame(X), y)
    own = LinearRegression().fit(X[:, 1:], y)
    assert_allclose(fitted.predict(as_frame(X)), own.predict(X[:, 1:]))
    assert_array_equal(fitted.random_covariance_, [[0.0]])


def test_a_task_of_many_rows_has_its_own_least_squares():
    X, y = problem(10, rows=(20000, 20, 20, 20))
    fitted, own = model("all").fit(X, y), PerTask(LinearRegression(), task_col=0).fit(X, y)
    big = X[:, 0] == 0
    assert_allclose(fitted.predict(X[big]), own.predict(X[big]), atol=0.01)
    assert np.abs(fitted.predict(X[~big]) - own.predict(X[~big])).max() > 0.1


def test_new_tasks_have_the_fixed_part():
    X, y = problem(11)
    fitted = model("all").fit(X, y)
    new = np.add(X[:5], [90, 0, 0])
    expected = X[:5, 1:] @ fitted.shared_coef_ + fitted.shared_intercept_
    assert_allclose(fitted.predict(new), expected)
    assert (fitted.predict(new, True)[1] > fitted.predict(X[:5], True)[1]).all()


@pytest.mark.parametrize("slopes", SLOPES)
@pytest.mark.parametrize("spread", [(0.0,), (2.0, 0.0, 0.0), (2.0, 0.7, 0.5)])
@pytest.mark.parametrize("factor", [1.0, 1e-8, 1e8])
def test_rows_without_noise_are_found_again(slopes, spread, factor):
    if slopes != "all" and spread[-1]:
        return  # what it does not model is noise
    X, y = problem(12, spread=spread, noise=0.0)
    fitted = model(slopes).fit(X, factor * y)
    assert_allclose(fitted.predict(X), factor * y, rtol=1e-4, atol=1e-4 * factor)
    assert fitted.residual_variance_ <= 1e-6 * (factor * y).var()


def test_a_constant_target_is_found_again():
    X, _ = problem(13)
    for level in (0.0, 3.0, -1e9):
        fitted = model("all").fit(X, np.full(len(X), level))
        mean, std = fitted.predict(X, return_std=True)
        assert_array_equal(mean, level)
        assert_array_equal(std, 0)
        assert fitted.reml_criterion_ == -np.inf


def test_constant_and_collinear_columns():
    X, y = problem(14)
    plain = model([1]).fit(X, y)
    twice = np.column_stack([X[:, :2], X[:, 2], X[:, 2], np.full(len(y), 1e6)])
    fitted = model([1, 4]).fit(twice, y)
    assert_allclose(fitted.predict(twice), plain.predict(X), rtol=1e-6)
    assert_allclose(fitted.shared_coef_[1:], [plain.shared_coef_[1] / 2] * 2 + [0], rtol=1e-6)
    assert_allclose(fitted.standard_errors_[1], plain.standard_errors_[1], rtol=1e-6)
    assert np.isnan(fitted.standard_errors_[2:]).all()
    assert_array_equal(fitted.coef_[:, 3], 0)  # a slope on a constant
    both = model([2, 3]).fit(twice, y)
    assert_allclose(both.predict(twice), model([2]).fit(X, y).predict(X), rtol=1e-5)
    for one, other in zip(plain.predict(X, True), fitted.predict(twice, True), strict=True):
        assert_allclose(other, one, rtol=1e-6)


def test_ten_thousand_tasks_and_many_slopes_converge():
    rng = np.random.default_rng(15)
    task = rng.integers(10_000, size=60_000)
    F, u = rng.normal(size=(len(task), 3)), rng.normal(size=(10_000, 3)) * [1, 0.5, 0.3]
    y = F @ [1.0, 2, 3] + u[task, 0] + (F[:, :2] * u[task, 1:]).sum(axis=1)
    y += rng.normal(size=len(y))
    fitted = model("all").fit(np.column_stack([task, F]), y)
    assert fitted.n_iter_ < 100  # one of three slopes is at or near the bound
    assert_allclose(fitted.random_covariance_.diagonal(), [1, 0.25, 0.09, 0], atol=0.05)
    assert_allclose(fitted.shared_coef_, [1, 2, 3], atol=0.05)


def test_few_steps_are_told():
    X, y = problem(0, rows=(6, 5, 7))
    with pytest.warns(ConvergenceWarning, match=r"after 1 steps.*max_iter=1") as caught:
        fitted = model("all", max_iter=1).fit(X, y)
    assert caught[0].filename == __file__
    assert fitted.n_iter_ == 1


# Inside scikit-learn, on tables of other kinds


def test_slopes_are_named_as_the_table_names_them():
    X, y = problem(17)
    frame = as_frame(X)
    expected = model([2]).fit(X, y)
    tables = {
        ("b",): (frame, "task"),
        (-1,): (X, 0),
        (np.int64(2),): (X, -3),
        (0,): (X[:, [2, 1, 0]], 2),
        (np.str_("b"),): (polars.from_pandas(frame), "task"),
    }
    for slopes, (table, task_col) in tables.items():
        for kind in (list, tuple, np.array, pd.Index):
            found = EmpiricalBayesRidge(kind(slopes), task_col=task_col).fit(table, y)
            assert_allclose(found.predict(table), expected.predict(X), rtol=1e-6)
            assert_allclose(found.random_covariance_, expected.random_covariance_, rtol=1e-5)
    two = EmpiricalBayesRidge(["b", "a"], task_col="task").fit(frame, y).random_covariance_
    turned = model("all").fit(X, y).random_covariance_[np.ix_([0, 2, 1], [0, 2, 1])]
    assert_allclose(two, turned, rtol=1e-4, atol=1e-6)
    assert_array_equal(model([]).fit(X, y).coef_, model().fit(X, y).coef_)


@pytest.mark.parametrize(
    ("slopes", "words"),
    [
        ("a", r"random_slopes='a' must be .* \['a', 'b'\]"),
        (3, "random_slopes=3 must be"),
        (["zz"], r"holds 'zz', which is not a feature: choose from \['a', 'b'\]"),
        (["task"], "holds 'task'"),
        ([1], "holds 1,"),
        ([True, False], "holds True"),
        (["a", "b", "a"], "names a column twice"),
    ],
)
def test_slips_in_random_slopes_are_told(slopes, words):
    X, y = problem(18)
    with pytest.raises(ValueError, match=words):
        EmpiricalBayesRidge(slopes, task_col="task").fit(as_frame(X), y)


@pytest.mark.parametrize(
    ("slopes", "words"),
    [([0], "holds 0, .*\\[1, 2\\]"), ([3], "holds 3"), ([-3], "holds 0"), ([1.5], "holds 1.5")],
)
def test_slips_in_positions_are_told(slopes, words):
    with pytest.raises(ValueError, match=words):
        model(slopes).fit(*problem(18))


def test_too_few_rows_are_told():
    X, y = problem(19, rows=(1, 2))
    with pytest.raises(ValueError, match=r"n_samples=3 .* 3 fixed effects.*MeanRegularizedRidge"):
        model().fit(X, y)
    X, y = problem(19)
    with pytest.raises(ValueError, match=r"n_samples=1 .*sample_weight"):
        model().fit(X, y, sample_weight=np.full(len(y), 1 / len(y)))
    with pytest.raises(TypeError, match="max_iter="):
        model(max_iter=0.5).fit(X, y)
    with pytest.raises(TypeError, match="return_std='yes'"):
        model().fit(X, y).predict(X, return_std="yes")


def test_numbers_that_overflow_are_told():
    X, y = problem(20)
    with pytest.raises(ValueError, match="scale features and targets"):
        model().fit(X * [1, 1e-100, 1], 1e100 * y)
    fitted = model("all").fit(X, y)
    with pytest.raises(ValueError, match="row 0 overflows"):
        fitted.predict([[0, 1e308, -1e308]], return_std=True)


def test_a_pipeline_and_a_search_choose_the_slopes():
    X, y = problem(21, rows=(30,) * 12, spread=(1.0, 0.0, 2.0))
    frame = as_frame(X)
    pipeline = make_pipeline(shared(StandardScaler(), "task"), EmpiricalBayesRidge(task_col="task"))
    grid = {"empiricalbayesridge__random_slopes": [None, ["a"], ["b"]]}
    folds = TaskStratifiedKFold(3, task_col="task", shuffle=True, random_state=0)
    search = GridSearchCV(pipeline, grid, cv=folds, error_score="raise").fit(frame, y)
    assert search.best_params_ == {"empiricalbayesridge__random_slopes": ["b"]}
    mean, std = search.best_estimator_.predict(frame, return_std=True)
    assert_allclose(mean, search.predict(frame))
    assert std.shape == mean.shape
    # An affine step before it changes nothing.
    plain = EmpiricalBayesRidge(["b"], task_col="task").fit(frame, y)
    assert_allclose(mean, plain.predict(frame), rtol=1e-6)
    each = make_pipeline(per_task(StandardScaler(), "task"), clone(plain)).fit(frame, y)
    assert np.isfinite(each.predict(frame)).all()


def test_it_lies_between_pooled_and_alone_and_beats_both():
    errors = {"estimated": [], "alone": [], "pooled": [], "tied": []}
    for seed in range(10):
        X, y = problem(seed, rows=(8,) * 30, spread=(1.0, 0.5, 0.5))
        train = np.arange(len(y)) % 8 < 4
        models = {
            "estimated": model("all"),
            "alone": PerTask(LinearRegression(), task_col=0),
            "pooled": Pooled(LinearRegression(), task_col=0),
            "tied": MeanRegularizedRidge(task_col=0),
        }
        for name, one in models.items():
            left = y[~train] - one.fit(X[train], y[train]).predict(X[~train])
            errors[name].append((left**2).mean())
    means = {name: np.mean(values) for name, values in errors.items()}
    assert means["estimated"] < min(means["alone"], means["pooled"])
