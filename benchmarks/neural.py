"""Multi-task networks beside peers on the same work: time of a fit to the same training loss.

The same work: widths, distribution of the initial parameters, rows per batch, number of batches,
Adam at one rate, no weight decay, float32, one thread. The loss on the training rows after the last
epoch is measured by one function for all; who differs by more than `SAME` is left out and named.
"""

import json
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from mtlkit.baselines import PerTask
from mtlkit.neural import MGDA, MultiTaskMLPRegressor, PCGrad

from .peers import SEED, Study, seconds

RESULTS = Path(__file__).parent / "results"
SIZES = {"T": 5, "n": 5120, "d": 20, "width": 64, "batch": 128, "epochs": 20, "rate": 1e-3}
T, N, D, WIDTH, BATCH, EPOCHS, RATE = SIZES.values()
SAME = 0.05  # relative difference of the losses on the training rows
REPEATS = 7
SETTING = f"{T} tasks, {D}-{WIDTH}-1"
BALANCES = {"PCGrad": PCGrad, "MGDA": MGDA}
FLOORS = {"its matrix products": np.matmul, "its products, at best": np.multiply}


class Data:
    """Rows X (T, N, D) and y (T, N): smooth in eight directions, half of the variance is noise."""

    def __init__(self):
        rng = np.random.default_rng(SEED)
        directions = rng.normal(size=(D, 8)) / np.sqrt(D)
        mixing = rng.normal(size=(8, 1)) + rng.normal(size=(T, 8, 1))  # a common part, and own ones
        X = rng.normal(size=(T, N, D))
        signal = (np.tanh(2 * X @ directions) @ mixing)[:, :, 0]
        signal /= signal.std(axis=1, keepdims=True)
        self.X = X.astype(np.float32)
        self.y = (signal + rng.normal(size=(T, N))).astype(np.float32)

    def table(self):
        """The long table with the task in column 0, and its labels."""
        tasks = np.repeat(np.arange(T, dtype=np.float32), N)
        return np.column_stack([tasks, self.X.reshape(-1, D)]), self.y.ravel()

    def loss(self, predicted):
        """Σ_t of the mean of ½ (f - y)², for predictions (T, N)."""
        return float(0.5 * ((predicted - self.y) ** 2).mean(axis=1).sum())


class Ours:
    """mtlkit: one network for all tasks, or one for each."""

    def __init__(self, data, weighting=None, per_task=False):
        self.table = data.table()
        self.model = MultiTaskMLPRegressor(
            hidden_layer_sizes=(WIDTH,), weighting=weighting, task_col=None if per_task else 0,
            alpha=0.0, batch_size=BATCH if per_task else T * BATCH, max_iter=EPOCHS,
            learning_rate_init=RATE, n_iter_no_change=None, standardize_targets=False,
            random_state=SEED,
        )  # fmt: skip
        if per_task:
            self.model = PerTask(self.model, task_col=0)

    def fit(self):
        self.model.fit(*self.table)

    def predict(self):
        return self.model.predict(self.table[0]).reshape(T, N)


class ScikitLearn:
    """One network per task."""

    def __init__(self, data):
        self.data = data
        self.models = [
            MLPRegressor(
                hidden_layer_sizes=(WIDTH,), alpha=0.0, batch_size=BATCH, max_iter=EPOCHS,
                learning_rate_init=RATE, n_iter_no_change=EPOCHS, random_state=SEED,
            )
            for _ in range(T)
        ]  # fmt: skip

    def fit(self):
        for model, X, y in zip(self.models, self.data.X, self.data.y, strict=True):
            model.fit(X, y)

    def predict(self):
        return np.array([m.predict(X) for m, X in zip(self.models, self.data.X, strict=True)])


class Torch:
    """PyTorch as it is mostly written: a trunk, a list of heads, a loop over tasks."""

    def __init__(self, torch, data):
        torch.set_num_threads(1)
        self.torch, self.X, self.y = torch, torch.tensor(data.X), torch.tensor(data.y)

    def start(self):
        """A new network; returns its optimiser."""
        nn = self.torch.nn
        self.trunk = nn.Sequential(nn.Linear(D, WIDTH), nn.ReLU())
        self.heads = nn.ModuleList(nn.Linear(WIDTH, 1) for _ in range(T))
        parameters = [*self.trunk.parameters(), *self.heads.parameters()]
        for layer in (self.trunk[0], *self.heads):
            bound = glorot(layer.in_features, layer.out_features)
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound)
        return self.torch.optim.Adam(parameters, lr=RATE)

    def batches(self):
        orders = [self.torch.randperm(N).split(BATCH) for _ in range(T)]
        for rows in zip(*orders, strict=True):
            yield (
                [X[own] for X, own in zip(self.X, rows, strict=True)],
                [y[own] for y, own in zip(self.y, rows, strict=True)],
            )

    def losses(self, features, y):
        loss = self.torch.nn.functional.mse_loss
        return [
            0.5 * loss(head(own)[:, 0], target)
            for head, own, target in zip(self.heads, features, y, strict=True)
        ]

    def backward(self, X, y):
        sum(self.losses([self.trunk(own) for own in X], y)).backward()

    def fit(self):
        self.torch.manual_seed(SEED)
        optimiser = self.start()
        for _ in range(EPOCHS):
            for X, y in self.batches():
                optimiser.zero_grad()
                self.backward(X, y)
                optimiser.step()

    def outputs(self):
        outputs = [head(self.trunk(X)) for head, X in zip(self.heads, self.X, strict=True)]
        return self.torch.cat(outputs, dim=1).T

    def predict(self):
        with self.torch.no_grad():
            return self.outputs().numpy()


class TorchByHand(Torch):
    """PyTorch at its best here: all heads in one tensor, the fused Adam."""

    def start(self):
        torch = self.torch
        self.V, self.W = torch.empty(D, WIDTH), torch.empty(T, WIDTH, 1)
        self.b, self.c = torch.empty(WIDTH), torch.empty(T, 1, 1)
        bounds = {self.V: glorot(D, WIDTH), self.b: glorot(D, WIDTH)}
        bounds |= {self.W: glorot(WIDTH, 1), self.c: glorot(WIDTH, 1)}
        for parameter, bound in bounds.items():
            parameter.uniform_(-bound, bound).requires_grad_()
        return torch.optim.Adam(bounds, lr=RATE, fused=True)

    def batches(self):
        order = self.torch.stack([self.torch.randperm(N) for _ in range(T)])
        tasks = self.torch.arange(T)[:, None]
        for rows in order.split(BATCH, dim=1):
            yield self.X[tasks, rows], self.y[tasks, rows]

    def forward(self, X):
        trunk = self.torch.addmm(self.b, X.reshape(-1, D), self.V).relu()
        return self.torch.baddbmm(self.c, trunk.reshape(T, -1, WIDTH), self.W)[:, :, 0]

    def backward(self, X, y):
        (0.5 * T * self.torch.nn.functional.mse_loss(self.forward(X), y)).backward()

    def outputs(self):
        return self.forward(self.X)


class TorchJD(Torch):
    """TorchJD as its manual has it, in the way that is fastest here: one pass through the trunk."""

    def __init__(self, torch, torchjd, data, name):
        super().__init__(torch, data)
        self.autojac = torchjd.autojac
        self.aggregator = getattr(torchjd.aggregation, name)()

    def backward(self, X, y):
        features, shared = self.trunk(self.torch.cat(X)), list(self.trunk.parameters())
        self.autojac.mtl_backward(
            self.losses(features.split(BATCH), y), features, shared_params=shared,
            tasks_params=[head.parameters() for head in self.heads],
        )  # fmt: skip
        self.autojac.jac_to_grad(shared, self.aggregator)


def products(outer):
    """The floor: the matrix products of the forward and the backward pass, and nothing else.

    `outer` takes those of a column and a row: `np.matmul` does, `np.multiply` is faster at it.
    """
    rng = np.random.default_rng(SEED)
    shapes = (T * BATCH, D), (D, WIDTH), (T * BATCH, WIDTH), (T, BATCH, WIDTH), (T, WIDTH, 1)
    X, V, DH, H, W = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
    residual = H @ W

    def run():
        for _ in range(EPOCHS * N // BATCH):
            X @ V
            H @ W
            H.transpose(0, 2, 1) @ residual
            outer(residual, W.transpose(0, 2, 1))
            X.T @ DH

    return run


def contests(study, data):
    """Fits of ours and of peers by name; and of each pair the two names and the aim."""
    ours = {"shared trunk": Ours(data), "network per task": Ours(data, per_task=True)}
    peers = {"scikit-learn, one per task": ScikitLearn(data)}
    pairs = [
        ("shared trunk", "scikit-learn, one per task", 4),
        ("network per task", "scikit-learn, one per task", None),
    ]
    torch, torchjd = study.peer("torch"), study.peer("torchjd")
    if torch:
        peers["PyTorch, loop over tasks"] = Torch(torch, data)
        peers["PyTorch, batched by hand"] = TorchByHand(torch, data)
        pairs.append(("shared trunk", "PyTorch, loop over tasks", 5))
        pairs.append(("shared trunk", "PyTorch, batched by hand", None))
    if torchjd:
        for name, balance in BALANCES.items():
            ours[name] = Ours(data, balance())
            peers[f"TorchJD, {name}"] = TorchJD(torch, torchjd, data, name)
            pairs.append((name, f"TorchJD, {name}", 10))
    return ours, peers, pairs


def run():
    """Measure, write ``neural.json``."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # 20 epochs are few
    study, data = Study(), Data()
    ours, peers, pairs = contests(study, data)
    fits = ours | peers
    for model in fits.values():
        model.fit()
    losses = {name: data.loss(model.predict()) for name, model in fits.items()}
    calls = {name: model.fit for name, model in fits.items()}
    calls |= {name: products(outer) for name, outer in FLOORS.items()}
    times = dict(zip(calls, seconds(calls.values(), REPEATS), strict=True))
    print(
        f"{'ours':18} {'setting':24} {'peer':30} {'ours ms':>8} {'peer ms':>8} {'ratio':>8}    aim"
    )
    for name, peer, aim in pairs:
        difference = losses[name] / losses[peer] - 1
        if abs(difference) > SAME:
            study.skipped[f"{name}, {peer}"] = f"the losses differ by {difference:.1%}"
        else:
            study.add(name, SETTING, peer, times[name], times[peer], aim, difference)
    for floor in FLOORS:
        study.add("shared trunk", SETTING, floor, times["shared trunk"], times[floor], 1 / 2.5)
    for name, reason in study.skipped.items():
        print(f"left out: {name}: {reason}")
    result = {
        "command": "python -m benchmarks neural",
        "clock": f"processor seconds, one thread, median of {REPEATS} repeats",
        "same_loss": SAME,
        "versions": study.versions,
        "sizes": SIZES,
        "skipped": study.skipped,
        "losses": losses,
        "rows": study.rows,
    }
    (RESULTS / "neural.json").write_text(json.dumps(result, indent=1) + "\n")


def glorot(d_in, d_out):
    """The bound of uniform initial parameters in scikit-learn and mtlkit."""
    return (6 / (d_in + d_out)) ** 0.5
