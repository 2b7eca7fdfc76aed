"""CORAL, subspace alignment and TCA beside skada and adapt: time to fit and map the same rows.

The same work: the same regularisation and the same number of components. How far the mapped rows
are apart is a column of the result: the distances between them, ours and theirs, correlate by 1
where both solve the same problem. skada's and adapt's TCA hand a matrix that is not symmetric to a
solver for symmetric ones, so theirs is another answer in the same number of steps.
"""

import numpy as np
import sklearn
from scipy.spatial.distance import pdist

from mtlkit.transfer import CORAL, TCA, SubspaceAlignment

from .peers import SEED, Study, seconds

K, MU, REPEATS = 30, 1.0, 5
SIZES = {"d < n": (1123, 958, 800), "n < d": (250, 210, 800)}  # rows of source, of target; features
AIMS = {"CORAL": 1, "subspace alignment": 1, "TCA, d < n": 5, "TCA, n < d": 1}


class Data:
    """Rows with a decaying spectrum; the target has other axes and another mean."""

    def __init__(self, n_source, n_target, d):
        rng = np.random.default_rng(SEED)
        X = rng.normal(size=(n_source + n_target, d)) * np.arange(1, d + 1) ** -0.5
        X[n_source:] = X[n_source:] @ np.linalg.qr(np.eye(d) + 0.02 * rng.normal(size=(d, d)))[0]
        X[n_source:] += 0.3 * rng.normal(size=d) / np.sqrt(d)
        self.X, self.source = X, np.arange(len(X)) < n_source
        self.table = np.column_stack([np.where(self.source, 0.0, 1.0), X])
        self.domain = np.where(self.source, 1, -2)
        self.parts = X[self.source], X[~self.source]
        self.ratio = 1 / n_source + 1 / n_target


def ours(data, aligner):
    """A call that gives the mapped rows."""
    aligner.set_params(target=1, task_col=0)
    return lambda: aligner.fit_transform(data.table)[:, 1:]


def by_skada(data, adapter):
    return lambda: adapter.fit_transform(data.X, sample_domain=data.domain)


def by_adapt(data, adapter):
    def call():
        source = adapter.fit_transform(*data.parts)
        return np.vstack([source, adapter.transform(data.parts[1], domain="tgt")])

    return call


def contests(study, data):
    """By name: our call, and the calls of peers."""
    skada, adapt = study.peer("skada"), study.peer("adapt.feature_based")
    pan = {"mu": 1 / MU / data.ratio, "penalty": "coefficients"}
    named = {
        "CORAL": (CORAL(), {}),
        "subspace alignment": (SubspaceAlignment(K), {}),
        "TCA": (TCA(K, **pan), {}),
        "TCA, rbf": (TCA(K, kernel="rbf", **pan), {}),
        "TCA, penalty norm": (TCA(K, mu=pan["mu"]), {}),
        "TCA, rbf, norm": (TCA(K, mu=pan["mu"], kernel="rbf"), {}),
    }
    if skada:
        tca = skada._subspace.TransferComponentAnalysisAdapter
        theirs = [
            skada._mapping.CORALAdapter(),
            skada._subspace.SubspaceAlignmentAdapter(n_components=K, random_state=SEED),
            *[tca(n_components=K, mu=MU, kernel=kernel) for kernel in ("linear", "rbf") * 2],
        ]
        for (_, peers), adapter in zip(named.values(), theirs, strict=True):
            peers["skada"] = by_skada(data, adapter)
    if adapt:
        linear = adapt.TCA(n_components=K, mu=MU, kernel="linear", verbose=0)
        theirs = [
            adapt.CORAL(verbose=0),
            adapt.SA(n_components=K, verbose=0),
            linear,
            adapt.TCA(n_components=K, mu=MU, kernel="rbf", verbose=0),
            linear,
            adapt.TCA(n_components=K, mu=MU, kernel="rbf", verbose=0),
        ]
        for (_, peers), adapter in zip(named.values(), theirs, strict=True):
            peers["adapt"] = by_adapt(data, adapter)
    return {name: (ours(data, aligner), peers) for name, (aligner, peers) in named.items()}


def likeness(A, B):
    """Correlation of the distances between rows; the scale and the place do not matter."""
    some = np.random.default_rng(SEED).choice(len(A), 200, replace=False)
    return float(np.corrcoef(pdist(A[some]), pdist(B[some]))[0, 1])


def run():
    """Measure; returns rows for a JSON file, and why peers are absent."""
    study, likenesses, config = Study(), [], sklearn.get_config()
    try:
        for size, shape in SIZES.items():
            setting, data = f"{shape[0]}+{shape[1]} × {shape[2]}", Data(*shape)
            for name, (call, peers) in contests(study, data).items():
                times = seconds([call, *peers.values()], REPEATS)
                aim = AIMS.get(name, AIMS.get(f"{name.split(', ')[0]}, {size}"))
                if "rbf" in name:
                    aim = 1
                for (peer, theirs), taken in zip(peers.items(), times[1:], strict=True):
                    study.add(name, setting, peer, times[0], taken, aim)
                    likenesses.append(likeness(call(), theirs()))
    finally:
        sklearn.set_config(**config)  # skada's import sets metadata routing for the process
    rows = [row | {"likeness": like} for row, like in zip(study.rows, likenesses, strict=True)]
    return {"rows": rows, "skipped": study.skipped, "versions": study.versions}
