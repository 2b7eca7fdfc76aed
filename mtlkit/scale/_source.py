"""Chunks of a table in Parquet or CSV files: in a fixed order, with fixed borders."""

import os
from pathlib import Path

import numpy as np
from sklearn.base import is_classifier

from .._utils._containers import as_vector, some
from ..table._reading import task_position

FORMATS = {"parquet": (".parquet", ".pq"), "csv": (".csv", ".csv.gz")}
LARGEST = 2**53  # of the integers that a float holds exactly


class Source:
    """The columns of files that a fit needs; `chunks` reads them."""

    def __init__(self, source, estimator, target, features, sample_weight):
        try:
            import pyarrow.dataset
        except ImportError as error:
            raise ImportError(
                "fit_chunks reads files by pyarrow, which is not installed: run `pip install "
                "pyarrow`"
            ) from error
        self.task, self.keep_labels = estimator.task_col, is_classifier(estimator)
        self.is_csv = False
        if not isinstance(source, pyarrow.dataset.Dataset):
            as_read = [self.task, target] if self.keep_labels else [self.task]
            source, self.is_csv = open_files(source, as_read)
        self.dataset, self.target, self.weight = source, target, sample_weight
        schema = source.schema
        if self.task is not None:
            task_position(schema.empty_table(), self.task)  # an error if it is not there
        used = [name for name in (self.task, target, sample_weight) if name is not None]
        self.features = list(features or [name for name in schema.names if name not in used])
        self.columns = used + self.features
        absent = [name for name in self.columns if name not in schema.names]
        if absent:
            raise ValueError(f"{some(absent)} are not among the columns {some(schema.names)}")
        if len({*self.columns}) < len(self.columns):
            raise ValueError(
                f"task_col={self.task!r}, target={target!r}, sample_weight={sample_weight!r} and "
                f"features {some(self.features)} must be different columns"
            )

    def description(self):
        """What a state must have been saved of: files with sizes and times, columns with types."""
        files = getattr(self.dataset, "files", None)
        if files is None:
            found = [["rows", self.dataset.count_rows()]]
        else:
            infos = self.dataset.filesystem.get_file_info(files)
            found = [[info.base_name, info.size, info.mtime_ns] for info in infos]
        types = self.dataset.schema
        return {"files": found, "columns": [[c, str(types.field(c).type)] for c in self.columns]}

    def rows(self):
        """The number of rows, or None where only reading would tell."""
        return None if self.is_csv else self.dataset.count_rows()

    def chunks(self, chunk_rows, skip=0):
        """Tables of `chunk_rows` rows, of which the last has from half of that to one and a half.

        The first `skip` rows, a multiple of `chunk_rows`, are left out.
        """
        import pyarrow as pa

        held, n = [], 0
        for batch in self._batches(chunk_rows, skip):
            held.append(batch)
            n += batch.num_rows
            while n >= chunk_rows + (chunk_rows + 1) // 2:  # networks want no tiny last one
                table = pa.Table.from_batches(held)
                yield table[:chunk_rows]
                held, n = table[chunk_rows:].to_batches(), n - chunk_rows
        if n:
            yield pa.Table.from_batches(held)

    def _batches(self, chunk_rows, skip):
        import pyarrow as pa
        import pyarrow.dataset as ds

        options = ds.ParquetFragmentScanOptions(use_buffered_stream=True, pre_buffer=False)
        for piece in self._pieces():
            settings = {"batch_size": min(max(chunk_rows, 1_024), 65_536), "batch_readahead": 1}
            rows = 0
            if isinstance(piece, ds.ParquetFileFragment):  # columns are read as they are decoded
                settings["fragment_scan_options"] = options
                rows = sum(group.num_rows for group in piece.row_groups)
            elif skip:
                rows = piece.count_rows()
            if skip and skip >= rows:
                skip -= rows
                continue
            try:
                for batch in piece.to_batches(
                    self.dataset.schema, columns=self.columns, **settings
                ):
                    if batch.num_rows > skip:
                        yield batch[skip:]
                    skip = max(skip - batch.num_rows, 0)
            except pa.ArrowInvalid as error:
                raise ValueError(
                    f"{error}. Types of a CSV file are those of its first rows: if later ones have "
                    "others, give a dataset of pyarrow with a schema"
                ) from error

    def _pieces(self):
        """Groups of rows of Parquet files, or whole files; one without a column is an error."""
        from pyarrow.dataset import get_partition_keys

        for file in self.dataset.get_fragments():
            known = {*file.physical_schema.names, *get_partition_keys(file.partition_expression)}
            absent = [name for name in self.columns if name not in known]
            if absent:
                raise ValueError(
                    f"{getattr(file, 'path', file)!r} lacks the columns {some(absent)}"
                )
            yield from file.split_by_row_group() if hasattr(file, "row_groups") else [file]

    def parts(self, table):
        """The table of a model (n, p), targets (n,), and weights (n,) or None, of a chunk."""
        columns = {} if self.task is None else {self.task: _decoded(table[self.task])}
        if self.is_csv and columns and columns[self.task].type == "double":
            ids = np.abs(columns[self.task].drop_null().to_numpy())
            if ids.size and ids.max() > LARGEST:
                raise ValueError(
                    f"column {self.task!r} holds {ids.max():.17g}, and CSV files with numbers of "
                    "that size are read inexactly: give a dataset of pyarrow with a schema in "
                    "which it is a string"
                )
        columns |= {name: _numbers(table[name]) for name in self.features}
        y = (_decoded if self.keep_labels else _numbers)(table[self.target])
        weight = None if self.weight is None else as_vector(_numbers(table[self.weight]))
        return type(table).from_pydict(columns), as_vector(y), weight


def _decoded(column):
    return column.cast(column.type.value_type) if hasattr(column.type, "index_type") else column


def _numbers(column):
    """Numbers of any kind and truth values as floats; all else as it is, for the model to name."""
    from pyarrow import types

    column, kinds = _decoded(column), ("null", "boolean", "integer", "floating", "decimal")
    if any(getattr(types, f"is_{kind}")(column.type) for kind in kinds):
        return column.cast("double", safe=False)
    return column


def open_files(source, as_read):
    """A dataset of files of one format, and whether that is CSV.

    Numbers of CSV files are read as floats, but for the columns `as_read`: the first rows, which
    tell the types, may hold whole numbers by chance.
    """
    import pyarrow as pa
    from pyarrow import csv
    from pyarrow import dataset as ds

    paths = [source] if isinstance(source, str | os.PathLike) else list(source)
    paths = [Path(path) for path in paths]
    absent = [str(path) for path in paths if not path.exists()]
    if absent:
        raise FileNotFoundError(f"{some(absent)} are not there")
    base, endings = None, {end: kind for kind, ends in FORMATS.items() for end in ends}
    if len(paths) == 1 and paths[0].is_dir():
        base = str(paths[0])
        paths = sorted(p for p in paths[0].rglob("*") if p.name.lower().endswith((*endings,)))
    kinds = {
        next((k for e, k in endings.items() if p.name.lower().endswith(e)), None) for p in paths
    }
    if len(kinds) != 1 or None in kinds:
        raise ValueError(
            f"source {source!r} must hold files of one kind, with one of the endings "
            f"{some(endings)}: give a dataset of pyarrow for others"
        )
    if kinds == {"parquet"}:
        hive = {"partitioning": "hive", "partition_base_dir": base} if base else {}
        return ds.dataset([*map(str, paths)], format="parquet", **hive), False
    form = ds.CsvFileFormat(convert_options=csv.ConvertOptions(strings_can_be_null=True))
    schema = ds.dataset(str(paths[0]), format=form).schema
    for j, field in enumerate(schema):
        if field.name not in as_read and (
            pa.types.is_integer(field.type) or field.type == pa.null()
        ):
            schema = schema.set(j, field.with_type(pa.float64()))
    return ds.dataset([*map(str, paths)], format=form, schema=schema), True
