"""One linear probe of one embedding: split, choose settings, train, test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from backend.domain.probing import Parts
from workers.probing.softmax import BATCH, Setting, n_steps, scores, train

LEARNING_RATES = (1e-1, 1e-2, 1e-3, 1e-4)
# The published grid goes down to 1e-6; over the few hundred steps of a probe, anything below 1e-3 changes nothing.
WEIGHT_DECAYS = (1e-3, 1e-2, 1e-1, 1.0, 1e1)
FIRST_DECAY = 1e-1
TOP = 5


@dataclass(frozen=True)
class Probe:
    """Shares of right answers on the test stimuli, 0 to 1, and how they were found."""

    top1: float
    top5: float
    mean_class_recall: float
    recipe: dict[str, Any]


def probe(
    features: NDArray[np.float32], codes: NDArray[np.int64], parts: Parts, *, seed: int, device: str = "cpu",
    progress: Callable[[], None] = lambda: None,
) -> Probe:
    """Trains a probe of `codes` (n,), numbers of labels from 0, on `features` (n, d), and tests it.

    Essentials of the published recipe (arXiv 2411.05561): rows of unit length, AdamW, 20 epochs in batches of 1,024
    along a cosine, learning rate and weight decay chosen on a fifth of the training stimuli, then trained on all of
    them. It departs from the recipe where small datasets ask for it: at least 50 steps; features are shifted to mean
    zero and divided by one number, which leaves what a linear map can say and makes the steps count; the learning rate
    is chosen first, then the decay. `seed` orders the batches. A label that the test has no stimulus of has no recall.
    """
    x, y, n_classes = _unit_rows(features), _on(codes, device), int(codes.max()) + 1
    setting = _chosen(x, y, parts, n_classes, seed, device, progress)
    scaled = _scaled(x, parts.train, device)
    weights = train(scaled[parts.train], y[parts.train], n_classes, [setting], seed=seed, progress=progress)
    rank, truth = _ranks(scores(weights, scaled[parts.test])[0], y[parts.test]).cpu().numpy(), codes[parts.test]
    counts = np.bincount(truth, minlength=n_classes)
    recalls = np.bincount(truth, rank == 0, n_classes)[counts > 0] / counts[counts > 0]
    return Probe(
        top1=float(np.mean(rank == 0)), top5=float(np.mean(rank < TOP)), mean_class_recall=float(recalls.mean()),
        recipe={
            "n_train": len(parts.train), "n_test": len(parts.test), "n_labels": n_classes,
            "whole_groups": parts.whole_groups, "chance": float(counts.max() / len(truth)),
            "learning_rate": setting.learning_rate, "weight_decay": setting.weight_decay,
            "steps": n_steps(len(parts.train)), "batch": min(BATCH, len(parts.train)),
        },
    )


def _chosen(
    x: NDArray[np.float64], y: Tensor, parts: Parts, n_classes: int, seed: int, device: str,
    progress: Callable[[], None],
) -> Setting:
    """The setting that is right most often on the stimuli held back; among equals, the one surest of the truth."""
    learn, held = parts.learn, parts.held
    scaled = _scaled(x, learn, device)

    def best(settings: list[Setting]) -> tuple[tuple[float, float], Setting]:
        weights = train(scaled[learn], y[learn], n_classes, settings, seed=seed, progress=progress)
        merits = [
            (float((_ranks(one, y[held]) == 0).double().mean()), -float(cross_entropy(one.T, y[held])))
            for one in scores(weights, scaled[held])
        ]
        return max(zip(merits, settings, strict=True))

    first = best([Setting(rate, FIRST_DECAY) for rate in LEARNING_RATES])
    rate = first[1].learning_rate
    return max(first, best([Setting(rate, decay) for decay in WEIGHT_DECAYS if decay != FIRST_DECAY]))[1]


def _unit_rows(features: NDArray[np.float32]) -> NDArray[np.float64]:
    x = features.astype(np.float64)
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(length > 0, length, 1.0)


def _scaled(x: NDArray[np.float64], learn: NDArray[np.int64], device: str) -> Tensor:
    """Features less their mean, by their root mean square over the training stimuli, and a constant 1 as the last."""
    centred = x - x[learn].mean(axis=0)
    size = np.sqrt(np.mean(centred[learn] ** 2)) or 1.0
    return _on(np.hstack([centred / size, np.ones((len(x), 1))]).astype(np.float32), device)


def _ranks(logits: Tensor, y: Tensor) -> Tensor:
    """How many labels come before the right one, for each stimulus of `logits` (classes, n). Ties count against it."""
    true = logits.gather(0, y[None, :])
    return (logits >= true).sum(dim=0) - 1


def _on(array: NDArray[Any], device: str) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)
