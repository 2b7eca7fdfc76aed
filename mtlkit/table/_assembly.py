"""Blocks of transformed rows back into one table: names, order, kind of table, task column."""

import narwhals as nw
import numpy as np
from scipy import sparse
from sklearn import get_config

from .._utils._containers import column, column_names, is_frame
from ._reading import task_position


class Assembly:
    """Puts transformed features of some rows each back into one table of the kind that came in.

    A transformer of tables makes one in `fit`, calls `name_columns` once, and `table` in every
    `transform`. Frames of pandas, polars and pyarrow come out as such, sparse blocks as CSR.

    Parameters
    ----------
    X : DataFrame, array or sparse matrix of shape (n, p)
        The table seen in `fit`, as `as_table` gives it.
    task_col : str, int or None
    who : str
        What the messages call the transformer.

    Attributes
    ----------
    inputs : list
        Names of all columns of `X`; those of an array are "x0", "x1", … and "task".
    names : list
        Names of the columns that come out, but for the task.
    """

    def __init__(self, X, task_col, who):
        self.task_col, self.who = task_col, who
        self.frame = is_frame(X)
        self.position = None if task_col is None else task_position(X, task_col)
        if self.frame:
            self.inputs = column_names(X)
            if getattr(X.columns, "nlevels", 1) > 1:
                raise ValueError(
                    f"the columns {self.inputs[:2]} … have names of several levels: give them "
                    "plain names, for example X.columns = ['_'.join(name) for name in X.columns]"
                )
        else:
            self.inputs = [f"x{j}" for j in range(X.shape[1])]
            if task_col is not None:
                self.inputs[self.position] = "task"

    def features(self, inputs):
        """The names but for that of the task column."""
        return [name for j, name in enumerate(inputs) if j != self.position]

    def name_columns(self, each):
        """Take the names of the columns of each kind of block: `each[k]` for block number k."""
        self.each = each
        self.names = self._union(each, self.features(self.inputs))
        if self.task_col is None:
            return
        task, last = self.inputs[self.position], len(self.names)
        if self.frame and task in self.names:
            raise ValueError(
                f"{self.who} gives a column {task!r}, which is the name of the task column: rename"
            )
        # Where it was, or a named one at the end if its place is gone.
        self.place = min(self.position, last)
        if not self.frame:
            self.place = self.task_col + (last + 1 if self.task_col < 0 else 0)
            if not 0 <= self.place <= last:
                raise ValueError(
                    f"task_col={self.task_col} is out of range after {self.who}, which "
                    f"leaves {last} columns: put the task column first (0) or last (-1)"
                )

    @staticmethod
    def _union(each, features):
        """Names of all columns out; features that stay keep their order."""
        if all(names == each[0] for names in each):
            return list(each[0])
        produced = dict.fromkeys(name for names in each for name in names)
        kept = [name for name in features if name in produced]
        return kept + [name for name in produced if name not in set(kept)]

    def names_out(self, rename, input_features=None):
        """What `get_feature_names_out` returns; `rename(features)` gives the names of each block.

        `input_features` are names of all columns of `X`, the task column included.
        """
        inputs = self.inputs if input_features is None else list(input_features)
        if self.frame and inputs != self.inputs:
            raise ValueError("input_features is not equal to feature_names_in_")
        if len(inputs) != len(self.inputs):
            raise ValueError(
                "input_features should have length equal to number of features "
                f"({len(self.inputs)}), got {len(inputs)}"
            )
        features = self.features(inputs)
        names = self._union(rename(features), features)
        if self.task_col is not None:
            names.insert(self.place, inputs[self.position])
        return np.array(names, dtype=object)

    def table(self, X, task, blocks):
        """The table of all blocks in the order of the rows of `X`, with its task column.

        Parameters
        ----------
        X : DataFrame, array or sparse matrix of shape (n, p)
            The table to be transformed.
        task : ndarray of shape (n,)
            As `read_table` gives it.
        blocks : list of (k, rows, block)
            Which names it has, its rows in `X`, and its values: an array, a frame of any kind, or
            sparse if `X` is. Every row of `X` is in one block.
        """
        if hasattr(X, "iloc"):
            return self._pandas(X, blocks)
        if is_frame(X):
            return self._frame(X, blocks)
        if all(sparse.issparse(block) for _, _, block in blocks):
            return self._sparse(task, blocks)
        table = self._array(blocks, len(task))
        if self.task_col is None:
            return table
        table, task = _one_dtype(table, task)
        return np.insert(table, self.place, task, axis=1)

    def _pandas(self, X, blocks):
        import pandas as pd

        parts = []
        for k, rows, block in blocks:
            if is_frame(block):
                part = block if hasattr(block, "iloc") else nw.from_native(block).to_pandas()
            else:
                part = pd.DataFrame(block).infer_objects()
            parts.append(part.set_axis(self.each[k], axis=1).set_axis(rows))
        table = pd.concat(parts).sort_index().reindex(columns=self.names).set_axis(X.index)
        if self.task_col is not None:
            task = column(X, task_position(X, self.task_col))
            table.insert(self.place, self.task_col, task)
        return table

    def _frame(self, X, blocks):
        """The same in polars or pyarrow; a column that some rows lack is null there."""
        X = nw.from_native(X)
        parts = []
        for k, _, block in blocks:
            if is_frame(block):
                part = nw.from_native(block)
                columns = [part[:, j].to_numpy() for j in range(part.shape[1])]
                if part.implementation is X.implementation:
                    columns = [part[:, j] for j in range(part.shape[1])]
            else:
                columns = list(np.asarray(block).T)
            data = dict(zip(self.each[k], columns, strict=True))
            parts.append(nw.from_dict(data, backend=X.implementation))
        order = np.argsort(np.concatenate([rows for _, rows, _ in blocks]))
        names = list(self.names)
        table = nw.concat(parts, how="diagonal")[order].select(names)
        if self.task_col is not None:
            names.insert(self.place, self.task_col)
            table = table.with_columns(X[self.task_col].alias(self.task_col)).select(names)
        return table.to_native()

    def _sparse(self, task, blocks):
        if any(names != self.names for names in self.each):
            raise ValueError(
                f"{self.who} gives the tasks different columns, and a sparse table cannot hold "
                "the missing ones: use shared(...), or a dense table"
            )
        table = sparse.vstack([block for _, _, block in blocks], format="csr")
        table = table[np.argsort(np.concatenate([rows for _, rows, _ in blocks]))]
        if self.task_col is None:
            return table
        dtype = np.result_type(table.dtype, task.dtype)
        if not _holds(dtype, task):
            raise ValueError(
                f"a sparse table of {dtype} cannot hold the tasks of column {self.task_col!r} "
                "exactly: number them from 0, or pass a DataFrame"
            )
        left, right = table[:, : self.place], table[:, self.place :]
        return sparse.hstack([left, task.astype(dtype)[:, None], right], format="csr")

    def _array(self, blocks, n):
        place = {name: j for j, name in enumerate(self.names)}
        values = [(k, rows, np.asarray(block)) for k, rows, block in blocks]
        full = all(len(self.each[k]) == len(self.names) for k, _, _ in blocks)
        dtype = np.dtype(object)
        if all(block.dtype.kind in "fiub" for _, _, block in values):
            dtype = np.result_type(*(block.dtype for _, _, block in values))
            if dtype.kind == "b" or not full:
                dtype = np.result_type(dtype, np.float32)  # which has NaN
        table = np.full((n, len(self.names)), 0 if full else np.nan, dtype=dtype)
        for k, rows, block in values:
            table[np.ix_(rows, [place[name] for name in self.each[k]])] = block
        return table


def in_output(table, estimator):
    """`table` in pandas if ``set_output`` or the configuration asks for it.

    scikit-learn makes polars of pandas and of arrays, but no DataFrame of pandas from other frames.
    """
    asked = getattr(estimator, "_sklearn_output_config", {}).get("transform")
    if (asked or get_config()["transform_output"]) != "pandas" or not is_frame(table):
        return table
    return table if hasattr(table, "iloc") else nw.from_native(table).to_pandas()


def _holds(dtype, task):
    """Whether an array of this dtype tells the tasks apart as they are."""
    if dtype.kind not in "fiu" or task.dtype.kind not in "biuf":
        return dtype == task.dtype
    with np.errstate(over="ignore", invalid="ignore"):
        return bool((task.astype(dtype).astype(task.dtype) == task).all())


def _one_dtype(table, task):
    """Both in one dtype that loses no digit of a task: that of the table, or of objects."""
    for dtype in (table.dtype, np.result_type(table, task)):
        if dtype.kind != "O" and _holds(dtype, task):
            return table.astype(dtype, copy=False), task.astype(dtype)
    return table.astype(object), task.astype(object)
