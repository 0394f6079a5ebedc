"""Slow, obvious versions of the topological measures, from the definitions alone. Nothing here is shared with the
engine."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def scaled(X: NDArray) -> Array:
    X = X.astype(np.float64)
    distances = np.array([[np.sqrt(np.sum((x - y) ** 2)) for y in X] for x in X])
    return distances / np.quantile(distances, 0.9)


def tree_weight(weights: Array) -> float:
    """Kruskal: edges from the shortest, each that joins two clusters counts."""
    cluster, total = list(range(len(weights))), 0.0
    for w, i, j in sorted((weights[i, j], i, j) for i, j in combinations(range(len(weights)), 2)):
        if cluster[i] != cluster[j]:
            gone, total = cluster[j], total + w
            cluster = [cluster[i] if c == gone else c for c in cluster]
    return float(total)


def rtd_lite(X: NDArray, Y: NDArray) -> float:
    a, b = scaled(X), scaled(Y)
    both = tree_weight(np.minimum(a, b))
    return (tree_weight(a) - both + tree_weight(b) - both) / 2


def rtd(X: NDArray, Y: NDArray) -> float:
    """Barannikov et al. 2022 on all stimuli."""
    a, b = scaled(X), scaled(Y)
    return (loop_lengths(cross(a, b)) + loop_lengths(cross(b, a))) / 2


def cross(a: Array, b: Array) -> Array:
    return np.block([[np.zeros_like(a), a.T], [a, np.minimum(a, b)]])


def loop_lengths(distances: Array) -> float:
    """Total length of the H1 bars of the Rips filtration, by reducing the whole boundary matrix over Z/2."""
    simplices = []
    for size in (1, 2, 3):
        for vertices in combinations(range(len(distances)), size):
            appears = max((distances[i, j] for i, j in combinations(vertices, 2)), default=0.0)
            simplices.append((appears, size, vertices))
    simplices.sort()
    index = {vertices: at for at, (_, _, vertices) in enumerate(simplices)}
    owner: dict[int, set[int]] = {}  # lowest row -> the reduced column that has it
    total = 0.0
    for appears, size, vertices in simplices:
        column = {index[vertices[:k] + vertices[k + 1 :]] for k in range(size)} if size > 1 else set()
        while column and max(column) in owner:
            column ^= owner[max(column)]
        if column:
            owner[max(column)] = column
            if size == 3:
                total += appears - simplices[max(column)][0]
    return total
