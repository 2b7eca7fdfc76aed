"""Simulated tasks whose relation is known."""

import numpy as np

from .._utils._validation import check_choice, check_flag, check_integer, check_number
from ._base import long_table, spawn_seeds

STRUCTURES = ("shared mean", "low rank", "joint support", "clusters", "opposed", "unrelated")


def make_linear_tasks(
    structure="shared mean",
    *,
    n_tasks=20,
    n_samples=25,
    n_features=20,
    noise=1.0,
    spread=0.3,
    random_state=None,
    return_coef=False,
    as_frame=False,
):
    r"""Simulate linear regression tasks whose coefficients are related in a known way.

    Task t has :math:`y_t = X_t w_t + \varepsilon_t` with standard normal features, no intercept
    and normal noise. With every :math:`u` a vector (d,) of independent normal entries of variance
    1/d, :math:`s` the spread and :math:`c = \sqrt{1 + s^2}`, the structures are

    - "shared mean": :math:`w_t = (u_0 + s\,u_t) / c`;
    - "clusters": :math:`w_t = (u_{A} + s\,u_t) / c` for tasks 0, 2, ... and :math:`u_{B}` in place
      of :math:`u_{A}` for tasks 1, 3, ...;
    - "opposed": :math:`w_t = (\pm u_0 + s\,u_t) / c`, plus for tasks 0, 2, ..., else minus;
    - "low rank": :math:`w_t = (a_{t1} u_A + a_{t2} u_B) / \sqrt 2` with standard normal a;
    - "joint support": the same 4 features for all tasks, normal with variance 1/4, the others 0;
    - "unrelated": :math:`w_t = u_t`.

    Parameters
    ----------
    structure : str, default="shared mean"
        One of the six above.
    n_tasks : int, default=20
        Number of tasks, T.
    n_samples : int or sequence of int, default=25
        Rows of every task, or one number per task.
    n_features : int, default=20
        Number of features, d.
    noise : float, default=1.0
        Standard deviation of the noise.
    spread : float, default=0.3
        Standard deviation of the tasks around what they share, :math:`s`, in units of the shared
        part; 0 leaves no difference. Only "shared mean", "clusters" and "opposed" have it.
    random_state : int, RandomState instance or None, default=None
        Draws everything. Each task has its own stream: with the same integer, other tasks and the
        first rows of a task stay as they are when `n_samples` or `n_tasks` grows.
    return_coef : bool, default=False
        Also return the coefficients.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_rows, 1 + d)
        The task, an integer 0 to T - 1, and the features.
    y : ndarray or Series of shape (n_rows,)
        The target.
    W : ndarray of shape (T, d)
        The coefficients, one row per task; only with `return_coef`.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not what is described above.
    ImportError
        If `as_frame` is True and pandas is not installed.

    See Also
    --------
    load_digit_angles : Regression tasks of real images.
    load_diabetes_by_sex : Two small regression tasks of real data.

    Notes
    -----
    Every structure has :math:`E|w_t|^2 = 1` whatever the spread, so the signal has variance 1 on
    average over draws and the signal-to-noise ratio is 1 / noise².
    Taught in :doc:`/chapters/algorithms/what_do_tasks_share`.

    Examples
    --------
    >>> X, y, W = make_linear_tasks(n_tasks=3, n_samples=10, return_coef=True, random_state=0)
    >>> X.shape, y.shape, W.shape
    ((30, 21), (30,), (3, 20))
    """
    check_choice(structure, "structure", STRUCTURES)
    check_flag(return_coef, "return_coef")
    n_tasks = check_integer(n_tasks, "n_tasks")
    least = {"joint support": 4, "low rank": 2}.get(structure, 1)
    n_features = check_integer(n_features, "n_features", low=least)
    noise, spread = (
        float(check_number(value, name, low=0, high=np.inf, open_high=True))
        for name, value in (("noise", noise), ("spread", spread))
    )
    sizes = list(n_samples) if np.iterable(n_samples) else [n_samples] * n_tasks
    if len(sizes) != n_tasks:
        raise ValueError(
            f"n_samples={n_samples!r} must be one number for all tasks or one for each of the "
            f"n_tasks={n_tasks}"
        )
    sizes = [check_integer(n, f"n_samples of task {t}") for t, n in enumerate(sizes)]
    shared_seed, *task_seeds = spawn_seeds(random_state, 1 + n_tasks)
    shared_rng = np.random.default_rng(shared_seed)
    u_a, u_b = shared_rng.normal(0, n_features**-0.5, (2, n_features))
    support = shared_rng.permutation(n_features)[:4]
    tasks, W = {}, np.zeros((n_tasks, n_features))
    for t, (n, seed) in enumerate(zip(sizes, task_seeds, strict=True)):
        coef_rng, feature_rng, noise_rng = map(np.random.default_rng, seed.spawn(3))
        if structure == "low rank":
            W[t] = coef_rng.normal(0, 0.5**0.5, 2) @ [u_a, u_b]
        elif structure == "joint support":
            W[t, support] = coef_rng.normal(0, 0.5, 4)
        else:
            centre = {
                "shared mean": u_a,
                "clusters": (u_a, u_b)[t % 2],
                "opposed": (u_a, -u_a)[t % 2],
            }.get(structure)
            u_t = coef_rng.normal(0, n_features**-0.5, n_features)
            W[t] = u_t if centre is None else (centre + spread * u_t) / (1 + spread**2) ** 0.5
        X_t = feature_rng.normal(size=(n, n_features))
        tasks[t] = X_t, X_t @ W[t] + noise_rng.normal(0, noise, n)
    X, y = long_table(tasks, [f"x{j}" for j in range(n_features)], "y", as_frame)
    return (X, y, W) if return_coef else (X, y)
