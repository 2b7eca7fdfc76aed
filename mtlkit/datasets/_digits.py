"""Handwritten digits made into tasks: by question, by shift of the image, by angle."""

import numpy as np
from scipy import ndimage
from sklearn.datasets import load_digits

from ._base import check_number, long_table, spawn_seeds

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

# kind of shift: lowest strength, highest strength, in words
SHIFT_RANGES = {
    "rotation": (-180, 180, "degrees, counter-clockwise"),
    "contrast": (0, 1, "factor on the distance from mid-grey"),
    "noise": (0, 1, "standard deviation"),
    "blur": (0, 4, "standard deviation in pixels"),
    "permutation": (0, 2**32 - 1, "integer seed of the permutation"),
    "inversion": None,
}


def _deal_digits(n_tasks, rows_per_task, seed):
    """Deal the digit images to tasks: one array of image numbers a task, no image twice.

    Rows come in rounds that hold every digit once, so the first rows are balanced too.
    """
    target = load_digits().target
    largest = len(target) // n_tasks
    if rows_per_task is not None:
        check_number("rows_per_task", rows_per_task, 1, integer=True)
        if rows_per_task > largest:
            raise ValueError(
                f"rows_per_task is {rows_per_task}; {len(target)} images dealt to {n_tasks} "
                f"tasks without overlap leave at most {largest} for each."
            )
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
    questions=("even", "at least five", "has a loop", "prime", "multiple of three"),
    *,
    rows_per_task=None,
    random_state=0,
    as_frame=False,
):
    """Load handwritten digits as binary tasks: each asks one question about its own images.

    The images are dealt to the tasks without overlap, every digit in equal parts, so no image
    occurs in two tasks.

    Parameters
    ----------
    questions : sequence of str
        One task per question: "even", "at least five", "has a loop" (0, 6, 8, 9), "prime" or
        "multiple of three" (0, 3, 6, 9).
    rows_per_task : int, optional
        Images of each task; by default all 1797 images are dealt. A smaller number takes the
        first rows of each task.
    random_state : int or None, default=0
        Seed of the deal.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_rows, 65)
        The task, in the order of `questions`, and 64 pixels from 0 to 1.
    y : ndarray or Series of shape (n_rows,)
        1 where the answer is yes, 0 where it is no.

    Notes
    -----
    The images are scikit-learn's copy of the UCI optical digits, Alpaydin and Kaynak (1998),
    *Cascading classifiers*.
    """
    questions = list(questions)
    unknown = [question for question in questions if question not in QUESTIONS]
    if unknown:
        raise ValueError(f"questions has {unknown[0]!r}; the known ones are {list(QUESTIONS)}.")
    if not questions or len(set(questions)) < len(questions):
        raise ValueError(f"questions is {questions!r}; give at least one, and each once.")
    digits = load_digits()
    hands = _deal_digits(len(questions), rows_per_task, spawn_seeds(random_state, 1)[0])
    tasks = {
        question: (
            digits.data[hand] / 16,
            np.isin(digits.target[hand], QUESTIONS[question]).astype(int),
        )
        for question, hand in zip(questions, hands, strict=True)
    }
    return long_table(tasks, digits.feature_names, "answer", as_frame)


def _parse_shift(task, shift):
    """Return (kind, strength) of one value of `shifts`, checked."""
    if shift is None:
        return None, None
    if isinstance(shift, str):
        shift = (shift, None)
    if not isinstance(shift, tuple) or len(shift) != 2 or shift[0] not in list(SHIFT_RANGES):
        raise ValueError(
            f"shifts[{task!r}] is {shift!r}; give None, 'inversion' or a pair (kind, strength) "
            f"with kind one of {[kind for kind in SHIFT_RANGES if kind != 'inversion']}."
        )
    kind, strength = shift
    if kind == "inversion" and strength is not None:
        raise ValueError(f"shifts[{task!r}] is {shift!r}; inversion takes no strength.")
    if kind != "inversion":
        low, high, meaning = SHIFT_RANGES[kind]
        check_number(
            f"shifts[{task!r}], {kind} ({meaning}),",
            strength,
            low,
            high,
            integer=kind == "permutation",
        )
    return kind, strength


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
    """Load handwritten digits as tasks with the same ten classes, each seen under its own shift.

    The images are dealt to the tasks without overlap, every digit in equal parts.

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
        Images of each task; by default all 1797 images are dealt. A smaller number takes the
        first rows of each task.
    random_state : int or None, default=0
        Seed of the deal and of the noise.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_rows, 65)
        The task, in the order of `shifts`, and 64 pixels from 0 to 1.
    y : ndarray or Series of shape (n_rows,)
        The digit, 0 to 9.

    Notes
    -----
    The images are scikit-learn's copy of the UCI optical digits, Alpaydin and Kaynak (1998),
    *Cascading classifiers*.
    """
    shifts = DEFAULT_SHIFTS if shifts is None else shifts
    if not isinstance(shifts, dict) or not shifts:
        raise ValueError(f"shifts is {shifts!r}; give a dict of task name -> shift.")
    parsed = [_parse_shift(task, shift) for task, shift in shifts.items()]
    digits = load_digits()
    deal_seed, *noise_seeds = spawn_seeds(random_state, 1 + len(shifts))
    hands = _deal_digits(len(shifts), rows_per_task, deal_seed)
    tasks = {
        task: (_shift(digits.images[hand] / 16, *shift, seed), digits.target[hand])
        for task, shift, hand, seed in zip(shifts, parsed, hands, noise_seeds, strict=True)
    }
    return long_table(tasks, digits.feature_names, "digit", as_frame)


def load_digit_angles(*, max_angle=30, rows_per_task=None, random_state=0, as_frame=False):
    """Load turned handwritten digits as ten regression tasks: by how many degrees?

    Every image is turned by its own angle, drawn uniformly from -`max_angle` to `max_angle`.
    The tasks are the ten digits: what a turn does to a four resembles what it does to a six, and
    is not the same.

    Parameters
    ----------
    max_angle : float, default=30
        Largest angle in degrees, above 0, at most 180.
    rows_per_task : int, optional
        Images of each digit, at most 174; by default all there are. A smaller number takes the
        first rows of each task.
    random_state : int or None, default=0
        Seed of the angles and of the order of the images.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_rows, 65)
        The task, which is the digit as an integer 0 to 9, and 64 pixels from 0 to 1.
    y : ndarray or Series of shape (n_rows,)
        The angle in degrees, positive counter-clockwise.

    Notes
    -----
    The images are scikit-learn's copy of the UCI optical digits, Alpaydin and Kaynak (1998),
    *Cascading classifiers*. They are turned with linear interpolation, corners filled with 0.
    """
    if check_number("max_angle", max_angle, 0, 180) == 0:
        raise ValueError("max_angle is 0, so no image would be turned; give a larger angle.")
    digits = load_digits()
    if rows_per_task is not None:
        largest = int(np.bincount(digits.target).min())
        check_number("rows_per_task", rows_per_task, 1, largest, integer=True)
    rng = np.random.default_rng(spawn_seeds(random_state, 1)[0])
    angles = rng.uniform(-max_angle, max_angle, len(digits.target))
    order = rng.permutation(len(digits.target))
    tasks = {}
    for digit in range(10):
        rows = order[digits.target[order] == digit][:rows_per_task]
        turned = [_shift(digits.images[[i]] / 16, "rotation", angles[i]) for i in rows]
        tasks[digit] = np.concatenate(turned), angles[rows]
    return long_table(tasks, digits.feature_names, "angle", as_frame)
