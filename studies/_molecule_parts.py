"""Molecules as rows, scaffolds as groups, and three ways to split them, for the study `molecules`.

RDKit computes fingerprints and scaffolds. Only the study needs it, in an environment of its own:
``pip install -e ".[chem]"``.
"""

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

from mtlkit.datasets import fetch_tox21

BITS, RADIUS, TEXT = 1024, 2, 1024
# Frameworks that this share of the molecules has, no ring and a single benzene ring, always train.
COMMON = 0.1
TEST_SIZE = 0.25


def read():
    """Fingerprints (m, 1024), scaffolds (m,), labels (m, 12), text of molecules that RDKit reads.

    A scaffold is the text of the Bemis-Murcko framework, empty for a molecule without a ring. The
    last value says which of the fetched molecules these are.
    """
    from rdkit import Chem, rdBase
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
    from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles

    smiles, labels, assays = fetch_tox21()
    with rdBase.BlockLogs():
        molecules = [Chem.MolFromSmiles(text) for text in smiles]
    read = np.array([molecule is not None for molecule in molecules])
    molecules = [molecule for molecule in molecules if molecule is not None]
    generator = GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    bits = np.array([generator.GetFingerprintAsNumPy(molecule) for molecule in molecules])
    scaffolds = np.array([MurckoScaffoldSmiles(mol=molecule) for molecule in molecules])
    return sparse.csr_array(bits.astype(float)), scaffolds, labels[read], smiles[read], assays, read


def as_text(smiles):
    """Pieces of two to four characters of each SMILES (m, 1024): features without chemistry."""
    pieces = HashingVectorizer(
        analyzer="char", ngram_range=(2, 4), n_features=TEXT, lowercase=False,
        alternate_sign=False, binary=True, norm=None,
    )  # fmt: skip
    return sparse.csr_array(pieces.transform(smiles))


def long_table(features, labels):
    """One row per measurement: the assay and the features, the label, the molecule."""
    assay, molecule = np.nonzero(~np.isnan(labels.T))
    task = sparse.csr_array(assay[:, None].astype(float))
    X = sparse.hstack([task, features[molecule]], format="csr")
    return X, labels[molecule, assay].astype(int), molecule


class RareUnitsShuffle:
    """Random splits that test a quarter of the units that may be tested; the others always train.

    A unit, passed as `groups`, is a scaffold, a molecule or a single measurement. `able` (u,) says
    which may be tested, so outer and inner splits, of part of the rows, are of one kind.
    """

    def __init__(self, able, n_splits, random_state):
        self.able, self.n_splits, self.random_state = able, n_splits, random_state

    def get_n_splits(self, X=None, y=None, groups=None):
        """Number of splits."""
        return self.n_splits

    def split(self, X, y=None, groups=None):
        """Row numbers (train, test) of each split."""
        rng = np.random.default_rng(self.random_state)
        known = np.unique(groups)
        known = known[self.able[known]]
        for _ in range(self.n_splits):
            chosen = rng.permutation(known)[: round(TEST_SIZE * len(known))]
            test = np.isin(groups, chosen)
            yield np.flatnonzero(~test), np.flatnonzero(test)


def units(kind, scaffold, molecule):
    """The unit of each row (n,), coded from 0, and whether each unit may be tested (u,)."""
    code, count = np.unique(scaffold, return_inverse=True, return_counts=True)[1:]
    rare = (count < COMMON * len(scaffold))[code[molecule]]
    unit = {"scaffold": code[molecule], "molecule": molecule, "measurement": np.arange(len(rare))}
    _, unit = np.unique(unit[kind], return_inverse=True)
    able = np.zeros(unit.max() + 1, dtype=bool)
    able[unit] = rare
    return unit, able


def nearest(features, train, test):
    """Tanimoto similarity of each molecule of `test` to the most similar of `train`."""
    common = (features[test] @ features[train].T).toarray()
    size = np.asarray(features.sum(axis=1)).ravel()
    return (common / (size[test][:, None] + size[train] - common)).max(axis=1)


def few(y, task, rows, n, rng):
    """Row numbers of n labels of each task: its share of actives, but four at least."""
    kept = []
    for t in np.unique(task):
        own = rng.permutation(rows[task[rows] == t])
        active = own[y[own] == 1]
        k = max(4, round(n * len(active) / len(own)))
        kept += [active[:k], own[y[own] == 0][: n - k]]
    return np.sort(np.concatenate(kept))
