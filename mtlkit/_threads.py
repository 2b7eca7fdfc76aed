"""One BLAS thread for many small products: threads that wait for each other cost more."""

from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _controller():
    return ThreadpoolController()  # looking for the libraries takes longer than many a fit


def one_blas_thread():
    """A context in which BLAS uses one thread."""
    return _controller().limit(limits=1, user_api="blas")
