"""Minimum spanning trees, exact with ties and with edges of weight 0, which sparse matrices would drop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree as kruskal

Array = NDArray[np.float64]


def minimum_spanning_tree(weights: Array) -> tuple[NDArray[np.int64], Array]:
    """Of the complete graph with symmetric `weights` (n, n) >= 0: edges (n - 1, 2) int64 and their weights (n - 1,),
    ascending. Prim's algorithm, ties to the lower index. Cost O(n^2)."""
    n = len(weights)
    nearest, by = weights[0].copy(), np.zeros(n, dtype=np.int64)  # of every stimulus outside the tree, from the tree
    nearest[0] = np.inf
    edges, found = np.empty((n - 1, 2), dtype=np.int64), np.empty(n - 1)
    outside = np.ones(n, dtype=bool)
    outside[0] = False
    for step in range(n - 1):
        new = int(np.argmin(nearest))
        edges[step], found[step] = (by[new], new), nearest[new]
        outside[new] = False
        nearest[new] = np.inf
        closer = outside & (weights[new] < nearest)
        nearest[closer] = weights[new][closer]
        by[closer] = new
    order = np.argsort(found, kind="stable")
    return edges[order], found[order]


@dataclass(frozen=True)
class Forest:
    """K connected graphs over n stimuli with equally many edges: `edges` (K, E, 2), weighted `lengths` (E,) alike."""

    n: int
    edges: NDArray[np.int64]
    lengths: Array

    def weights(self) -> Array:
        """Total weight of the minimum spanning tree of each graph: (K,), summed in ascending order.

        One tree of edges ranked by length, so that no weight is 0 and parallel edges keep the shortest. Cost
        O(K E log(K E)).
        """
        draws, count, _ = self.edges.shape
        ascending = np.argsort(self.lengths, kind="stable")
        ends = np.sort(self.edges[:, ascending], axis=2) + self.n * np.arange(draws)[:, None, None]
        nodes = self.n * draws
        keys, first = np.unique(ends[..., 0] * nodes + ends[..., 1], return_index=True)
        rank = first % count
        graph = csr_array((rank + 1.0, (keys // nodes, keys % nodes)), shape=(nodes, nodes))
        tree = kruskal(graph).tocoo()
        ranks = np.sort((tree.row // self.n) * count + tree.data.astype(np.int64) - 1).reshape(draws, self.n - 1)
        totals: Array = self.lengths[ascending][ranks % count].sum(axis=1)
        return totals
