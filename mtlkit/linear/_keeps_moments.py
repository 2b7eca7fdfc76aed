"""Learning from rows that come in parts, for models that are fitted from moments."""

from ._moments import moments_of


class KeepsMoments:
    """A model that keeps what `partial_fit` adds to, in `_seen`, of `moments_or_rows`."""

    _fits_shared = True

    @property
    def moments_(self):
        """The moments of all rows seen so far."""
        if isinstance(self._seen, tuple):
            self._seen = moments_of(self._seen)
        return self._seen

    def partial_fit(self, X, y, sample_weight=None):
        """Add rows to those seen so far; the result is that of one `fit` on all of them.

        Parameters
        ----------
        X : DataFrame or array of shape (n, p)
            Further rows of the table; new tasks may appear.
        y : array-like of shape (n,)
            Targets; NaN marks an unlabelled sample.
        sample_weight : array-like of shape (n,), default=None
            Weight of each row, as in `fit`; None means 1.

        Returns
        -------
        self
            The fitted estimator.
        """
        first = not hasattr(self, "_seen")
        new = moments_of(self._rows(X, y, sample_weight, reset=first))
        self._solve_moments(new if first else self.moments_ + new)
        return self

    def _fit_moments(self, moments):
        """Fit to moments; weights (T, d), intercepts (T,), and those of new tasks or None."""
        self._solve_moments(moments)
        return self._coef, self.intercept_, self._for_new_tasks()

    def _solve_moments(self, moments):
        """Fit to moments, and keep them."""
        self._solve(moments)
