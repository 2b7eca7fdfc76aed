"""Two candidates' scores on the same splits: their difference and a verdict.

Arrays of scores in, small result objects out; estimators and tables belong in ``_compare.py``.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import stats

from .._utils._validation import check_number


class Interval:
    """Writes a mean with its interval: ``f"{d:.3f}"`` is ``+0.012 [-0.003, +0.027]``."""

    mean: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        # "+" shows the sign of a gain; "z" (Python 3.11) keeps a rounded zero from reading "-0.0".
        mean, low, high = (
            format(value, f"+z{spec or '.3f'}") for value in (self.mean, self.low, self.high)
        )
        return f"{mean} [{low}, {high}]"

    def __str__(self) -> str:
        scope = getattr(self, "scope", None)
        return format(self) + (f" ({scope})" if scope else "")


@dataclass(frozen=True)
class Difference(Interval):
    """A mean paired difference with its confidence interval, in the units of the score.

    ``f"{d:.3f}"`` writes ``+0.012 [-0.003, +0.027]``.

    Attributes
    ----------
    mean : float
        Mean over the splits of score a minus score b; positive where a is better.
    low, high : float
        Ends of the interval.
    sd : float
        Standard deviation of the differences over the splits.
    n : int
        Number of splits.
    wins, losses : int
        Splits on which a is better, and worse. The rest are ties.
    level : float
        Confidence level of the interval.
    scope : {"new rows", "these rows", "new tasks"} or None
        What the interval speaks about; None if only scores were given, see `paired_difference`.
        ``print`` adds it.
    standard_error : float
        Of the mean: half the interval is this times a quantile of Student's t.
    df : float
        Degrees of freedom of that t.

    See Also
    --------
    paired_difference : Makes it from two arrays of scores.
    Comparison.difference : Makes it from the result of `compare`.

    Notes
    -----
    Taught in :doc:`/chapters/background/did_sharing_help`.
    """

    mean: float
    low: float
    high: float
    sd: float
    n: int
    wins: int
    losses: int
    level: float
    scope: str | None = None
    standard_error: float = field(default=math.nan, repr=False, compare=False)
    df: float = field(default=math.nan, repr=False, compare=False)

    def times(self, factor: float) -> "Difference":
        """The same difference in other units, for example points: ``d.times(100)``.

        Parameters
        ----------
        factor : float
            A positive number.

        Returns
        -------
        Difference
            With mean, interval, standard deviation and error multiplied by `factor`.
        """
        factor = _positive(factor, "factor")
        names = ("mean", "low", "high", "sd", "standard_error")
        return replace(self, **{name: getattr(self, name) * factor for name in names})


@dataclass(frozen=True)
class Equivalence:
    """Result of an equivalence test (TOST, two one-sided t tests).

    Attributes
    ----------
    margin : float
        The largest difference that does not matter, in the units of the score.
    p_value : float
        The larger of the two one-sided p values.
    equivalent : bool
        ``p_value < alpha``: the difference is shown to lie between ``-margin`` and ``margin``.
    difference : Difference
        With the interval of level ``1 - 2 alpha`` (90 % for ``alpha=0.05``). It lies inside the
        margin exactly when `equivalent` is true.
    alpha : float
        Probability, at most, of calling a difference as large as the margin equivalent.

    See Also
    --------
    equivalence_test : Makes it from two arrays of scores.
    Comparison.equivalence : Makes it from the result of `compare`.

    Notes
    -----
    Taught in :doc:`/chapters/background/what_interval_covers`.
    """

    margin: float
    p_value: float
    equivalent: bool
    difference: Difference
    alpha: float


def paired_difference(a, b, *, level=0.95, corrected=None) -> Difference:
    """Mean of a - b over the same splits, with a paired t interval.

    Parameters
    ----------
    a, b : array-like of shape (J,)
        Scores of two candidates on the same J splits in the same order, J at least 2.
    level : float, default=0.95
        Confidence level, between 0 and 1.
    corrected : tuple (n_train, n_test), default=None
        Rows in the training and in the test part. Given, the interval is that of Nadeau and
        Bengio, see Notes.

    Returns
    -------
    Difference
        The mean of a - b, with its confidence interval.

    Raises
    ------
    TypeError
        If scores are not real numbers, or `level` is not a number.
    ValueError
        If the scores are not two lists of one length of at least 2, one of them is NaN or
        infinite, or `level` or `corrected` is out of range.

    See Also
    --------
    equivalence_test : Whether a difference is smaller than a margin.
    verdict : Both questions, answered in one word.
    Comparison.difference : The same for the result of `compare`.

    Notes
    -----
    With d_j = a_j - b_j, mean d and standard deviation s, the interval is d ± t s √(1 / J), t
    being the quantile with J - 1 degrees of freedom. It is about the *mean over random splits of
    this one table*: more splits narrow it without limit, although no new row was seen. Splits
    share rows, so for *new data of the same source* it is too narrow (Dietterich 1998). The
    corrected interval d ± t s √(1 / J + n_test / n_train) of Nadeau and Bengio (2003) speaks about
    new data, approximately: it is wider, and does not shrink to nothing as J grows.

    Neither is adjusted for looking at several candidates or tasks. A d_j below a billionth of the
    scores is rounding, counts as a tie and is set to 0. If all d_j are equal the interval has
    width 0. The cost is O(J).

    Taught in :doc:`/chapters/background/did_sharing_help`.

    References
    ----------
    * T. G. Dietterich, "Approximate statistical tests for comparing supervised classification
      learning algorithms", Neural Computation 10, 1895-1923, 1998.
    * C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52,
      239-281, 2003.

    Examples
    --------
    >>> print(paired_difference([0.8, 0.9, 0.85, 0.9], [0.7, 0.85, 0.8, 0.8]))
    +0.075 [+0.029, +0.121]
    """
    d = paired(a, b)
    return interval(d, *_error(d, corrected), level)


def equivalence_test(a, b, margin, *, alpha=0.05, corrected=None) -> Equivalence:
    """Equivalence test (TOST): are a and b the same for practical purposes?

    A wide interval that holds 0 shows nothing; this test must *reject* that the difference is
    -`margin` or less, and that it is `margin` or more.

    Parameters
    ----------
    a, b : array-like of shape (J,)
        Scores of two candidates on the same J splits in the same order, J at least 2.
    margin : float
        The largest difference that does not matter, in the units of the scores (0.01 is one
        percentage point of accuracy). Choose it before looking at the scores.
    alpha : float, default=0.05
        Significance level, between 0 and 0.5.
    corrected : tuple (n_train, n_test), default=None
        As in `paired_difference`.

    Returns
    -------
    Equivalence
        The p-value and the verdict at level `alpha`.

    Raises
    ------
    TypeError, ValueError
        As in `paired_difference`, and if `margin` is not positive and finite or `alpha` is out of
        range.

    See Also
    --------
    paired_difference : The difference and its interval.
    verdict : Wins, loses, ties or inconclusive.
    Comparison.equivalence : The same for the result of `compare`.

    Notes
    -----
    The test is Schuirmann's (1987). If all differences are equal there is nothing to estimate: the
    p value is 0 for a difference inside the margin and 1 otherwise. The cost is O(J).

    Taught in :doc:`/chapters/background/what_interval_covers`.

    References
    ----------
    * D. J. Schuirmann, "A comparison of the two one-sided tests procedure and the power approach
      for assessing the equivalence of average bioavailability", Journal of Pharmacokinetics and
      Biopharmaceutics 15 (6), 657-680, 1987.
    """
    d = paired(a, b)
    return equivalence(d, *_error(d, corrected), margin, alpha)


def verdict(a, b, margin, *, level=0.95, corrected=None) -> str:
    """One word for a paired comparison, by one rule for a whole table.

    Parameters
    ----------
    a, b : array-like of shape (J,)
        Scores of two candidates on the same J splits in the same order, J at least 2.
    margin : float
        The largest difference that does not matter, as in `equivalence_test`.
    level : float, default=0.95
        Confidence level of the interval that decides between a win and a loss; ``1 - level`` is
        the significance level of the test that decides about a tie.
    corrected : tuple (n_train, n_test), default=None
        As in `paired_difference`.

    Returns
    -------
    {"ties", "wins", "loses", "inconclusive"}
        "ties" if the equivalence test shows the difference to be smaller than the margin, also
        where the interval excludes 0; else "wins" or "loses", for a, if the interval excludes 0;
        else "inconclusive": the splits do not decide, which is not the same as no difference.

    Raises
    ------
    TypeError, ValueError
        As in `paired_difference` and `equivalence_test`.

    See Also
    --------
    paired_difference : The interval that decides between a win and a loss.
    equivalence_test : The test that decides about a tie.

    Notes
    -----
    Taught in :doc:`/chapters/code/showdown`.

    Examples
    --------
    >>> verdict([0.8, 0.9, 0.85, 0.9], [0.7, 0.85, 0.8, 0.8], margin=0.01)
    'wins'
    """
    d = paired(a, b)
    return in_a_word(d, *_error(d, corrected), margin, level)


def interval(d, error, df, level, scope=None):
    """The t interval of the mean of d (J,), with a standard error and degrees of freedom."""
    level = check_level(level)
    mean, half = float(d.mean()), float(stats.t.ppf((1 + level) / 2, df) * error)
    return Difference(
        mean=mean,
        low=mean - half,
        high=mean + half,
        sd=_sd(d),
        n=d.size,
        wins=int((d > 0).sum()),
        losses=int((d < 0).sum()),
        level=level,
        scope=scope,
        standard_error=float(error),
        df=float(df),
    )


def equivalence(d, error, df, margin, alpha=0.05, scope=None):
    """The test of `equivalence_test`."""
    margin = _positive(margin, "margin")
    alpha = float(check_number(alpha, "alpha", low=0, high=0.5, open_low=True, open_high=True))
    mean = abs(float(d.mean()))
    # The larger p value belongs to the end of the margin that the mean is nearer to.
    p = float(mean >= margin) if error == 0 else float(stats.t.sf((margin - mean) / error, df))
    difference = interval(d, error, df, 1 - 2 * alpha, scope)
    return Equivalence(margin, p, bool(p < alpha), difference, alpha)


def in_a_word(d, error, df, margin, level):
    """The rule of `verdict`."""
    if equivalence(d, error, df, margin).p_value < 1 - check_level(level):
        return "ties"
    found = interval(d, error, df, level)
    return "wins" if found.low > 0 else "loses" if found.high < 0 else "inconclusive"


def check_level(level):
    return float(check_number(level, "level", low=0, high=1, open_low=True, open_high=True))


def _positive(value, name):
    return float(check_number(value, name, low=0, high=np.inf, open_low=True, open_high=True))


def check_spread(J):
    if J < 2:
        raise ValueError(f"got {J} split(s), but a spread needs at least 2: repeat the split")


def real_numbers(values, name):
    """An array of floats; complex numbers, strings and missing entries are no scores."""
    values = np.asarray(values)
    try:
        if values.dtype.kind not in "biufO":
            raise TypeError
        return values.astype(float)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name} must hold real numbers, not {values.dtype}: {values.ravel()[:3].tolist()}"
        ) from error


def paired(a, b):
    """Differences of checked scores."""
    a, b = real_numbers(a, "a"), real_numbers(b, "b")
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(
            f"a and b have shapes {a.shape} and {b.shape}: pass one score per split for each, "
            "of the same splits in the same order"
        )
    check_spread(a.size)
    for name, scores in (("a", a), ("b", b)):
        bad = np.flatnonzero(~np.isfinite(scores))
        if bad.size:
            raise ValueError(
                f"{name} is {scores[bad[0]]} on split {bad[0]}: leave that split out of both"
            )
    d = a - b
    # Two algorithms for the same model differ in the last digits; that is no win.
    d[np.abs(d) <= 1e-9 * np.maximum(np.abs(a), np.abs(b))] = 0
    return d


def _sd(d):
    # Equal values have no spread, but rounding of their mean would leave about 1e-17.
    return 0.0 if np.ptp(d) == 0 else float(d.std(ddof=1))


def _error(d, corrected):
    """Standard error of the mean of d, and its degrees of freedom."""
    ratio = 0.0
    if corrected is not None:
        try:
            n_train, n_test = (_positive(n, "n") for n in corrected)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"corrected={corrected!r} must be (n_train, n_test), two positive numbers of rows"
            ) from error
        ratio = n_test / n_train
    return _sd(d) * np.sqrt(1 / d.size + ratio), d.size - 1
