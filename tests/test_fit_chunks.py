"""Fits from files, chunk by chunk: held against one fit in memory, also after a kill."""

import os
import pickle
import signal
import subprocess
import sys
import time
from decimal import Decimal
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import Ridge

from mtlkit import neural
from mtlkit.baselines import PerTask, Pooled
from mtlkit.datasets import make_linear_tasks
from mtlkit.linear import (
    EmpiricalBayesRidge,
    LearnedRelations,
    MeanRegularizedRidge,
    MultiTaskLinearRegression,
    MultiTaskLogisticRegression,
    TaskMoments,
)
from mtlkit.neural import MultiTaskMLPClassifier, MultiTaskMLPRegressor
from mtlkit.scale import fit_chunks
from mtlkit.scale._state import SAFE, fitted_bytes, load, restore_fitted
from mtlkit.transfer import BiasedRidge
from tests._problems import tolerance

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
csv, ds, pq = (pytest.importorskip(f"pyarrow.{name}") for name in ("csv", "dataset", "parquet"))

NAMES = ["a", "b", "c"]
MODELS = [
    MeanRegularizedRidge(coupling=3.0, task_col="shop"),
    EmpiricalBayesRidge("all", task_col="shop"),
    MultiTaskLinearRegression(LearnedRelations(), task_col="shop", tol=1e-13),
    BiasedRidge([0, 1], alpha=5.0, task_col="shop"),
    PerTask(Ridge(), task_col="shop"),
    Pooled(Ridge(), task_col="shop"),
    MeanRegularizedRidge(),
]


def rows(n=90, mean=0.0, seed=0):
    """A table of four shops in random order, with `y` and a weight of zero here and there."""
    X, y = make_linear_tasks("shared mean", n_tasks=4, n_samples=n, n_features=3, random_state=seed)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    columns = dict(zip(NAMES, X[order, 1:].T + mean, strict=True))
    weight = rng.integers(0, 3, len(y))
    shop = X[order, 0].astype(int)
    return pa.table({"shop": shop, **columns, "y": y[order] + mean, "w": weight})


def ridge(**parameters):
    return MeanRegularizedRidge(task_col="shop", **parameters)


def written(table, path):
    (csv.write_csv if path.suffix == ".csv" else pq.write_table)(table, path)
    return path


def in_memory(model, table, weight=None):
    names = NAMES if model.task_col is None else ["shop", *NAMES]
    y = table["y"].to_numpy()
    return clone(model).fit(
        table.select(names), y, **({} if weight is None else {"sample_weight": weight})
    )


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_it_is_one_fit(model, kind, tmp_path):
    table = rows()
    path = written(table, tmp_path / f"rows.{kind}")
    found = fit_chunks(clone(model), path, target="y", features=NAMES, chunk_rows=50)
    whole, X = in_memory(model, table), table.select(found.feature_names_in_.tolist())
    near = tolerance(model)
    assert_allclose(found.predict(X), whole.predict(X), rtol=near, atol=near)
    assert vars(found).keys() - {"moments_"} <= vars(whole).keys() | {"_seen"}
    assert found.feature_names_in_.tolist() == whole.feature_names_in_.tolist()
    assert found.n_features_in_ == whole.n_features_in_


@pytest.mark.parametrize("mean", [0.0, 1e6, 1e9])
def test_large_means_lose_no_digits(mean, tmp_path):
    path = written(rows(mean=mean), tmp_path / "rows.parquet")
    model = ridge(couple_intercept=False)
    found = fit_chunks(model, path, target="y", features=NAMES, chunk_rows=7).coef_
    table = rows(mean=mean)
    exact = pa.table(
        {
            name: table[name].to_numpy() - (mean if name in [*NAMES, "y"] else 0)
            for name in table.column_names
        }
    )
    assert_allclose(found, in_memory(model, exact).coef_, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mean", [1e6, 1e9])
def test_partial_fit_loses_no_digits_at_large_means(mean):
    X, y = make_linear_tasks(n_tasks=3, n_samples=400, n_features=2, random_state=0)
    shift = np.array([0, mean, -3 * mean])
    far = X + shift  # rounds the features, so compare with what is left of them
    model = MeanRegularizedRidge(task_col=0, couple_intercept=False)
    whole = clone(model).fit(far - shift, y).coef_
    order = np.random.default_rng(0).permutation(len(y))
    for part in np.array_split(order, 40):
        model.partial_fit(far[part], y[part])
    assert_allclose(model.coef_, whole, rtol=1e-10, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    chunk_rows=st.integers(1, 400),
    groups=st.integers(1, 400),
    kind=st.sampled_from(["parquet", "csv"]),
)
def test_any_size_of_chunks(chunk_rows, groups, kind, tmp_path_factory):
    table, path = rows(), tmp_path_factory.mktemp("rows") / f"rows.{kind}"
    if kind == "csv":
        csv.write_csv(table, path)
    else:
        pq.write_table(table, path, row_group_size=groups)
    found = fit_chunks(ridge(), path, target="y", features=NAMES, chunk_rows=chunk_rows)
    assert_allclose(found.coef_, in_memory(ridge(), table).coef_, rtol=1e-11, atol=1e-12)
    assert_array_equal(found.moments_.n, np.bincount(table["shop"].to_numpy()))


@pytest.mark.parametrize("chunk_rows", [1, 2, 10, 120, 241, 1000])
def test_csv_and_parquet_have_the_same_bits(chunk_rows, tmp_path):
    table = rows()
    files = [written(table, tmp_path / f"rows.{kind}") for kind in ("parquet", "csv")]
    one, other = (fit_chunks(ridge(), f, target="y", chunk_rows=chunk_rows) for f in files)
    assert_array_equal(one.coef_, other.coef_)


def test_sizes_of_chunks(tmp_path):
    path, seen = written(rows(), tmp_path / "rows.parquet"), []
    from_codes = TaskMoments._from_codes
    with patch.object(TaskMoments, "_from_codes", side_effect=from_codes) as made:
        for chunk_rows in (100, 240, 241, 360):
            made.reset_mock()
            fit_chunks(ridge(), path, target="y", chunk_rows=chunk_rows)
            seen.append([len(call.args[1]) for call in made.call_args_list])
    assert seen == [[100, 100, 100, 60], [240, 120], [360], [360]]


# What files hold --------------------------------------------------------------------------------


def test_a_list_and_a_folder_are_read_in_order(tmp_path):
    table = rows()
    for k in range(3):
        written(table[120 * k : 120 * (k + 1)], tmp_path / f"part-{k}.parquet")
    (tmp_path / "_SUCCESS").write_text("")
    whole = written(table, tmp_path.parent / "whole.parquet")
    paths = sorted(tmp_path.glob("*.parquet"))
    wanted = fit_chunks(ridge(), whole, target="y", chunk_rows=37).coef_
    for source in (tmp_path, str(tmp_path), paths, [str(p) for p in paths], ds.dataset(paths[:])):
        found = fit_chunks(ridge(), source, target="y", chunk_rows=37)
        assert_array_equal(found.coef_, wanted)


def test_the_task_in_the_names_of_folders(tmp_path):
    table = rows()
    for shop in range(4):
        folder = tmp_path / f"shop={shop}"
        folder.mkdir()
        own = table.filter(pa.array(table["shop"].to_numpy() == shop))
        written(own.drop_columns("shop"), folder / "rows.parquet")
    found = fit_chunks(ridge(), tmp_path, target="y", features=NAMES, chunk_rows=50)
    assert found.tasks_.tolist() == [0, 1, 2, 3]
    assert_allclose(found.coef_, in_memory(ridge(), table).coef_, rtol=1e-10)


def test_types_of_columns(tmp_path):
    table = rows()
    shop = pa.array([f"shop {t}" for t in table["shop"].to_pylist()])
    whole_numbers = np.round(table["a"].to_numpy() * 10).astype(int)
    positive = table["b"].to_numpy() > 0
    columns = {
        "shop": shop,
        "a": pa.array(whole_numbers, pa.int16()).dictionary_encode(),
        "b": pa.array(positive),
        "c": pa.array([Decimal(round(c * 100)) / 100 for c in table["c"].to_pylist()]),
        "y": pa.array(table["y"].to_numpy().astype(np.float32)),
    }
    plain = pa.table(
        columns
        | {"a": whole_numbers.astype(float), "b": positive.astype(float)}
        | {"c": [float(c) for c in columns["c"].to_pylist()]}
    )
    whole = in_memory(ridge(), plain)
    for encoded in (shop, shop.dictionary_encode(), shop.cast(pa.large_string())):
        path = written(pa.table(columns | {"shop": encoded}), tmp_path / "rows.parquet")
        found = fit_chunks(ridge(), path, target="y", chunk_rows=50)
        assert found.tasks_.tolist() == [f"shop {t}" for t in range(4)]
        assert_allclose(found.coef_, whole.coef_, rtol=1e-10)


def test_dictionaries_that_differ_between_files(tmp_path):
    table = rows()
    shop = pa.array([f"shop {t}" for t in table["shop"].to_pylist()])
    for k, part in enumerate([slice(0, 200), slice(200, 360)]):
        own = pa.array(shop.to_pylist()[part][::-1]).dictionary_encode()
        rest = table.select([*NAMES, "y"])[part.start : part.stop].to_pydict()
        rest = {name: values[::-1] for name, values in rest.items()}
        written(pa.table({"shop": own} | rest), tmp_path / f"{k}.parquet")
    found = fit_chunks(ridge(), tmp_path, target="y", chunk_rows=30)
    assert_allclose(found.coef_, in_memory(ridge(), table).coef_, rtol=1e-10)


def test_integers_beyond_floats_stay_apart(tmp_path):
    table = rows()
    shop = table["shop"].to_numpy() + 2**62
    table = table.set_column(0, "shop", pa.array(shop))
    for kind in ("parquet", "csv"):
        path = written(table, tmp_path / f"rows.{kind}")
        found = fit_chunks(ridge(), path, target="y", features=NAMES, chunk_rows=50)
        assert found.tasks_.tolist() == [2**62 + k for k in range(4)]
    path.write_text(path.read_text().replace(str(2**62)[:-1], str(2**65)[:-1]))
    with pytest.raises(ValueError, match=r"column 'shop' holds .* of that size are read inexactly"):
        fit_chunks(ridge(), path, target="y", features=NAMES)


def test_whole_numbers_in_the_first_rows_of_a_csv(tmp_path):
    n = 200_000  # more than pyarrow looks at for types
    table = pa.table({"shop": np.arange(n) % 3, "a": np.arange(n) % 7, "y": np.arange(n) % 5})
    path = written(table, tmp_path / "rows.csv")
    with path.open("a") as file:
        file.write("0,1.5,2.5\n1,,0\n" * 1)
    with pytest.raises(ValueError, match="column 'a' of task 1 has no value"):
        fit_chunks(ridge(), path, target="y")
    text = path.read_text().removesuffix("1,,0\n")
    path.write_text(text)
    found = fit_chunks(ridge(), path, target="y")
    assert found.moments_.n.sum() == n + 1
    path.write_text(text + "x,1,1\n")
    with pytest.raises(ValueError, match=r"invalid value 'x'.*give a dataset of pyarrow"):
        fit_chunks(ridge(), path, target="y")


def test_rows_without_a_target_and_of_weight_zero(tmp_path):
    table = rows()
    y = table["y"].to_pylist()
    y[:100] = [None] * 100  # chunks without any label
    y[130] = float("nan")
    table = table.set_column(4, "y", pa.array(y))
    path = written(table, tmp_path / "rows.parquet")
    weight = table["w"].to_numpy().astype(float)
    for chunk_rows in (20, 1000):
        found = fit_chunks(
            ridge(), path, target="y", sample_weight="w", features=NAMES, chunk_rows=chunk_rows
        )
        whole = in_memory(ridge(), table, weight)
        assert_allclose(found.coef_, whole.coef_, rtol=1e-10)


def test_a_task_without_a_label_is_named(tmp_path):
    table = rows()
    y = np.where(table["shop"].to_numpy() == 2, np.nan, table["y"].to_numpy())
    path = written(table.set_column(4, "y", pa.array(y)), tmp_path / "rows.parquet")
    model = MultiTaskLinearRegression(LearnedRelations(), task_col="shop")
    fit_chunks(model, path, target="y", features=NAMES, chunk_rows=90)
    with pytest.raises(ValueError, match=r"tasks \[2\] were in the table in fit, but none"):
        model.predict(table.select(["shop", *NAMES]))


# Interrupted -------------------------------------------------------------------------------------

CHILD = """
import os, sys, time
from pathlib import Path
from mtlkit.linear import MeanRegularizedRidge
from mtlkit.neural import MultiTaskMLPRegressor
from mtlkit.scale import _chunks, _state, fit_chunks

folder, kind, where, times = Path(sys.argv[1]), *sys.argv[2:4], int(sys.argv[4])
place, name = (_chunks, "save") if where == "after" else (_state.os, "replace")
real, calls = getattr(place, name), []


def stopping(*arguments):
    calls.append(1)
    if where == "after":
        real(*arguments)
    if len(calls) == times:
        (folder / "marker").write_text("")
        time.sleep(600)
    if where != "after":
        real(*arguments)


setattr(place, name, stopping)
model = MeanRegularizedRidge(task_col="shop")
if kind == "network":
    model = MultiTaskMLPRegressor(task_col="shop", random_state=0)
fit_chunks(model, folder / "rows.parquet", target="y", state=folder / "state", save_every=2,
           chunk_rows=SIZE, passes=PASSES)
"""


def kill_in_the_middle(folder, kind, where, times, size, passes):
    """Start a fit in another process, and kill it once it has come so far."""
    code = CHILD.replace("SIZE", str(size)).replace("PASSES", str(passes))
    arguments = [sys.executable, "-c", code, str(folder), kind, where, str(times)]
    child, end = subprocess.Popen(arguments), time.monotonic() + 120
    try:
        while not (folder / "marker").exists() and time.monotonic() < end:
            assert child.poll() is None, "it ended by itself"
            time.sleep(0.02)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert (folder / "marker").exists()
    (folder / "marker").unlink()


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is of POSIX")
@pytest.mark.parametrize(
    "kind, where, times", [("ridge", "after", 3), ("ridge", "before", 2), ("network", "after", 3)]
)
def test_a_kill_loses_nothing(kind, where, times, tmp_path):
    path = written(rows(), tmp_path / "rows.parquet")
    make, size, passes = {
        "ridge": (ridge, 20, 1),
        "network": (lambda: MultiTaskMLPRegressor(task_col="shop", random_state=0), 90, 2),
    }[kind]
    kill_in_the_middle(tmp_path, kind, where, times, size, passes)
    state = tmp_path / "state"
    assert state.exists() == (where == "after" or times > 1)
    how = {"target": "y", "chunk_rows": size, "passes": passes}
    found = fit_chunks(make(), path, state=state, save_every=2, **how)
    never = fit_chunks(make(), path, **how)
    X = rows().select(found.feature_names_in_.tolist())
    assert_array_equal(found.predict(X), never.predict(X))
    assert not state.exists()


def interrupted(model, source, chunks, **how):
    """A fit in which the user presses Ctrl-C when moments are added for the n-th time."""
    absorb, calls = TaskMoments._absorb, []

    def stopping(total, other):
        calls.append(1)
        if len(calls) == chunks:
            raise KeyboardInterrupt
        return absorb(total, other)

    with patch.object(TaskMoments, "_absorb", stopping), pytest.raises(KeyboardInterrupt):
        fit_chunks(model, source, target="y", chunk_rows=20, save_every=3, **how)


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("chunks", [1, 4, 9])
def test_an_interrupt_loses_nothing(model, chunks, tmp_path):
    path, state = written(rows(), tmp_path / "rows.csv"), tmp_path / "state"
    model = clone(model)
    how = {"features": NAMES, "state": str(state)}
    interrupted(model, path, chunks, **how)
    assert state.exists() == (chunks > 2)
    with patch.object(TaskMoments, "_from_codes", side_effect=TaskMoments._from_codes) as made:
        found = fit_chunks(model, path, target="y", chunk_rows=20, save_every=3, **how)
    assert made.call_count == 18 - chunks // 3 * 3  # no chunk is read twice that was saved
    whole = fit_chunks(clone(model), path, target="y", features=NAMES, chunk_rows=20)
    X = rows().select(found.feature_names_in_.tolist())
    assert_array_equal(found.predict(X), whole.predict(X))
    assert os.listdir(tmp_path) == ["rows.csv"]


@pytest.mark.parametrize("source", ["files", "table"])
def test_words_and_what_was_not_labelled_survive(source, tmp_path):
    table = rows()
    shop = np.array([f"shop {t}" for t in table["shop"].to_pylist()])
    y = np.where(shop == "shop 2", np.nan, table["y"].to_numpy())
    table = table.set_column(0, "shop", pa.array(shop)).set_column(4, "y", pa.array(y))
    data = ds.dataset(table) if source == "table" else written(table, tmp_path / "rows.csv")
    model = MultiTaskLinearRegression(LearnedRelations(), task_col="shop")
    interrupted(model, data, 10, features=NAMES, state=tmp_path / "state")
    how = {"target": "y", "features": NAMES, "chunk_rows": 20, "save_every": 3}
    fit_chunks(model, data, state=tmp_path / "state", **how)
    assert_array_equal(model.coef_, fit_chunks(clone(model), data, **how).coef_)
    with pytest.raises(ValueError, match=r"tasks \['shop 2'\] were in the table in fit, but none"):
        model.predict(table.select(["shop", *NAMES]))


def test_tasks_of_other_types_are_not_saved(tmp_path):
    table = rows()
    shop = pa.array([Decimal(t) for t in table["shop"].to_pylist()])
    path = written(table.set_column(0, "shop", shop), tmp_path / "rows.parquet")
    how = {"target": "y", "features": NAMES, "chunk_rows": 50}
    assert len(fit_chunks(ridge(), path, **how).tasks_) == 4
    with pytest.raises(ValueError, match="neither numbers nor strings cannot be saved: cast"):
        fit_chunks(ridge(), path, state=tmp_path / "state", **how)


OTHER = {
    "parameter alpha": lambda path: {"alpha": 2.0},
    "parameter task_weight": lambda path: {"task_weight": "tasks"},
    "chunk_rows": lambda path: {"chunk_rows": 21},
    "columns": lambda path: {"features": NAMES[:2]},
    "files": lambda path: path.write_bytes(path.read_bytes() + b"0,1,1,1,1,1\n") and {},
    "mtlkit": lambda path: {},
    "estimator": lambda path: {"model": EmpiricalBayesRidge(task_col="shop")},
}


@pytest.mark.parametrize("what", OTHER)
def test_a_state_of_something_else_is_refused(what, tmp_path):
    path, state = written(rows(), tmp_path / "rows.csv"), tmp_path / "state"
    interrupted(ridge(), path, 5, features=NAMES, state=state)
    changed = {"chunk_rows": 20, "features": NAMES} | OTHER[what](path)
    model = changed.pop("model", None) or ridge(
        **{name: changed.pop(name) for name in ("alpha", "task_weight") if name in changed}
    )
    before = state.read_bytes()
    with (
        patch("mtlkit.scale._chunks.version", return_value="9.9" if what == "mtlkit" else "0.1.0"),
        pytest.raises(ValueError, match=rf"state '.*state' was saved with other \['{what}'"),
    ):
        fit_chunks(model, path, target="y", save_every=3, state=state, **changed)
    assert state.read_bytes() == before


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text", "other arrays", "pickled"])
def test_a_damaged_state_is_named(damage, tmp_path):
    path, state = written(rows(), tmp_path / "rows.csv"), tmp_path / "state"
    interrupted(ridge(), path, 5, features=NAMES, state=state)
    whole = state.read_bytes()
    with np.load(state) as file:
        at = whole.index(file["Sxx"].tobytes()) + 5
    kinds = {
        "empty": b"",
        "cut": whole[:at],
        "flipped": whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :],
        "text": b"no state at all",
    }
    state.write_bytes(kinds.get(damage, b""))
    if damage == "other arrays":
        with state.open("wb") as file:
            np.savez(file, n=np.ones(3))
    if damage == "pickled":
        with state.open("wb") as file:
            np.savez(file, description=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"state '.*state' is damaged or not a state .*delete it"):
        fit_chunks(ridge(), path, target="y", features=NAMES, chunk_rows=20, state=state)


class Evil:
    def __reduce__(self):
        return os.system, ("exit 1",)


def test_a_state_runs_no_code(tmp_path):
    path, state = written(rows(), tmp_path / "rows.parquet"), tmp_path / "state"
    network = MultiTaskMLPRegressor(task_col="shop", random_state=0)
    how = {"target": "y", "chunk_rows": 90, "state": state, "save_every": 1}
    with (
        patch("mtlkit.scale._chunks.Steps.finish", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        fit_chunks(network, path, **how)
    with np.load(state) as file:
        arrays = dict(file)
    arrays["fitted"] = np.frombuffer(pickle.dumps({"network_": Evil()}), np.uint8)
    with state.open("wb") as file:
        np.savez(file, **arrays)
    with pytest.raises(ValueError, match=r"is damaged or not a state \(it holds .*system"):
        fit_chunks(network, path, **how)


class Halves(neural.Weighting):
    """One of a user's own."""

    def weights(self, losses, gram):
        return self.base_ / 2


WEIGHTINGS = [
    getattr(neural, name)()
    for name in neural.__all__
    if name != "Weighting" and issubclass(getattr(neural, name), neural.Weighting)
]
WEIGHTINGS += [None, Halves()]


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("weighting", WEIGHTINGS, ids=repr)
def test_every_network_comes_back_as_it_was(weighting, solver):
    X, y = rows().select(["shop", *NAMES]), rows()["y"].to_numpy()
    settings = {"weighting": weighting, "solver": solver, "task_col": "shop", "random_state": 0}
    one, other = (
        MultiTaskMLPRegressor(**settings).partial_fit(X, y),
        MultiTaskMLPRegressor(**settings),
    )
    restore_fitted(other, fitted_bytes(one))
    for network in (one, other):
        network.partial_fit(X, y)
    assert_array_equal(one.predict(X), other.predict(X))


def test_what_may_be_loaded_is_there():
    for module, name in SAFE:
        assert hasattr(sys.modules.get(module) or __import__(module, fromlist=[name]), name)


def test_a_failed_solution_keeps_the_sum(tmp_path):
    path, state = written(rows(), tmp_path / "rows.csv"), tmp_path / "state"
    how = {"target": "y", "features": NAMES, "chunk_rows": 50, "state": state}
    with pytest.raises(ValueError, match="alpha=-1"):
        fit_chunks(ridge(alpha=-1), path, **how)
    with patch.object(TaskMoments, "_from_codes", side_effect=AssertionError("rows are read")):
        found = fit_chunks(ridge(alpha=2.0), path, **how)
    assert_allclose(found.coef_, in_memory(ridge(alpha=2.0), rows()).coef_, rtol=1e-10)
    assert not state.exists()


# Networks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("passes", [1, 3])
def test_a_network_takes_the_steps_of_partial_fit(passes, tmp_path):
    table = rows()
    path = written(table, tmp_path / "rows.parquet")
    found = fit_chunks(
        MultiTaskMLPRegressor(task_col="shop", random_state=0),
        path, target="y", features=NAMES, sample_weight="w", chunk_rows=100, passes=passes,
    )  # fmt: skip
    by_hand = MultiTaskMLPRegressor(task_col="shop", random_state=0)
    X, y, weight = table.select(["shop", *NAMES]), table["y"].to_numpy(), table["w"].to_numpy()
    for _ in range(passes):
        for start, stop in [(0, 100), (100, 200), (200, 300), (300, 360)]:
            part = slice(start, stop)
            by_hand.partial_fit(X[part], y[part], sample_weight=weight[part])
    assert_array_equal(found.predict(X), by_hand.predict(X))


def test_classes_of_a_network(tmp_path):
    table = rows()
    label = np.where(table["y"].to_numpy() > 0, "high", "low").astype(object)
    label[:20] = None
    table = table.set_column(4, "y", pa.array(label.tolist()).dictionary_encode())
    path = written(table, tmp_path / "rows.parquet")
    network = MultiTaskMLPClassifier(task_col="shop", random_state=0)
    classes = ["high", "low", "none"]
    fit_chunks(network, path, target="y", features=NAMES, classes=classes, chunk_rows=90)
    assert network.classes_.tolist() == classes
    X = table.select(["shop", *NAMES])
    by_hand = MultiTaskMLPClassifier(task_col="shop", random_state=0)
    for start, stop in [(0, 90), (90, 180), (180, 270), (270, 360)]:
        by_hand.partial_fit(X[start:stop], label[start:stop], classes=classes)
    assert_array_equal(network.predict(X), by_hand.predict(X))


def test_a_fit_begins_anew(tmp_path):
    path = written(rows(), tmp_path / "rows.parquet")
    for model in (ridge(), MultiTaskMLPRegressor(task_col="shop", random_state=0)):
        once = fit_chunks(clone(model), path, target="y", chunk_rows=100)
        model = fit_chunks(clone(model), path, target="y", chunk_rows=100)
        twice = fit_chunks(model, path, target="y", chunk_rows=100)
        X = rows().select(once.feature_names_in_.tolist())
        assert_array_equal(twice.predict(X), once.predict(X))


def test_partial_fit_goes_on_from_there(tmp_path):
    table = rows()
    path = written(table[:200], tmp_path / "rows.parquet")
    found = fit_chunks(ridge(), path, target="y", features=NAMES, chunk_rows=30)
    found.partial_fit(table[200:].select(["shop", *NAMES]), table["y"].to_numpy()[200:])
    assert_allclose(found.coef_, in_memory(ridge(), table).coef_, rtol=1e-10)


# Progress and errors -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind, shown", [("parquet", "360/360"), ("csv", "360it")])
def test_progress(kind, shown, tmp_path, capsys):
    path = written(rows(), tmp_path / f"rows.{kind}")
    fit_chunks(ridge(), path, target="y", chunk_rows=50)
    assert capsys.readouterr().err == ""
    fit_chunks(ridge(), path, target="y", chunk_rows=50, verbose=True)
    assert shown in capsys.readouterr().err


def changed(name, value):
    """The table with another value in row 217 of a column."""
    table = rows()
    values = table[name].to_pylist()
    values[217] = value
    return table.set_column(table.column_names.index(name), name, pa.array(values))


WORDS = pa.array(["x"] * 360)
DAYS = pa.array(np.full(360, np.datetime64("2026-01-01")))
WRONG = {
    "no label": (rows()[:0], {}, "the source has no rows"),
    "a hole in a feature": (
        changed("b", None), {},
        "rows 200 to 299 of the source: .*column 'b' of task . has no value in row 17",
    ),
    "infinity": (changed("b", np.inf), {}, "rows 200 to 299 of the source: .*infinity.*'b'"),
    "no task": (
        changed("shop", None), {},
        "rows 200 to 299 of the source: 1 rows have no task: column 'shop'",
    ),
    "target is not there": (
        rows(), {"target": "sales"},
        r"\['sales'\] are not among the columns \['shop', 'a'",
    ),
    "feature is not there": (rows(), {"features": ["a", "z"]}, r"\['z'\] are not among"),
    "weight is not there": (rows(), {"sample_weight": "v"}, r"\['v'\] are not among the columns"),
    "a column twice": (rows(), {"features": ["a", "y"]}, "target='y'.*must be different columns"),
    "words": (
        rows().append_column("d", WORDS), {},
        "column 'd' .*holds 'x', and features must be numbers",
    ),
    "dates": (
        rows().append_column("d", DAYS), {},
        "column 'd' of task . holds '2026-01-01', and features must be numbers",
    ),
    "a negative weight": (changed("w", -1), {"sample_weight": "w"}, "rows 200 to 299 .*negative"),
    "passes": (rows(), {"passes": 2}, "passes=2 is for networks: a sum of moments needs one pass"),
    "classes": (rows(), {"classes": [0, 1]}, r"classes=\[0, 1\] is for networks"),
    "chunk_rows": (rows(), {"chunk_rows": 0}, "chunk_rows=0 must be an integer of at least 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case, tmp_path):
    table, how, message = WRONG[case]
    path = written(table, tmp_path / "rows.parquet")
    with pytest.raises(ValueError, match=message):
        fit_chunks(ridge(), path, **{"target": "y", "chunk_rows": 100} | how)


def test_no_row_with_a_label(tmp_path):
    table = rows().set_column(4, "y", pa.nulls(360, pa.float64()))
    path = written(table, tmp_path / "rows.parquet")
    for model in (ridge(), MultiTaskMLPRegressor(task_col="shop")):
        with pytest.raises(ValueError, match="no row of the source has a label and a weight"):
            fit_chunks(model, path, target="y")


def test_files_that_are_not_there_or_of_several_kinds(tmp_path):
    path = written(rows(), tmp_path / "rows.parquet")
    with pytest.raises(FileNotFoundError, match=r"\['nowhere.csv'\] are not there"):
        fit_chunks(ridge(), ["nowhere.csv"], target="y")
    written(rows(), tmp_path / "rows.csv")
    (tmp_path / "empty").mkdir()
    for source in (tmp_path, tmp_path / "empty", [], [path, tmp_path / "rows.csv"]):
        with pytest.raises(
            ValueError, match="must hold files of one kind, with one of the endings"
        ):
            fit_chunks(ridge(), source, target="y")


def test_a_later_file_that_lacks_a_column(tmp_path):
    written(rows(), tmp_path / "1.parquet")
    written(rows().drop_columns("y"), tmp_path / "2.parquet")
    with pytest.raises(ValueError, match=r"2.parquet' lacks the columns \['y'\]"):
        fit_chunks(ridge(), tmp_path, target="y")


def test_the_task_column_is_a_name(tmp_path):
    path = written(rows(), tmp_path / "rows.parquet")
    with pytest.raises(
        ValueError, match="task_col='shp' is not a column of X; did you mean 'shop'"
    ):
        fit_chunks(MeanRegularizedRidge(task_col="shp"), path, target="y")
    with pytest.raises(ValueError, match=r"task_col=0 is not a column.*use the name, here 'shop'"):
        fit_chunks(MeanRegularizedRidge(task_col=0), path, target="y")


@pytest.mark.parametrize(
    "model",
    [Ridge(), MultiTaskLogisticRegression(task_col="shop"), Pooled(Ridge(), task_as_input=True)],
    ids=repr,
)
def test_models_that_are_not_fitted_by_chunks(model):
    with pytest.raises(TypeError, match="fit_chunks takes models of squared loss that are fitted"):
        fit_chunks(model, "nowhere.csv", target="y")


def test_moments_that_do_not_tell(tmp_path):
    table = rows().append_column("d", rows()["a"])
    path = written(table, tmp_path / "rows.parquet")
    for model in (
        PerTask(Ridge(alpha=1e-12), task_col="shop"),
        BiasedRidge(0, source_alpha=1e-12, task_col="shop"),
    ):
        with pytest.raises(ValueError, match=r"moments do not tell the weights .*collinear"):
            fit_chunks(model, path, target="y")


def test_without_pyarrow():
    with (
        patch.dict(sys.modules, {"pyarrow": None, "pyarrow.dataset": None}),
        pytest.raises(ImportError, match="run `pip install pyarrow`"),
    ):
        fit_chunks(ridge(), "rows.csv", target="y")


def test_a_state_that_is_not_there_is_none(tmp_path):
    assert load(tmp_path / "nothing", {}) is None
