"""Softmax regression by AdamW, several settings side by side: one product of matrices serves all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

BATCH = 1024
EPOCHS = 20
LEAST_STEPS = 50  # a small set is one batch an epoch, and twenty steps leave a probe far from its best
BETAS, EPSILON = (0.9, 0.999), 1e-8


class Setting(NamedTuple):
    """Learning rate at the start, and weight decay (decoupled, as AdamW has it)."""

    learning_rate: float
    weight_decay: float


def train(
    x: Tensor, y: Tensor, n_classes: int, settings: Sequence[Setting], *, seed: int,
    progress: Callable[[], None] = lambda: None,
) -> Tensor:
    """Weights (settings, classes, features) that lower the cross-entropy of `y` (n,) int64 given `x` (n, features).

    AdamW (Loshchilov and Hutter, 2019) from weights of zero, batches of at most 1,024 in an order drawn from `seed`,
    20 epochs and at least 50 steps, learning rate falling to 0 along a cosine. Every setting is trained as it would be
    alone. A constant feature makes the bias. `progress` is called once a step. O(steps n features classes settings).
    """
    rates, decays = (torch.tensor(column, dtype=x.dtype, device=x.device).repeat_interleave(n_classes)[:, None]
                     for column in zip(*settings, strict=True))
    weights = torch.zeros(len(settings) * n_classes, x.shape[1], dtype=x.dtype, device=x.device)
    mean, square = torch.zeros_like(weights), torch.zeros_like(weights)
    truth = one_hot(y, n_classes).T.to(x.dtype)
    steps = n_steps(len(x))
    for step, batch in zip(range(steps), _batches(len(x), seed), strict=False):
        here, of = (x, truth) if batch is None else (x[batch], truth[:, batch])
        slope = _slope(weights.view(len(settings), n_classes, -1), here, of)
        now = rates * (0.5 * (1 + math.cos(math.pi * step / steps)))
        weights.mul_(1 - now * decays)
        mean.lerp_(slope, 1 - BETAS[0])
        square.mul_(BETAS[1]).addcmul_(slope, slope, value=1 - BETAS[1])
        root = (square / (1 - BETAS[1] ** (step + 1))).sqrt_().add_(EPSILON)
        weights.sub_((mean * (now / (1 - BETAS[0] ** (step + 1)))).div_(root))
        progress()
    return weights.view(len(settings), n_classes, -1)


def scores(weights: Tensor, x: Tensor) -> Tensor:
    """Logits (settings, classes, n)."""
    settings, n_classes, features = weights.shape
    return (weights.reshape(-1, features) @ x.T).view(settings, n_classes, len(x))


def n_steps(n: int) -> int:
    """How many steps a training on n stimuli takes."""
    return max(LEAST_STEPS, EPOCHS * math.ceil(n / BATCH))


def _slope(weights: Tensor, x: Tensor, truth: Tensor) -> Tensor:
    """Gradient of the mean cross-entropy: (settings x classes, features). `truth` (classes, n) is 1 at the label."""
    # Classes before stimuli: the softmax runs along whole rows of stimuli, several times faster than along classes.
    shares = torch.softmax(scores(weights, x), dim=1)
    shares -= truth
    return (shares.view(-1, len(x)) @ x).div_(len(x))


def _batches(n: int, seed: int) -> Iterator[Tensor | None]:
    """Positions of one batch after the other, each epoch in a new order; None: all of them."""
    order = torch.Generator().manual_seed(seed)
    while True:
        if n <= BATCH:
            yield None
        else:
            drawn = torch.randperm(n, generator=order)
            yield from (drawn[first : first + BATCH] for first in range(0, n, BATCH))
