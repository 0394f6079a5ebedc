"""Slow, obvious versions of the measures over nearest neighbours, from the formulas alone. Nothing here is shared with
the engine."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from backend.domain.metrics import Metric

Array = NDArray[np.float64]


def similarity(metric: Metric, X: NDArray, Y: NDArray) -> float:
    """The value of one of these metrics for two embeddings (n, d) and (n, d')."""
    k = int(metric.parameters["k"])
    X, Y = X.astype(np.float64), Y.astype(np.float64)
    A, B = neighbours(X, k), neighbours(Y, k)
    family = metric.spec.family
    if family == "cknna.code":
        return cknna_code(X, Y, A, B)
    if family == "cknna.paper":
        return cknna_paper(X, Y, A, B)
    return LISTS[family](A, B)


def neighbours(X: Array, k: int) -> list[list[int]]:
    """Of each stimulus the k others with the largest inner products, ties to the lower index. Values within 1e-11 of
    each other are ties."""
    found = []
    for a in range(len(X)):
        products = np.round((X - X.mean(axis=0)) @ X[a] / np.abs(X).max() ** 2, 11)
        others = [b for b in range(len(X)) if b != a]
        found.append(sorted(others, key=lambda b: (-products[b], b))[:k])
    return found


def mutual(A: list, B: list) -> float:
    return float(np.mean([len(set(a) & set(b)) / len(a) for a, b in zip(A, B, strict=True)]))


def jaccard(A: list, B: list) -> float:
    return float(np.mean([len(set(a) & set(b)) / len(set(a) | set(b)) for a, b in zip(A, B, strict=True)]))


def cycle(A: list, B: list) -> float:
    return float(np.mean([any(i in A[j] for j in B[i]) for i in range(len(A))]))


def lcs(A: list, B: list) -> float:
    return float(np.mean([subsequence(tuple(a), tuple(b)) / len(a) for a, b in zip(A, B, strict=True)]))


def edit(A: list, B: list) -> float:
    return float(np.mean([1 - edits(tuple(a), tuple(b)) / len(a) for a, b in zip(A, B, strict=True)]))


LISTS = {
    "knn.mutual": mutual, "knn.jaccard": jaccard, "knn.cycle": cycle, "knn.lcs": lcs, "knn.edit": edit,
}


@cache
def subsequence(a: tuple, b: tuple) -> int:
    if not a or not b:
        return 0
    if a[-1] == b[-1]:
        return subsequence(a[:-1], b[:-1]) + 1
    return max(subsequence(a[:-1], b), subsequence(a, b[:-1]))


@cache
def edits(a: tuple, b: tuple) -> int:
    """Levenshtein's distance."""
    if not a or not b:
        return len(a) + len(b)
    replaced = edits(a[:-1], b[:-1]) + (a[-1] != b[-1])
    return min(replaced, edits(a[:-1], b) + 1, edits(a, b[:-1]) + 1)


def mask(lists: list) -> Array:
    M = np.zeros((len(lists), len(lists)))
    for i, row in enumerate(lists):
        M[i, row] = 1
    return M


def hsic(K: Array, L: Array) -> float:
    """Song et al. 2012 as the Platonic code has it, for tables that need not be symmetric."""
    n, one = len(K), np.ones(len(K))
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    first = np.trace(K @ L)
    second = (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
    return float((first + second - 2 * (one @ K @ L @ one) / (n - 2)) / (n * (n - 3)))


def cknna_code(X: Array, Y: Array, A: list, B: list) -> float:
    K, L, M, P = X @ X.T, Y @ Y.T, mask(A), mask(B)
    return hsic(M * P * K, M * P * L) / np.sqrt(hsic(M * K, M * K) * hsic(P * L, P * L))


def cknna_paper(X: Array, Y: Array, A: list, B: list) -> float:
    def aligned(K: Array, L: Array, alpha: Array) -> float:
        total, n = 0.0, len(K)
        for i in range(n):
            for j in range(n):
                if alpha[i, j]:
                    total += (K[i, j] - K[i].mean()) * (L[i, j] - L[i].mean())
        return total

    K, L, M, P = X @ X.T, Y @ Y.T, mask(A), mask(B)
    return aligned(K, L, M * P) / np.sqrt(aligned(K, K, M) * aligned(L, L, P))


def overlap_moments(A: list, B: list) -> tuple[float, float, float]:
    """Mean, variance and third central moment of the number of shared edges over all n! relabellings of B."""
    n = len(A)
    edges = {(i, j) for i in range(n) for j in A[i]}
    others = [(i, j) for i in range(n) for j in B[i]]
    shared = [sum((p[i], p[j]) in edges for i, j in others) for p in permutations(range(n))]
    mean = Fraction(sum(shared), len(shared))
    central = [sum((t - mean) ** power * count for t, count in zip(*counted(shared), strict=True)) / len(shared)
               for power in (2, 3)]
    return float(mean), float(central[0]), float(central[1])


def counted(values: list[int]) -> tuple[list[int], list[int]]:
    numbers, counts = np.unique(values, return_counts=True)
    return numbers.tolist(), counts.tolist()


def overlaps_by_shift(A: list, B: list, order: NDArray) -> list[int]:
    """Shared edges when the stimulus at place a of `order` meets that at place a + g, for g = 0, ..., n - 1."""
    n = len(A)
    place = {int(stimulus): a for a, stimulus in enumerate(order)}
    edges = {(i, j) for i in range(n) for j in A[i]}
    found = []
    for g in range(n):
        met = {i: int(order[(place[i] + g) % n]) for i in range(n)}
        found.append(sum((met[i], met[j]) in edges for i in range(n) for j in B[i]))
    return found
