"""Beyond memory and beyond one machine: fits from chunks of files, and on a Dask cluster."""

from ._chunks import fit_chunks
from ._dask import fit_dask

__all__ = ["fit_chunks", "fit_dask"]
