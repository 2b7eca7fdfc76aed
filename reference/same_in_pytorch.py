"""What `mtlkit.neural` does, in PyTorch: the code of the page "The same in PyTorch".

It needs torch; `balanced_step` needs torchjd too, and `add_peft_adapters` peft. The book shows it
and does not run it. `tests/test_same_in_pytorch.py` holds each piece against mtlkit where these
are installed.
"""

import copy
from itertools import pairwise

import torch
from torch import nn


class TrunkAndHeads(nn.Module):
    """A trunk for all tasks and a linear head for each."""

    def __init__(self, d, hidden, n_tasks, n_outputs, activation=nn.ReLU):
        super().__init__()
        self.trunk = nn.Sequential()
        for d_in, d_out in pairwise([d, *hidden]):
            self.trunk.extend([nn.Linear(d_in, d_out), activation()])
        heads = [nn.Linear(hidden[-1], n_outputs) for _ in range(n_tasks)]
        self.heads = nn.ModuleList(heads)

    def forward(self, x, task):
        return self.heads[task](self.trunk(x))


def half_squared_error(outputs, y):
    """Mean of ½ (f - y)²; for classes take `torch.nn.functional.cross_entropy`."""
    return 0.5 * ((outputs[:, 0] - y) ** 2).mean()


def with_decay(network, alpha):
    """Two groups of parameters for an optimiser: weights decay, biases do not."""
    weights = [p for p in network.parameters() if p.ndim == 2]
    biases = [p for p in network.parameters() if p.ndim == 1]
    return [{"params": weights, "weight_decay": alpha}, {"params": biases}]


def weighted_step(network, optimizer, batch, loss, weights):
    """A step down the sum of weighted losses; `batch` holds (x, y) of each task."""
    optimizer.zero_grad()
    losses = [loss(network(x, task), y) for task, (x, y) in enumerate(batch)]
    sum(w * own for w, own in zip(weights, losses, strict=True)).backward()
    optimizer.step()


def balanced_step(network, optimizer, batch, loss, aggregator):
    """The same, but `aggregator` makes one trunk gradient of those of the tasks."""
    from torchjd.autojac import jac_to_grad, mtl_backward

    optimizer.zero_grad()
    features = network.trunk(torch.cat([x for x, _ in batch]))
    parts = features.split([len(y) for _, y in batch])
    triples = zip(network.heads, parts, batch, strict=True)
    losses = [loss(head(own), y) for head, own, (_, y) in triples]
    trunk = list(network.trunk.parameters())
    heads = [head.parameters() for head in network.heads]
    mtl_backward(losses, features, shared_params=trunk, tasks_params=heads)
    jac_to_grad(trunk, aggregator)  # each head keeps the gradient of its own task
    optimizer.step()


def for_target(source, n_outputs, frozen=False):
    """A copy of the source network with one new head, for a target task."""
    target, old = copy.deepcopy(source), source.heads[0]
    head = nn.Linear(old.in_features, n_outputs).to(old.weight)
    target.heads = nn.ModuleList([head])
    target.trunk.requires_grad_(not frozen)
    return target


def anchored_step(network, optimizer, x, y, loss, source, anchor=0.0):
    """A step of fine-tuning; an anchor above 0 pulls to the source's trunk (L2-SP)."""
    optimizer.zero_grad()
    pairs = zip(network.trunk.parameters(), source.trunk.parameters(), strict=True)
    distance = sum(((now - start.detach()) ** 2).sum() for now, start in pairs)
    (loss(network(x, 0), y) + anchor / 2 * distance).backward()
    optimizer.step()


class LowRankAdapter(nn.Module):
    """A frozen linear layer plus a change of rank r that is trained (LoRA)."""

    def __init__(self, linear, r, alpha=1.0):
        super().__init__()
        self.linear, self.scale = linear.requires_grad_(False), alpha / r
        d_in, d_out = linear.in_features, linear.out_features
        self.A = nn.Parameter(torch.randn(r, d_in) / d_in**0.5)
        self.B = nn.Parameter(torch.zeros(d_out, r))

    def forward(self, x):
        return self.linear(x) + self.scale * x @ self.A.T @ self.B.T

    def merged(self):
        """One linear layer that computes the same."""
        linear = copy.deepcopy(self.linear)
        linear.weight += self.scale * self.B.detach() @ self.A.detach()
        return linear


def add_adapters(network, r):
    """Give each linear layer of the trunk an adapter; the heads still train."""
    for k, layer in enumerate(network.trunk):
        if isinstance(layer, nn.Linear):
            network.trunk[k] = LowRankAdapter(layer, r).to(layer.weight)


def add_peft_adapters(network, r):
    """The same with PEFT, which wraps the network and puts its own layers inside."""
    from peft import LoraConfig, get_peft_model

    layers = network.named_modules()
    linears = [name for name, layer in layers if isinstance(layer, nn.Linear)]
    config = LoraConfig(
        r=r,
        lora_alpha=1,
        target_modules=[name for name in linears if name.startswith("trunk.")],
        modules_to_save=[name for name in linears if name.startswith("heads.")],
    )
    return get_peft_model(network, config)


@torch.no_grad()
def from_mtlkit(model):
    """A fitted network or `FineTuner` of mtlkit, its tasks in the order of `model.tasks_`."""
    state = model.network_
    *trunk, (V, c) = [layer.of(state.theta) for layer in state.layout.layers]
    widths = [W.shape[0] for W, _ in trunk] + [V.shape[1]]
    activation = {"relu": nn.ReLU, "tanh": nn.Tanh}[state.layout.activation]
    network = TrunkAndHeads(widths[0], widths[1:], len(V), V.shape[2], activation)
    network.to(torch.as_tensor(state.theta).dtype)
    linears = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    pairs = [*trunk, *zip(V, c, strict=True)]
    for linear, (W, b) in zip(linears, pairs, strict=True):
        linear.weight.copy_(torch.tensor(W.T))  # PyTorch has (outputs, inputs)
        linear.bias.copy_(torch.tensor(b.ravel()))
    return network
