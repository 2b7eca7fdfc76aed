"""Handwritten digits made into tasks: by question, by shift of the image, by angle."""

import functools

import numpy as np
from scipy import ndimage
from sklearn.datasets import load_digits

from .._utils._validation import check_choice, check_integer, check_number
from ._base import long_table, spawn_seeds

# The digits to which each question of `load_digit_tasks` is answered with yes.
QUESTIONS = {
    "even": (0, 2, 4, 6, 8),
    "at least five": (5, 6, 7, 8, 9),
    "has a loop": (0, 6, 8, 9),
    "prime": (2, 3, 5, 7),
    "multiple of three": (0, 3, 6, 9),
}

DEFAULT_SHIFTS = {
    "upright": None,
    "rotated": ("rotation", 30),
    "low contrast": ("contrast", 0.25),
    "inverted": "inversion",
}

# Kinds of shift with the lowest and the highest strength
STRENGTHS = {"rotation": (-180, 180), "contrast": (0, 1), "noise": (0, 1), "blur": (0, 4)}


@functools.cache
def _digits():
    """scikit-learn's copy, read once; tables are made of copies of its rows."""
    return load_digits()


def _check_rows(rows_per_task, most):
    if rows_per_task is not None and check_integer(rows_per_task, "rows_per_task") > most:
        raise ValueError(
            f"rows_per_task={rows_per_task} must be at most {most}, the images of each task"
        )


def _deal_digits(n_tasks, rows_per_task, seed):
    """Deal the digit images to tasks: one array of image numbers a task, no image twice.

    Rows come in rounds that hold every digit once, so the first rows are balanced too.
    """
    target = _digits().target
    _check_rows(rows_per_task, len(target) // n_tasks)
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(target))
    by_digit = shuffled[np.argsort(target[shuffled], kind="stable")]
    hands = []
    for t in range(n_tasks):
        hand = by_digit[t::n_tasks]
        digits = target[hand]
        round_of = np.arange(len(hand)) - np.searchsorted(digits, digits)
        hands.append(hand[np.lexsort([rng.random(len(hand)), round_of])][:rows_per_task])
    return hands


def load_digit_tasks(
    questions=tuple(QUESTIONS), *, rows_per_task=None, random_state=0, as_frame=False
):
    """Load handwritten digits as binary classification tasks, one question each.

    Each task asks its question about images of its own: they are assigned to the
    tasks without overlap, every digit in equal parts.

    Parameters
    ----------
    questions : sequence of str
        One task per question, a key of `QUESTIONS`: "even", "at least five", "has a loop" (0, 6,
        8, 9), "prime" or "multiple of three" (0, 3, 6, 9). By default all five.
    rows_per_task : int, optional
        Images of each task; by default all 1797 images are assigned. A smaller number takes
        the first rows of each task.
    random_state : int, RandomState instance or None, default=0
        Assigns the images.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_rows, 65)
        The task, in the order of `questions`, and 64 pixels from 0 to 1.
    y : ndarray or Series of shape (n_rows,)
        1 where the answer is yes, 0 where it is no.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not what is described above.
    ImportError
        If `as_frame` is True and pandas is not installed.

    See Also
    --------
    load_shifted_digits : One question, images that differ by task.
    load_digit_angles : Regression tasks on the same images.
    QUESTIONS : The digits to which each question is answered with yes.

    Notes
    -----
    The images are scikit-learn's copy of the UCI optical digits, Alpaydin and Kaynak (1998),
    *Cascading classifiers*.

    Taught in :doc:`/chapters/algorithms/one_trunk`.
    """
    asked = [] if isinstance(questions, str) or not np.iterable(questions) else list(questions)
    for question in asked:
        check_choice(question, "questions", QUESTIONS)
    if not asked or len(set(asked)) < len(asked):
        raise ValueError(f"questions={questions!r} must be a list of at least one, each once")
    digits = _digits()
    hands = _deal_digits(len(asked), rows_per_task, spawn_seeds(random_state, 1)[0])
    tasks = {
        question: (
            digits.data[hand] / 16,
            np.isin(digits.target[hand], QUESTIONS[question]).astype(int),
        )
        for question, hand in zip(asked, hands, strict=True)
    }
    return long_table(tasks, digits.feature_names, "answer", as_frame)


def _parse_shift(task, shift):
    """Return (kind, strength) of one value of `shifts`, checked."""
    if shift is None or (isinstance(shift, str) and shift == "inversion"):
        return shift, None
    kinds = [*STRENGTHS, "permutation"]
    if not isinstance(shift, tuple) or len(shift) != 2 or shift[0] not in kinds:
        raise ValueError(
            f"shifts[{task!r}]={shift!r} is unknown: choose None, 'inversion' or a pair "
            f"(kind, strength) with kind one of {kinds}"
        )
    kind, strength = shift
    name = f"{kind} of shifts[{task!r}]"
    if kind == "permutation":
        return kind, check_integer(strength, name, low=0)
    low, high = STRENGTHS[kind]
    return kind, float(check_number(strength, name, low=low, high=high))


def _shift(images, kind, strength, seed=None):
    """Apply one shift to images of shape (n, 8, 8) with values from 0 to 1."""
    if kind == "rotation":
        images = ndimage.rotate(images, strength, axes=(1, 2), reshape=False, order=1)
    elif kind == "contrast":
        images = 0.5 + strength * (images - 0.5)
    elif kind == "noise":
        images = images + np.random.default_rng(seed).normal(0, strength, images.shape)
    elif kind == "blur":
        images = ndimage.gaussian_filter(images, (0, strength, strength))
    elif kind == "inversion":
        images = 1 - images
    elif kind == "permutation":
        order = np.random.default_rng(strength).permutation(64)
        images = images.reshape(-1, 64)[:, order]
    return np.clip(images, 0, 1).reshape(-1, 64)


def load_shifted_digits(shifts=None, *, rows_per_task=None, random_state=0, as_frame=False):
    """Load handwritten digits as domains: ten classes, and a shift of the images for each task.

    The images are assigned to the tasks without overlap, every digit in equal parts.

    Parameters
    ----------
    shifts : dict, optional
        Task name -> None (unchanged), ``"inversion"`` or a pair ``(kind, strength)``:

        - ``("rotation", degrees)``, -180 to 180, counter-clockwise, corners filled with 0;
        - ``("contrast", factor)``, 0 to 1, moves every pixel towards mid-grey: 0.5 + factor *
          (pixel - 0.5);
        - ``("noise", sd)``, 0 to 1, Gaussian, clipped to 0 and 1;
        - ``("blur", sigma)``, 0 to 4 pixels, Gaussian;
        - ``("permutation", seed)``, one reordering of the 64 pixels for all images of the task.

        By default ``{"upright": None, "rotated": ("rotation", 30), "low contrast": ("contrast",
        0.25), "inverted": "inversion"}``.
    rows_per_task : int, optional
        Images of each task; by default all 1797 images are assigned. A smaller number takes
        the first rows of each task.
    random_state : int, RandomState instance or None, default=0
        Assigns the images and draws the noise.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_rows, 65)
        The task, in the order of `shifts`, and 64 pixels from 0 to 1.
    y : ndarray or Series of shape (n_rows,)
        The digit, 0 to 9.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not what is described above.
    ImportError
        If `as_frame` is True and pandas is not installed.

    See Also
    --------
    load_digit_tasks : Other questions, the same kind of images.
    load_cancer_domains : Two domains of measured features.

    Notes
    -----
    The images are scikit-learn's copy of the UCI optical digits, Alpaydin and Kaynak (1998),
    *Cascading classifiers*.

    Taught in :doc:`/chapters/algorithms/what_do_tasks_share`.
    """
    shifts = DEFAULT_SHIFTS if shifts is None else shifts
    if not isinstance(shifts, dict) or not shifts:
        raise ValueError(f"shifts={shifts!r} must be a dict of task name -> shift")
    parsed = [_parse_shift(task, shift) for task, shift in shifts.items()]
    digits = _digits()
    deal_seed, *noise_seeds = spawn_seeds(random_state, 1 + len(shifts))
    hands = _deal_digits(len(shifts), rows_per_task, deal_seed)
    tasks = {
        task: (_shift(digits.images[hand] / 16, *shift, seed), digits.target[hand])
        for task, shift, hand, seed in zip(shifts, parsed, hands, noise_seeds, strict=True)
    }
    return long_table(tasks, digits.feature_names, "digit", as_frame)


def load_digit_angles(*, max_angle=30, rows_per_task=None, random_state=0, as_frame=False):
    """Load rotated handwritten digits as ten regression tasks: by how many degrees?

    Every image is rotated by its own angle, drawn uniformly from -`max_angle` to `max_angle`.
    The tasks are the ten digits: what a rotation does to a four resembles what it does to a
    six, and is not the same.

    Parameters
    ----------
    max_angle : float, default=30
        Largest angle in degrees, above 0, at most 180.
    rows_per_task : int, optional
        Images of each digit, at most 174; by default all there are. A smaller number takes the
        first rows of each task.
    random_state : int, RandomState instance or None, default=0
        Draws the angles and the order of the images.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_rows, 65)
        The task, which is the digit as an integer 0 to 9, and 64 pixels from 0 to 1.
    y : ndarray or Series of shape (n_rows,)
        The angle in degrees, positive counter-clockwise.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not what is described above.
    ImportError
        If `as_frame` is True and pandas is not installed.

    See Also
    --------
    load_digit_tasks : Classification tasks on the same images.
    make_linear_tasks : Regression tasks whose relation is known.

    Notes
    -----
    The images are scikit-learn's copy of the UCI optical digits, Alpaydin and Kaynak (1998),
    *Cascading classifiers*. They are rotated with linear interpolation, corners filled with 0.

    Taught in :doc:`/chapters/background/three_settings`.
    """
    max_angle = float(check_number(max_angle, "max_angle", low=0, high=180, open_low=True))
    digits = _digits()
    _check_rows(rows_per_task, np.bincount(digits.target).min())
    rng = np.random.default_rng(spawn_seeds(random_state, 1)[0])
    angles = rng.uniform(-max_angle, max_angle, len(digits.target))
    order = rng.permutation(len(digits.target))
    tasks = {}
    for digit in range(10):
        rows = order[digits.target[order] == digit][:rows_per_task]
        turned = [_shift(digits.images[[i]] / 16, "rotation", angles[i]) for i in rows]
        tasks[digit] = np.concatenate(turned), angles[rows]
    return long_table(tasks, digits.feature_names, "angle", as_frame)
