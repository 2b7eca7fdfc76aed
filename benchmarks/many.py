"""Networks of many small tasks of unequal size: time of a fit to the same training loss.

Sizes are log-normal with a median of 8 rows, so most tasks are in some of the steps only. PyTorch
is written as it mostly is, a loop over the tasks of a batch, and takes the same number of steps
over batches of as many rows. scikit-learn trains a network for each task, for the fewest of some
numbers of epochs that reach our loss on the training rows.
"""

import json
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from mtlkit.neural import MultiTaskMLPRegressor

from .neural import RESULTS, glorot
from .peers import SEED, Study, seconds

D, WIDTH, BATCH, EPOCHS, RATE, REPEATS = 20, 64, 128, 10, 1e-3, 2
TASKS = [200, 500]
LONGER = [4, 6, 8, 10, 12, 14, 16, 20]  # epochs of scikit-learn's networks
SAME = 0.05  # relative difference of the losses on the training rows
HEADS_IN_A_LOOP = 200  # for more tasks the loop takes minutes


class Data:
    """Rows X (N, D) in the order of their tasks (N,), and y (N,)."""

    def __init__(self, T):
        rng = np.random.default_rng(SEED)
        self.n = np.maximum(1, np.exp(rng.normal(np.log(8), 1.2, T)).astype(int))
        self.task, self.T = np.repeat(np.arange(T), self.n), T
        X = rng.normal(size=(len(self.task), D))
        W = rng.normal(size=D) + 0.5 * rng.normal(size=(T, D))
        y = np.tanh((X * W[self.task]).sum(axis=1)) + 0.3 * rng.normal(size=len(X))
        self.X, self.y = X.astype(np.float32), y.astype(np.float32)
        self.parts = np.split(np.arange(len(X)), np.cumsum(self.n)[:-1])

    def loss(self, predicted):
        return float(0.5 * ((predicted - self.y) ** 2).mean())


class Ours:
    def __init__(self, data):
        self.data, self.table = data, np.column_stack([data.task.astype(np.float32), data.X])
        self.model = MultiTaskMLPRegressor(
            hidden_layer_sizes=(WIDTH,), task_col=0, alpha=0.0, batch_size=BATCH, max_iter=EPOCHS,
            learning_rate_init=RATE, n_iter_no_change=None, standardize_targets=False,
            random_state=SEED,
        )  # fmt: skip

    def fit(self):
        self.model.fit(self.table, self.data.y)

    def predict(self):
        return self.model.predict(self.table)


class ScikitLearn:
    def __init__(self, data, epochs):
        self.data = data
        self.models = [
            MLPRegressor(
                hidden_layer_sizes=(WIDTH,), alpha=0.0, batch_size=min(8, len(own)),
                max_iter=epochs, learning_rate_init=RATE, n_iter_no_change=epochs,
                random_state=SEED,
            )
            for own in data.parts
        ]  # fmt: skip

    def fit(self):
        for model, own in zip(self.models, self.data.parts, strict=True):
            model.fit(self.data.X[own], self.data.y[own])

    def predict(self):
        pairs = zip(self.models, self.data.parts, strict=True)
        return np.concatenate([model.predict(self.data.X[own]) for model, own in pairs])


class Torch:
    """A trunk, a list of heads, a loop over the tasks of a batch."""

    def __init__(self, torch, data):
        torch.set_num_threads(1)
        self.torch, self.data = torch, data
        self.X, self.y = torch.tensor(data.X), torch.tensor(data.y)
        self.task = torch.tensor(data.task)

    def fit(self):
        torch, nn = self.torch, self.torch.nn
        torch.manual_seed(SEED)
        self.trunk = nn.Sequential(nn.Linear(D, WIDTH), nn.ReLU())
        self.heads = nn.ModuleList(nn.Linear(WIDTH, 1) for _ in range(self.data.T))
        for layer in (self.trunk[0], *self.heads):
            for parameter in layer.parameters():
                bound = glorot(layer.in_features, layer.out_features)
                nn.init.uniform_(parameter, -bound, bound)
        parameters = [*self.trunk.parameters(), *self.heads.parameters()]
        optimiser = torch.optim.Adam(parameters, lr=RATE)
        for parameter in parameters:  # a head without rows in a batch moves on, as with ours
            parameter.grad = torch.zeros_like(parameter)
        # Ours minimises the sum over tasks of their weighted mean losses.
        scale = self.data.T / len(self.y)
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(self.y)).split(BATCH):
                optimiser.zero_grad(set_to_none=False)
                features, task = self.trunk(self.X[rows]), self.task[rows]
                loss = 0
                for t in task.unique().tolist():
                    own = task == t
                    residual = self.heads[t](features[own])[:, 0] - self.y[rows][own]
                    loss = loss + 0.5 * (residual**2).sum()
                (loss * (scale * len(self.y) / len(rows))).backward()
                optimiser.step()

    def predict(self):
        with self.torch.no_grad():
            features = self.trunk(self.X)
            return np.concatenate(
                [
                    self.heads[t](features[own])[:, 0].numpy()
                    for t, own in enumerate(self.data.parts)
                ]
            )


def contest(study, T):
    """Time ours and peers on T tasks."""
    data, setting = Data(T), f"{T} tasks of 1 to many rows, {D}-{WIDTH}-1"
    ours = Ours(data)
    ours.fit()
    loss = data.loss(ours.predict())
    peers = {}
    for epochs in LONGER:
        peer = ScikitLearn(data, epochs)
        peer.fit()
        if data.loss(peer.predict()) <= (1 + SAME) * loss:
            peers[f"scikit-learn, one per task, {epochs} epochs"] = peer
            break
    torch = study.peer("torch")
    if torch and T <= HEADS_IN_A_LOOP:
        peers["PyTorch, loop over tasks"] = Torch(torch, data)
        peers["PyTorch, loop over tasks"].fit()
    found = {name: data.loss(peer.predict()) for name, peer in peers.items()}
    times = seconds([ours.fit, *[peer.fit for peer in peers.values()]], REPEATS)
    for (name, value), taken in zip(found.items(), times[1:], strict=True):
        if "PyTorch" in name and abs(loss / value - 1) > SAME:
            study.skipped[f"{name}, {setting}"] = f"the losses differ by {loss / value - 1:.1%}"
            continue
        study.add("shared trunk", setting, name, times[0], taken, 1, loss / value - 1)


def run():
    """Measure and write ``many.json``."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # few epochs
    study = Study()
    for T in TASKS:
        contest(study, T)
    result = {
        "command": "python -m benchmarks many",
        "clock": f"processor seconds, one thread, median of {REPEATS} repeats",
        "same_loss": SAME,
        "versions": study.versions,
        "sizes": {"median": 8, "d": D, "width": WIDTH, "batch": BATCH, "epochs": EPOCHS},
        "skipped": study.skipped,
        "rows": study.rows,
    }
    (RESULTS / "many.json").write_text(json.dumps(result, indent=1) + "\n")
