"""Representation topology divergence (RTD) and its light form, from the Euclidean distances between stimuli.

Let a and b be two models' n x n distances, each divided by the 0.9 quantile of all its n^2 entries (by the largest
where that is 0, which the papers leave open), and c = min(a, b).

    rtd.lite = ((T(a) - T(c)) + (T(b) - T(c))) / 2

with T the total weight of a minimum spanning tree: how much longer the clusters of one model alone take to merge than
those of both together (Tulchinskii et al. 2025, the summed form, both directions).

    rtd = (R(a, b) + R(b, a)) / 2,  R(a, b) = total length of the H1 bars of the Rips filtration of [[0, a], [a, c]]

(Barannikov et al. 2022) on at most 100 stimuli: the mean over 10 seeded subsets where there are more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.domain.errors import JobFailed
from workers.similarity.distances import center_
from workers.similarity.pairs import Array, PairMeasure
from workers.similarity.resampling import Resampling
from workers.similarity.spanning_trees import Forest, minimum_spanning_tree

_QUANTILE = 0.9
_SAME = 1e-13  # of two squared lengths: a squared distance that is rounding
_SUBSET, _SUBSETS = 100, 10
_STREAM = 4  # of random numbers; workers.similarity.resampling has 1 to 3
_BATCH_EDGES = 2**20  # of the trees that are joined at a time


class RipserMissing(JobFailed):
    """The package that computes persistent homology is not installed."""


@dataclass(frozen=True)
class Tree:
    """A model as the minimum spanning tree of its scaled distances: `edges` (n - 1, 2) int64, `lengths` (n - 1,)
    ascending. `rows` (n, d) are its centred rows."""

    edges: NDArray[np.int64]
    lengths: Array
    rows: Tensor


class RtdLite(PairMeasure[Tree]):
    """`rtd.lite`. The tree of min(a, b) lies within the trees of a and b: an edge that is in neither is a longest one
    of a cycle of a, or of b, and all others of that cycle are as short in min(a, b). A pair therefore costs
    O(n log n)."""

    def prepare(self, X: Tensor, resampling: Resampling) -> Tree:
        """Cost O(n^2 d)."""
        center_(X)
        edges, lengths = minimum_spanning_tree(scaled_distances(X))
        return Tree(edges, lengths, X)

    def score(self, left: Tree, right: Tree) -> float:
        return float(self.draws(left, right, np.arange(len(left.rows))[None])[0])

    def draws(self, left: Tree, right: Tree, orders: NDArray[np.int64]) -> Array:
        n = len(left.rows)
        apart = np.sum(left.lengths) + np.sum(right.lengths)
        size = max(1, _BATCH_EDGES // (2 * n))
        together = [_joined(left, right, orders[i : i + size]) for i in range(0, len(orders), size)]
        return np.maximum(apart / 2 - np.concatenate(together), 0.0)

    def relabelled(self, model: Tree, order: NDArray[np.int64]) -> Tree:
        at = torch.from_numpy(order).to(model.rows.device)
        return Tree(np.argsort(order)[model.edges], model.lengths, model.rows[at])

    def without(self, model: Tree, kept: NDArray[np.int64]) -> Tree:
        """The tree of the stimuli that are left, their distances scaled anew."""
        return self.prepare(model.rows[torch.from_numpy(kept).to(model.rows.device)], Resampling(len(kept)))

    def resident_bytes(self, n: int, d: int) -> int:
        return 2 * (8 * n * d + 24 * n)  # twice: whole, and without a block of stimuli

    def scratch_bytes(self, n: int, d: int) -> int:
        return 8 * n * d + 24 * n * n + 100 * _BATCH_EDGES


def _joined(left: Tree, right: Tree, orders: NDArray[np.int64]) -> Array:
    """Total weights of the trees of min(left, right relabelled): (K,)."""
    draws, n = orders.shape
    moved = np.argsort(orders, axis=1)[:, right.edges]
    edges = np.concatenate([np.broadcast_to(left.edges, (draws, n - 1, 2)), moved], axis=1)
    lengths = np.concatenate([left.lengths, right.lengths])
    return Forest(n, edges, lengths).weights()


@dataclass(frozen=True)
class Cloud:
    """A model's centred `rows` (n, d), and `orders` (10, n) of its stimuli from which the subsets are taken."""

    rows: Tensor
    orders: NDArray[np.int64]

    def distances(self) -> Iterator[Array]:
        """Scaled distances of every subset: the first 100 stimuli of each order, or all once."""
        n = len(self.rows)
        subsets = [np.arange(n)] if n <= _SUBSET else [np.sort(order[:_SUBSET]) for order in self.orders]
        for subset in subsets:
            yield scaled_distances(self.rows[torch.from_numpy(subset)])


class Rtd(PairMeasure[Cloud]):
    """`rtd`. Where stimuli are left out, the next ones of an order take their places."""

    def prepare(self, X: Tensor, resampling: Resampling) -> Cloud:
        seeds = ([resampling.seed, _STREAM, resampling.n, subset] for subset in range(_SUBSETS))
        orders = np.stack([np.random.default_rng(seed).permutation(resampling.n) for seed in seeds])
        center_(X)
        return Cloud(X.cpu(), orders)

    def score(self, left: Cloud, right: Cloud) -> float:
        if torch.equal(left.rows, right.rows):
            return 0.0
        pairs = zip(left.distances(), right.distances(), strict=True)
        return float(np.mean([(loops(a, b) + loops(b, a)) / 2 for a, b in pairs]))

    def relabelled(self, model: Cloud, order: NDArray[np.int64]) -> Cloud:
        return Cloud(model.rows[torch.from_numpy(order)], model.orders)

    def without(self, model: Cloud, kept: NDArray[np.int64]) -> Cloud:
        position = np.full(len(model.rows), -1)
        position[kept] = np.arange(len(kept))
        left = position[model.orders]
        rows = model.rows[torch.from_numpy(kept)]
        center_(rows)
        return Cloud(rows, left[left >= 0].reshape(_SUBSETS, len(kept)))

    def resident_bytes(self, n: int, d: int) -> int:
        return 2 * 8 * n * (d + _SUBSETS)

    def scratch_bytes(self, n: int, d: int) -> int:
        return 8 * n * d + 500 * (2 * min(n, _SUBSET)) ** 2


def loops(a: Array, b: Array) -> float:
    """R(a, b): the total length of the H1 bars for scaled distances `a` and `b` (n, n).

    Of the two edges between stimuli i and j of different copies only one is entered, which leaves the bars as they
    are (Barannikov et al. 2022) and halves the cost. Filtration values are float32. Raises RipserMissing.
    """
    try:
        from ripser import ripser
    except ImportError as missing:
        raise RipserMissing(
            "compare", "The metric rtd needs the package ripser, which is not installed here.",
            hint="Run: pip install ripser.", cause="ours",
        ) from missing
    n = len(a)
    table = np.zeros((2 * n, 2 * n))
    table[:n, n:] = np.where(np.tri(n, dtype=bool).T, a, np.inf)
    table[n:, :n] = table[:n, n:].T
    table[n:, n:] = np.minimum(a, b)
    births, deaths = ripser(table, distance_matrix=True, maxdim=1)["dgms"][1].astype(np.float64).T
    return float(np.sum(deaths - births))


def scaled_distances(X: Tensor) -> Array:
    """Euclidean distances between the rows of `X` (n, d) float64, divided by the 0.9 quantile of all n^2 of them,
    zeros of the diagonal included, interpolated linearly; by the largest where the quantile is 0, and all 0 where that
    is: (n, n), symmetric up to rounding. Rows that differ by rounding alone are at 0 from each other. Cost O(n^2 d)."""
    offset = X - X.mean(dim=0)
    lengths = offset.square().sum(dim=1)
    sums = lengths[:, None] + lengths
    squares = torch.addmm(sums, offset, offset.T, alpha=-2)
    squares = squares.masked_fill_(squares <= _SAME * sums, 0.0).fill_diagonal_(0.0)
    distances: Array = squares.sqrt_().cpu().numpy()
    scale = np.quantile(distances, _QUANTILE) or distances.max() or 1.0
    return distances / scale
