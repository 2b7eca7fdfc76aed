"""Awkward tables, what each must lead to, and the judge: for tests/test_awkward_tables.py.

A cell of the matrix is one subject (an estimator, a splitter, a function that takes a table) on one
kind of table. It is RIGHT if the outcome equals that of a twin, the plain float64 table that means
the same; CLEAR if the package, scikit-learn or narwhals raises a ValueError, TypeError or
NotFittedError on purpose and the message names the value, the column, the task or the parameter.
FINE: there is no twin, and all numbers are finite. Everything else is a fault.
"""

import dis
import signal
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

RIGHT, CLEAR, FINE = "right", "clear error", "finite"
FAULTS = UNCLEAR, WRONG, REFUSED, WARNING, HANG = (
    "unclear error",
    "silently wrong",
    "refused though right is possible",
    "NumPy warning",
    "endless",
)
CPU_SECONDS = 30  # of one cell, which takes milliseconds: only an endless loop gets there


@dataclass
class Case:
    """One awkward table, and what must come of it.

    `must` is "right" (the outcome of the twin), "refuse" (an error that holds one of the words
    `says`) or "either". `probe` is the table to predict for, if not X; `act` is done with the
    fitted estimator instead of predicting; `only` says which subjects the kind is about.
    """

    X: object
    y: object
    task_col: object = 0
    tasks: tuple = (0, 1, 2)
    labels: tuple | None = None
    must: str = "right"
    says: tuple = ()
    weight: object = None
    probe: object = None
    act: object = None
    twin: object = None
    only: object = None
    tol: float = 0.0


@dataclass
class Base:
    """45 rows of three tasks; features are whole numbers from -8 to 8, exact in every dtype."""

    sort: str
    F: np.ndarray = field(init=False)
    task: np.ndarray = field(init=False)
    y: np.ndarray = field(init=False)
    plain: Case = field(init=False)

    def __post_init__(self):
        rng = np.random.default_rng(3)
        self.task = rng.permutation(np.repeat([0, 1, 2], (12, 15, 18)))
        self.F = rng.integers(-8, 9, size=(45, 3)).astype(float)
        signal = self.F @ [1.0, -0.5, 0.25] + self.task + rng.normal(size=45)
        self.y = np.round(4 * signal) / 4
        if self.sort == "classifier":  # each of three classes in each task, in every fold of two
            for t in range(3):
                own = np.flatnonzero(self.task == t)
                self.y[own[np.argsort(signal[own])]] = np.arange(len(own)) * 3 // len(own)
            self.y = self.y.astype(int)
        self.plain = Case(self.array, self.y)

    @property
    def array(self):
        return np.column_stack([self.task, self.F])

    @property
    def frame(self):
        frame = pd.DataFrame(self.F.copy(), columns=["a", "b", "c"])
        frame.insert(0, "shop", np.array(["t0", "t1", "t2"])[self.task])
        return frame

    def case(self, X=None, y=None, **more):
        """Arrays have the task in column 0, frames in "shop"; the twin is the float64 array."""
        X = self.array if X is None else X
        y = self.y if y is None else y
        if "task_col" not in more and hasattr(X, "columns"):
            more |= {"task_col": "shop", "tasks": more.get("tasks", ("t0", "t1", "t2"))}
        if "twin" not in more and more.get("must", "right") != "refuse":
            more["twin"] = self.plain
        return Case(X, y, **more)

    def refused(self, *says, X=None, y=None, **more):
        return self.case(X, y, must="refuse", says=says, **more)


# What a subject gives back


def flat(outcome):
    """An outcome as a list of float arrays; names of classes and tasks by their position."""
    if isinstance(outcome, (list, tuple)):
        return [part for item in outcome for part in flat(item)]
    return [np.asarray(outcome, dtype=float)]


def positions(values, names):
    """Positions of values among names, by equality and sort; -9 for what is none of them."""
    names = list(names)
    if not isinstance(values, list):  # NumPy would cut the NUL of a word and spread a tuple
        values = values.to_list() if hasattr(values, "to_list") else np.asarray(values).tolist()
    return [names.index(value) if value in names else -9 for value in values]


def same(a, b, tol):
    a, b = flat(a), flat(b)
    if len(a) != len(b):
        return False
    return all(
        p.shape == q.shape and np.allclose(p, q, rtol=tol, atol=tol, equal_nan=True)
        for p, q in zip(a, b, strict=True)
    )


# The judge


class EndlessError(BaseException):
    pass


@contextmanager
def cpu_guard():
    def stop(*_):
        raise EndlessError

    if not hasattr(signal, "setitimer"):  # Windows
        yield
        return
    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def on_purpose(error):
    """True if a `raise` of mtlkit, scikit-learn or narwhals made the error."""
    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    file = code.co_filename.replace("\\", "/")
    owner = any(f"/{name}/" in file for name in ("mtlkit", "sklearn", "narwhals"))
    return owner and code.co_code[trace.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def text_of(error):
    return " ".join([str(error), *getattr(error, "__notes__", [])])


def is_clear(error, says):
    if not isinstance(error, (ValueError, TypeError)) or not on_purpose(error):
        return False
    text = text_of(error).lower()
    return not says or any(word.lower() in text for word in says)


def attempt(run, case):
    """The outcome or the error, and the text of a RuntimeWarning."""
    with warnings.catch_warnings(record=True) as caught, cpu_guard():
        warnings.simplefilter("always")
        try:
            outcome, error = run(case), None
        except EndlessError as endless:
            outcome, error = None, endless
        except Exception as raised:
            outcome, error = None, raised
    bad = [
        f"{w.filename.split('/')[-1]}:{w.lineno} {w.message}"
        for w in caught
        if issubclass(w.category, RuntimeWarning)
    ]
    return outcome, error, bad[:1]


def judge(run, case, tol, oracle=None):
    """A verdict, and what shows it."""
    outcome, error, warned = attempt(run, case)
    if isinstance(error, EndlessError):
        return HANG, f"more than {CPU_SECONDS} s of CPU time"
    if error is not None:
        trace = error.__traceback__
        while trace.tb_next:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_filename.split('/')[-1]}:{trace.tb_lineno}"
        note = f"{type(error).__name__} at {where}: {text_of(error)[:150]}"
        if not is_clear(error, case.says):
            return UNCLEAR, note
        if warned:
            return WARNING, f"{warned[0]}, then {note}"
        return (REFUSED, note) if case.must == "right" else (CLEAR, note)
    if case.must == "refuse":
        return WRONG, "accepted"
    if warned:
        return WARNING, warned[0]
    if case.twin is None:
        finite = all(np.isfinite(part).all() for part in flat(outcome))
        return (FINE, "") if finite else (WRONG, "NaN or infinity came out")
    expected, error, _ = oracle or attempt(run, case.twin)
    if error is not None:
        return WRONG, f"accepted, but the twin raises {error!r}"[:150]
    if same(outcome, expected, max(tol, case.tol)):
        return RIGHT, ""
    return WRONG, "differs from the twin: " + gap(outcome, expected)


def gap(outcome, expected):
    a, b = flat(outcome), flat(expected)
    if [p.shape for p in a] != [q.shape for q in b]:
        return f"shapes {[p.shape for p in a]} for {[q.shape for q in b]}"
    return f"by {max(np.abs(p - q).max(initial=0) for p, q in zip(a, b, strict=True)):g}"
