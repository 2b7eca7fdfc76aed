"""Breast cancer made into two domains: another measurement, other patients, other proportions."""

import numpy as np
from sklearn.datasets import load_breast_cancer

from .._utils._validation import check_choice, check_number
from ._base import long_table, spawn_seeds

MEASURES = ("mean", "error", "worst")
DOMAINS = ("source", "target")


def load_cancer_domains(
    measures=("mean", "worst"), malignant=(None, None), *, random_state=0, as_frame=False
):
    """Load breast cancer as a source and a target domain, for domain adaptation.

    The 569 patients are split into two halves, stratified by malignant and benign. Each half is
    described by ten features of the cell nuclei, of which there are three measures. With two
    different ones the instrument has changed; with different shares of malignant cases the patients
    have.

    Parameters
    ----------
    measures : pair of str, default=("mean", "worst")
        Of source and target: "mean" over the nuclei of an image, its standard "error", or "worst",
        the mean of the three largest.
    malignant : pair of float or None, default=(None, None)
        Shares of malignant cases in source and target, above 0 and below 1. As many patients are
        kept as the share allows. None: all of the half, of which 37 % are malignant.
    random_state : int, RandomState instance or None, default=0
        Splits the patients, in the same way whatever the other parameters are.
    as_frame : bool, default=False
        Return a DataFrame with the task in column "task" and a Series (needs pandas), in place of
        arrays with the task in column 0.

    Returns
    -------
    X : ndarray or DataFrame of shape (n_rows, 11)
        The task ("source", then "target") and ten features.
    y : ndarray or Series of shape (n_rows,)
        1 for malignant, 0 for benign.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not what is described above.
    ImportError
        If `as_frame` is True and pandas is not installed.

    See Also
    --------
    load_shifted_digits : Domains that differ by a shift of the image.

    Notes
    -----
    The data are scikit-learn's copy of Street, Wolberg and Mangasarian (1993), *Nuclear feature
    extraction for breast tumor diagnosis*.

    Taught in :doc:`/chapters/algorithms/other_world`.
    """
    data = load_breast_cancer()
    is_malignant = 1 - data.target
    for name, values in (("measures", measures), ("malignant", malignant)):
        if isinstance(values, str) or np.shape(values) != (2,):
            raise ValueError(
                f"{name}={values!r} must be a pair: one for the source, one for the target"
            )
    rng = np.random.default_rng(spawn_seeds(random_state, 1)[0])
    shuffled = rng.permutation(len(is_malignant))
    shuffled = shuffled[np.argsort(is_malignant[shuffled], kind="stable")]
    tasks = {}
    for k, (domain, measure, share) in enumerate(zip(DOMAINS, measures, malignant, strict=True)):
        check_choice(measure, "measures", MEASURES)
        patients = shuffled[k::2]
        if share is not None:
            patients = _with_share(patients, is_malignant[patients], share)
        block = slice(10 * MEASURES.index(measure), 10 * MEASURES.index(measure) + 10)
        tasks[domain] = data.data[patients, block], is_malignant[patients]
    names = [name.removeprefix("mean ") for name in data.feature_names[:10]]
    return long_table(tasks, names, "malignant", as_frame)


def _with_share(patients, is_malignant, share):
    """As many of the patients, the first of each kind, as have this share of malignant ones."""
    share = float(check_number(share, "malignant", low=0, high=1, open_low=True, open_high=True))
    have = is_malignant.sum(), (1 - is_malignant).sum()
    n = min(have[0] / share, have[1] / (1 - share))
    ill, well = round(n * share), round(n * (1 - share))
    return np.r_[patients[is_malignant == 1][:ill], patients[is_malignant == 0][:well]]
