"""Tests of mtlkit.datasets: shapes, order of tasks, what is in each task, seeds, messages."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LinearRegression

from mtlkit.datasets import (
    load_cancer_domains,
    load_diabetes_by_sex,
    load_digit_angles,
    load_digit_tasks,
    load_shifted_digits,
    make_linear_tasks,
)

DIGITS = load_digits()
IMAGES = DIGITS.data / 16
DIGIT_OF_IMAGE = {
    image.tobytes(): digit for image, digit in zip(IMAGES, DIGITS.target, strict=True)
}
STRUCTURES = ["shared mean", "low rank", "joint support", "clusters", "opposed", "unrelated"]
LOADERS = [
    load_diabetes_by_sex,
    load_cancer_domains,
    load_digit_tasks,
    load_shifted_digits,
    load_digit_angles,
    lambda **options: make_linear_tasks(random_state=0, **options),
]


def rows_of(X, y, t):
    return X[X[:, 0] == t, 1:], y[X[:, 0] == t]


# Every loader


@pytest.mark.parametrize("load", LOADERS)
def test_frame_and_array_hold_the_same_table(load):
    X, y = load()
    frame, series = load(as_frame=True)
    assert X.dtype == float
    assert frame.columns[0] == "task"
    assert frame.columns.is_unique
    assert_array_equal(frame.drop(columns="task").to_numpy(), X[:, 1:])
    assert_array_equal(series.to_numpy(), y)
    # codes count up from 0 in the order in which the names appear
    assert_array_equal(frame["task"].factorize()[0], X[:, 0])
    assert np.all(np.diff(X[:, 0]) >= 0)


@pytest.mark.parametrize("load", LOADERS)
def test_same_seed_same_numbers(load):
    X, y = load()
    again, y_again = load()
    assert_array_equal(again, X)
    assert_array_equal(y_again, y)


@pytest.mark.parametrize("load", LOADERS)
def test_pandas_is_needed_for_frames_only(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    X, y = load()
    assert X.shape[0] == y.shape[0]
    with pytest.raises(ImportError, match="pip install pandas"):
        load(as_frame=True)


DRAWN = [
    load_cancer_domains,
    load_digit_tasks,
    load_shifted_digits,
    load_digit_angles,
    make_linear_tasks,
]


@pytest.mark.parametrize("load", DRAWN)
def test_other_seed_other_numbers(load):
    first, second = load(random_state=1)[0], load(random_state=2)[0]
    assert first.shape == second.shape
    assert not np.array_equal(first, second)
    assert not np.array_equal(load(random_state=None)[0], load(random_state=None)[0])


@pytest.mark.parametrize("load", DRAWN)
def test_a_seed_may_be_of_numpy_or_a_random_state(load):
    assert_array_equal(load(random_state=np.int64(1))[0], load(random_state=1)[0])
    state = np.random.RandomState(0)
    first, second = load(random_state=state)[0], load(random_state=state)[0]
    assert not np.array_equal(first, second)
    assert_array_equal(load(random_state=np.random.RandomState(0))[0], first)


@pytest.mark.parametrize("bad", [-1, 1.5, "0", True])
@pytest.mark.parametrize("load", DRAWN)
def test_bad_seed(load, bad):
    with pytest.raises((TypeError, ValueError), match=f"random_state={bad!r}"):
        load(random_state=bad)


@pytest.mark.parametrize("load", LOADERS)
def test_as_frame_is_true_or_false(load):
    with pytest.raises(TypeError, match="as_frame='yes'"):
        load(as_frame="yes")


def test_numbers_may_be_of_numpy():
    numbers = {"n_samples": 7, "n_tasks": 3, "n_features": 5}
    narrow = {name: np.int8(number) for name, number in numbers.items()}
    expected = make_linear_tasks(noise=0.5, spread=0.25, random_state=0, **numbers)
    found = make_linear_tasks(
        noise=np.float32(0.5), spread=np.float16(0.25), random_state=0, **narrow
    )
    for a, b in zip(found, expected, strict=True):
        assert_array_equal(a, b)
    few = load_digit_angles(max_angle=np.float32(20), rows_per_task=np.int16(5))
    assert_array_equal(few[0], load_digit_angles(max_angle=20, rows_per_task=5)[0])
    turned = load_shifted_digits(
        {"a": ("rotation", np.int8(30)), "b": ("contrast", np.float16(0.5))}
    )
    assert_array_equal(
        turned[0], load_shifted_digits({"a": ("rotation", 30), "b": ("contrast", 0.5)})[0]
    )
    shares = load_cancer_domains(malignant=(np.float32(0.5), np.float64(0.25)))
    assert_array_equal(shares[0], load_cancer_domains(malignant=(0.5, 0.25))[0])


def test_names_of_tasks_are_kept():
    pytest.importorskip("pandas")
    names = [1, "1", ("a", 2), 2**60 + 1]
    X, _ = load_shifted_digits(dict.fromkeys(names), rows_per_task=2, as_frame=True)
    assert X["task"].tolist() == [name for name in names for _ in range(2)]


@pytest.mark.parametrize("load", LOADERS)
def test_frames_have_plain_names(load):
    # scikit-learn rejects a frame that mixes str with NumPy's own strings.
    frame, _ = load(as_frame=True)
    assert {type(name) for name in frame.columns} == {str}


# Diabetes


def test_diabetes_is_split_by_its_sex_column():
    X, y = load_diabetes_by_sex(as_frame=True)
    source = load_diabetes(scaled=False)
    features = np.delete(source.data, 1, axis=1)
    assert "sex" not in X.columns
    assert X["task"].value_counts().to_dict() == {"sex 1": 235, "sex 2": 207}
    assert list(X["task"].unique()) == ["sex 1", "sex 2"]
    for code in (1, 2):
        rows, chosen = X["task"] == f"sex {code}", source.data[:, 1] == code
        assert_array_equal(X.loc[rows].drop(columns="task"), features[chosen])
        assert_array_equal(y[rows], source.target[chosen])
    assert X["age"].between(18, 80).all(), "features keep their units"


# Digits


def digits_of(X):
    """The digit of each row, looked up by its pixels; fails for an image that was changed."""
    return np.array([DIGIT_OF_IMAGE[row.tobytes()] for row in np.ascontiguousarray(X[:, 1:])])


def n_distinct_images(X):
    return len(np.unique(X[:, 1:], axis=0))


def test_questions_are_answered():
    questions = ["prime", "even", "multiple of three", "has a loop", "at least five"]
    yes = [{2, 3, 5, 7}, {0, 2, 4, 6, 8}, {0, 3, 6, 9}, {0, 6, 8, 9}, {5, 6, 7, 8, 9}]
    X, y = load_digit_tasks(questions)
    digits = digits_of(X)
    for t, digits_with_yes in enumerate(yes):
        rows = X[:, 0] == t
        assert_array_equal(y[rows], [int(d in digits_with_yes) for d in digits[rows]])
    assert list(load_digit_tasks(questions, as_frame=True)[0]["task"].unique()) == questions


def test_no_image_occurs_in_two_tasks():
    X, _ = load_digit_tasks()
    assert n_distinct_images(X) == len(X) == len(DIGITS.data)
    X, _ = load_shifted_digits({"a": None, "b": None, "c": None})
    assert n_distinct_images(X) == len(X) == len(DIGITS.data)
    X, _ = load_digit_tasks(rows_per_task=50)
    assert n_distinct_images(X) == len(X) == 250


@pytest.mark.parametrize("rows_per_task", [10, 57, 200, None])
def test_every_task_has_its_share_of_every_digit(rows_per_task):
    X, y = load_shifted_digits({"a": None, "b": None, "c": None}, rows_per_task=rows_per_task)
    counts = np.array([np.bincount(rows_of(X, y, t)[1], minlength=10) for t in range(3)])
    if rows_per_task is None:
        assert np.ptp(counts.sum(axis=1)) == 0
        assert np.ptp(counts, axis=0).max() <= 1
    else:
        assert_array_equal(counts.sum(axis=1), rows_per_task)
        assert np.ptp(counts) <= 1


@pytest.mark.parametrize("load", [load_digit_tasks, load_shifted_digits, load_digit_angles])
def test_fewer_rows_are_the_first_rows(load):
    X, y = load()
    few, y_few = load(rows_per_task=13)
    for t in np.unique(X[:, 0]):
        assert_array_equal(rows_of(few, y_few, t)[0], rows_of(X, y, t)[0][:13])
        assert_array_equal(rows_of(few, y_few, t)[1], rows_of(X, y, t)[1][:13])


def test_largest_number_of_rows_is_the_one_the_message_gives():
    with pytest.raises(ValueError, match=r"rows_per_task=360 .*359"):
        load_digit_tasks(rows_per_task=360)
    assert len(load_digit_tasks(rows_per_task=359)[0]) == 5 * 359
    with pytest.raises(ValueError, match=r"rows_per_task=175 .*174"):
        load_digit_angles(rows_per_task=175)
    assert len(load_digit_angles(rows_per_task=174)[0]) == 10 * 174


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"questions": ["even", "odd"]}, r"questions='odd' .*'even'"),
        ({"questions": []}, r"questions=\[\] .*at least one"),
        ({"questions": "even"}, "questions='even' .*list"),
        ({"questions": 5}, "questions=5 .*list"),
        ({"questions": ["even", "even"]}, r"questions=\['even', 'even'\] .*once"),
        ({"rows_per_task": 0}, "rows_per_task=0"),
        ({"rows_per_task": 2.5}, "rows_per_task=2.5"),
    ],
)
def test_bad_digit_tasks(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        load_digit_tasks(**options)


def shifted(shift, **options):
    """The same images before and after a shift, as task 1 of two."""
    before, y = load_shifted_digits({"other": None, "this": None}, **options)
    after, y_after = load_shifted_digits({"other": None, "this": shift}, **options)
    assert_array_equal(y_after, y)
    assert_array_equal(rows_of(after, y, 0)[0], rows_of(before, y, 0)[0])
    return rows_of(before, y, 1)[0], rows_of(after, y, 1)[0]


def test_unshifted_digits_are_the_digits():
    X, y = load_shifted_digits({"upright": None})
    assert_array_equal(digits_of(X), y)


def test_exact_shifts():
    before, after = shifted("inversion")
    assert_allclose(after, 1 - before)
    before, after = shifted(("contrast", 0.25))
    assert_allclose(after, 0.375 + 0.25 * before)
    before, after = shifted(("rotation", 90))
    turned = np.rot90(before.reshape(-1, 8, 8), axes=(1, 2))  # counter-clockwise
    assert_allclose(after, turned.reshape(-1, 64), atol=1e-12)
    before, after = shifted(("blur", 1.5))
    blurred = [ndimage.gaussian_filter(image, 1.5) for image in before.reshape(-1, 8, 8)]
    assert_allclose(after, np.reshape(blurred, (-1, 64)), atol=1e-12)


def test_permutation_moves_the_pixels_of_all_images_alike():
    before, after = shifted(("permutation", 3))
    # column j of `before` turned up as exactly one column of `after`, in all rows
    assert_array_equal(np.unique(after, axis=1), np.unique(before, axis=1))
    assert not np.array_equal(after, before)
    assert_array_equal(np.sort(after, axis=1), np.sort(before, axis=1))
    assert not np.array_equal(after, shifted(("permutation", 4))[1])


def test_noise_has_the_stated_size_and_its_own_seed():
    before, after = shifted(("noise", 0.1))
    middle = (before > 0.4) & (before < 0.6)  # five deviations from clipping nearly never
    difference = (after - before)[middle]
    assert difference.std() == pytest.approx(0.1, rel=0.05)
    assert abs(difference.mean()) < 0.01
    # two noisy tasks do not share their noise, compared where neither is clipped
    X, _ = load_shifted_digits({"a": ("noise", 0.05), "b": ("noise", 0.05)}, rows_per_task=100)
    clean, _ = load_shifted_digits({"a": None, "b": None}, rows_per_task=100)
    unclipped = ((clean > 0.25) & (clean < 0.75))[:, 1:]
    both = unclipped[:100] & unclipped[100:]
    noise = (X - clean)[:, 1:]
    assert abs(np.corrcoef(noise[:100][both], noise[100:][both])[0, 1]) < 0.3


@pytest.mark.parametrize(
    "shift",
    [
        None,
        "inversion",
        ("rotation", -17.5),
        ("contrast", 0.3),
        ("noise", 0.5),
        ("blur", 2),
        ("permutation", 0),
    ],
)
def test_pixels_stay_between_0_and_1(shift):
    _, after = shifted(shift)
    assert after.min() >= 0
    assert after.max() <= 1
    assert after.std() > 0.01


@pytest.mark.parametrize(
    ("shifts", "message"),
    [
        ({}, r"shifts=\{\} .*dict"),
        (["rotation"], "shifts=.*dict"),
        ({"a": ("twist", 3)}, r"shifts\['a'\]=\('twist', 3\)"),
        ({"a": ("rotation",)}, "a pair"),
        ({"a": 30}, "a pair"),
        ({"a": "rotation"}, "'rotation' .*a pair"),
        ({"a": ("rotation", 181)}, r"rotation of shifts\['a'\]=181 .*-180 .*180"),
        ({"a": ("contrast", 1.5)}, r"contrast of shifts\['a'\]=1.5 .*0 .*1"),
        ({"a": ("noise", -0.1)}, "=-0.1 "),
        ({"a": ("blur", np.nan)}, "=nan .*4"),
        ({"a": ("permutation", 0.5)}, "=0.5 .*integer"),
        ({"a": ("inversion", 1)}, r"\('inversion', 1\)"),
    ],
)
def test_bad_shifts(shifts, message):
    with pytest.raises((TypeError, ValueError), match=message):
        load_shifted_digits(shifts)


def test_default_shifts_are_documented():
    tasks = load_shifted_digits(as_frame=True)[0]["task"].unique()
    for task in tasks:
        assert f'"{task}": ' in load_shifted_digits.__doc__


def test_angles_turn_the_digit_of_the_task():
    X, y = load_digit_angles(max_angle=20)
    assert_array_equal(np.bincount(X[:, 0].astype(int)), np.bincount(DIGITS.target))
    assert abs(y).max() <= 20
    assert y.std() == pytest.approx(20 / 3**0.5, rel=0.05)
    # turning upright images of the digit by the angle in y gives each row back, in some order
    for t in (0, 7):
        turned, angles = rows_of(X, y, t)
        upright = IMAGES[DIGITS.target == t].reshape(-1, 8, 8)
        for row, angle in zip(turned[:5], angles[:5], strict=True):
            candidates = [
                np.clip(ndimage.rotate(image, angle, reshape=False, order=1), 0, 1).ravel()
                for image in upright
            ]
            assert np.abs(candidates - row).max(axis=1).min() < 1e-12


def test_angles_scale_with_max_angle_and_can_be_learnt():
    _, narrow = load_digit_angles(max_angle=10)
    X, wide = load_digit_angles(max_angle=30)
    assert_allclose(wide, 3 * narrow)
    train = np.arange(len(wide)) % 2 == 0
    model = LinearRegression().fit(X[train, 1:], wide[train])
    assert model.score(X[~train, 1:], wide[~train]) > 0.8


@pytest.mark.parametrize("bad", [0, -5, 200, "30"])
def test_bad_max_angle(bad):
    with pytest.raises((TypeError, ValueError), match=f"max_angle={bad!r}"):
        load_digit_angles(max_angle=bad)


# Simulated tasks


@pytest.mark.parametrize("structure", STRUCTURES)
def test_target_is_the_signal_plus_noise(structure):
    options = {"n_tasks": 3, "n_samples": 4000, "random_state": 0, "return_coef": True}
    X, y, W = make_linear_tasks(structure, noise=0.5, **options)
    for t in range(3):
        X_t, y_t = rows_of(X, y, t)
        residual = y_t - X_t @ W[t]
        assert residual.std() == pytest.approx(0.5, rel=0.05)
        assert_allclose(LinearRegression().fit(X_t, y_t).coef_, W[t], atol=0.05)
        assert_allclose(np.cov(X_t.T), np.eye(20), atol=0.1)
    X, y, W = make_linear_tasks(structure, noise=0, **options)
    assert_allclose(y, (X[:, 1:] * W[X[:, 0].astype(int)]).sum(axis=1))


@pytest.mark.parametrize("spread", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_signal_variance_is_one_whatever_the_spread(structure, spread):
    squares = [
        np.square(
            make_linear_tasks(
                structure, n_samples=1, spread=spread, random_state=seed, return_coef=True
            )[2]
        ).sum(axis=1)
        for seed in range(200)
    ]
    # 200 draws of what the tasks share: standard error at most 0.025
    assert np.mean(squares) == pytest.approx(1, abs=0.1)


def coefficients(structure, **options):
    return make_linear_tasks(structure, n_samples=1, return_coef=True, random_state=5, **options)[2]


def test_low_rank():
    W = coefficients("low rank", n_tasks=15)
    assert W.shape == (15, 20)
    assert np.linalg.matrix_rank(W) == 2


def test_joint_support():
    W = coefficients("joint support", n_tasks=15)
    assert (W != 0).any(axis=0).sum() == 4
    assert (W != 0).sum() == 4 * 15


def test_unrelated_tasks_are_uncorrelated():
    W = coefficients("unrelated", n_tasks=40, n_features=400)
    cosines = np.corrcoef(W)[np.triu_indices(40, 1)]
    assert abs(cosines).max() < 0.3
    assert abs(cosines.mean()) < 0.02


def test_shared_mean_spreads_as_told():
    assert_allclose(np.ptp(coefficients("shared mean", spread=0), axis=0), 0)
    W = coefficients("shared mean", n_tasks=200, spread=0.5)
    # variance around the mean: s^2 / (1 + s^2) of the total 1
    assert W.var(axis=0, ddof=1).sum() == pytest.approx(0.2, rel=0.1)


def test_clusters_and_opposed_alternate():
    W = coefficients("clusters", spread=0.1)
    within = np.linalg.norm(W[::2] - W[::2].mean(axis=0), axis=1).max()
    between = np.linalg.norm(W[::2].mean(axis=0) - W[1::2].mean(axis=0))
    assert between > 5 * within
    W = coefficients("opposed", spread=0)
    assert_allclose(W[::2], np.tile(W[0], (10, 1)))
    assert_allclose(W[1::2], -W[::2])


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_task_keeps_its_data_when_others_change(structure):
    few = make_linear_tasks(
        structure, n_tasks=3, n_samples=[5, 6, 7], random_state=9, return_coef=True
    )
    many = make_linear_tasks(
        structure, n_tasks=4, n_samples=[50, 6, 1, 2], random_state=9, return_coef=True
    )
    assert_array_equal(np.bincount(few[0][:, 0].astype(int)), [5, 6, 7])
    assert_array_equal(np.bincount(many[0][:, 0].astype(int)), [50, 6, 1, 2])
    assert_array_equal(few[2], many[2][:3])
    for t, n in enumerate([5, 6, 1]):  # the rows both have
        (X_few, y_few), (X_many, y_many) = rows_of(*few[:2], t), rows_of(*many[:2], t)
        assert_array_equal(X_few[:n], X_many[:n])
        assert_allclose(y_few[:n], y_many[:n], rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"structure": "sparse"}, r"structure='sparse' .*'shared mean'"),
        ({"n_tasks": 0}, "n_tasks=0"),
        ({"n_samples": 0}, "n_samples of task 0=0"),
        ({"n_samples": None}, "n_samples of task 0=None"),
        ({"n_tasks": 2, "n_samples": [5, 2.5]}, "n_samples of task 1=2.5"),
        ({"n_tasks": 3, "n_samples": [5, 5]}, r"n_samples=\[5, 5\] .*n_tasks=3"),
        ({"n_features": 0}, "n_features=0"),
        ({"structure": "joint support", "n_features": 3}, "n_features=3 .*4"),
        ({"structure": "low rank", "n_features": 1}, "n_features=1 .*2"),
        ({"noise": -1}, "noise=-1"),
        ({"noise": np.inf}, "noise=inf"),
        ({"spread": np.nan}, "spread=nan"),
        ({"return_coef": 1}, "return_coef=1"),
        ({"n_samples": True}, "n_samples of task 0=True"),
    ],
)
def test_bad_linear_tasks(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make_linear_tasks(**options)


# Cancer in two domains


def test_cancer_domains_are_different_patients_and_measures():
    data = load_breast_cancer()
    X, y = load_cancer_domains()
    assert X.shape == (569, 11)
    for t, block in [(0, data.data[:, :10]), (1, data.data[:, 20:])]:
        features, malignant = rows_of(X, y, t)
        place = [np.flatnonzero((block == row).all(axis=1)).item() for row in features]
        assert_array_equal(malignant, 1 - data.target[place])
    rows = {}
    for measure in ("mean", "error", "worst"):
        same = load_cancer_domains((measure, measure))[0]
        assert len(np.unique(same[:, 1:], axis=0)) == 569  # no patient twice
        rows[measure] = same
    assert_array_equal(X[X[:, 0] == 0], rows["mean"][rows["mean"][:, 0] == 0])
    assert_array_equal(X[X[:, 0] == 1], rows["worst"][rows["worst"][:, 0] == 1])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_cancer_domains_have_the_shares_asked_for(share):
    X, y = load_cancer_domains(("mean", "mean"), (0.5, share))
    for t, wanted in [(0, 0.5), (1, share)]:
        malignant = rows_of(X, y, t)[1]
        assert malignant.mean() == pytest.approx(wanted, abs=0.005)
        assert (malignant == 1).sum() >= 105 or (malignant == 0).sum() >= 178
    whole = load_cancer_domains(("mean", "mean"))[0]
    assert {row.tobytes() for row in X} < {row.tobytes() for row in whole}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"measures": ("mean", "largest")}, r"measures='largest' .*'mean'"),
        ({"measures": "mean"}, "measures='mean' .*pair"),
        ({"malignant": 0.5}, "malignant=0.5 .*pair"),
        ({"malignant": (0.5, 1.5)}, "malignant=1.5"),
        ({"malignant": (0.5, 0)}, "malignant=0 "),
    ],
)
def test_bad_cancer_domains(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        load_cancer_domains(**arguments)
