"""Exact moments of the overlap of two graphs under random relabelling, in closed form.

A model's lists of neighbours are a directed graph with k edges from each of n nodes, and T, the number of edges that
two graphs share, is n k times the mutual-nearest-neighbour score. When the nodes of one are relabelled at random, the
p-th factorial moment of T is a sum over the shapes H of p edges,

    E[T (T - 1) ... (T - p + 1)] = p! sum_H copies_H(A) copies_H(B) automorphisms(H) / (n)_nodes(H),
    (n)_v = n (n - 1) ... (n - v + 1),

because p chosen edges of A that form a copy of H meet p edges of B with that probability for each copy of H there
(Friedman and Rafsky 1983 for graphs without direction). There is one shape of one edge, and there are 5 of two and 17
of three; their numbers of copies follow from a few sums over a graph, so that a pair costs no more than 23 products.
All of it is done in whole numbers: nothing cancels.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import comb, factorial, perm

import numpy as np
from scipy.sparse import csr_array

from workers.similarity.neighbours.lists import Indices

_AT_ONCE = 1 << 18  # paths of two edges that are followed at a time
# Shape of p edges -> (nodes, automorphisms). "a>b" is an edge, and shapes are joined by "+" when they share no node.
_SHAPES: tuple[dict[str, tuple[int, int]], ...] = (
    {"a>b": (2, 1)},
    {
        "a>b>a": (2, 2), "b<a>c": (3, 2), "a>b<c": (3, 2), "a>b>c": (3, 1), "a>b + c>d": (4, 2),
    },
    {
        "a>b>c>a": (3, 3), "a>b>c<a": (3, 1), "a>b>a>c": (3, 1), "a>b>a<c": (3, 1),
        "a>b,c,d": (4, 6), "a<b,c,d": (4, 6), "a>b,c a<d": (4, 2), "a>b a<c,d": (4, 2),
        "a>b>c>d": (4, 1), "a>b>c<d": (4, 1), "a>b<c>d": (4, 1), "a<b>c>d": (4, 1),
        "a>b>a + c>d": (4, 2), "b<a>c + d>e": (5, 2), "a>b<c + d>e": (5, 2), "a>b>c + d>e": (5, 1),
        "a>b + c>d + e>f": (6, 6),
    },
)
Copies = tuple[tuple[int, ...], ...]  # for p = 1, 2, 3 the copies of each shape, in the order above


@dataclass(frozen=True)
class Moments:
    """Of the number of shared edges. `skewness` is 0 where nothing varies."""

    mean: float
    variance: float
    skewness: float


def copies(top: Indices) -> Copies:
    """How many copies of each shape there are in the graph of the lists `top` (k, n): sets of edges, whatever other
    edges stand between their nodes. Cost O(n k^2)."""
    k, n = top.shape
    targets = top.T.ravel()
    edges = csr_array((np.ones(n * k, dtype=np.int64), targets, np.arange(0, n * k + 1, k)), shape=(n, n))
    back = edges.T.tocsr()
    indegree = np.bincount(targets, minlength=n)
    mutual = edges.multiply(back).sum(axis=1)
    two_way, m = int(mutual.sum()), n * k
    cycles = shortcuts = 0
    for start in range(0, n, max(1, _AT_ONCE // k**2)):
        some = slice(start, start + max(1, _AT_ONCE // k**2))
        ahead = edges[some] @ edges
        cycles += int(ahead.multiply(back[some]).sum())
        shortcuts += int(ahead.multiply(edges[some]).sum())
    squares, met = int((indegree**2).sum()), int((mutual * indegree).sum())

    two = {
        "a>b>a": two_way // 2,
        "b<a>c": n * comb(k, 2),
        "a>b<c": (squares - m) // 2,
        "a>b>c": m * k - two_way,
    }
    two["a>b + c>d"] = comb(m, 2) - sum(two.values())
    three = {
        "a>b>c>a": cycles // 3,
        "a>b>c<a": shortcuts,
        "a>b>a>c": two_way * (k - 1),
        "a>b>a<c": met - two_way,
        "a>b,c,d": n * comb(k, 3),
        "a<b,c,d": int((indegree * (indegree - 1) * (indegree - 2)).sum()) // 6,
        "a>b,c a<d": (k - 1) * (m * k - 2 * two_way) // 2,
        "a>b a<c,d": (k * (squares - m) - 2 * (met - two_way)) // 2,
        "a>b>c>d": m * k**2 - k * two_way - met + two_way - cycles,
        "a>b>c<d": int(indegree @ (edges @ indegree)) - k * m - (met - two_way) - shortcuts,
        "a>b<c>d": (k - 1) * (squares - m) - shortcuts,
        "a<b>c>d": (k - 1) * (m * k - two_way) - shortcuts,
    }
    # An edge beside a shape of two: all choices, less those that touch it, which are the connected shapes of three.
    chain, fork, join = three["a>b>c>d"], three["a>b,c a<d"], three["a>b a<c,d"]
    corner, tip = three["a>b>a>c"], three["a>b>a<c"]
    inward, between, outward = three["a>b>c<d"], three["a>b<c>d"], three["a<b>c>d"]
    three["a>b>a + c>d"] = two["a>b>a"] * (m - 2) - corner - tip
    three["b<a>c + d>e"] = (
        two["b<a>c"] * (m - 2) - shortcuts - corner - 3 * three["a>b,c,d"] - fork - between - outward
    )
    three["a>b<c + d>e"] = two["a>b<c"] * (m - 2) - shortcuts - tip - 3 * three["a<b,c,d"] - join - inward - between
    three["a>b>c + d>e"] = (
        two["a>b>c"] * (m - 2) - shortcuts - cycles - corner - tip - 2 * (fork + join + chain) - inward - outward
    )
    three["a>b + c>d + e>f"] = comb(m, 3) - sum(three.values())
    found = ({"a>b": m}, two, three)
    return tuple(tuple(counts[shape] for shape in shapes) for counts, shapes in zip(found, _SHAPES, strict=True))


@cache
def _weights(n: int) -> tuple[tuple[tuple[int, ...], int], ...]:
    """For p = 1, 2, 3 the factor of each shape's copies, and the number by which all of them are to be divided."""
    found = []
    for p, shapes in enumerate(_SHAPES, start=1):
        most = perm(n, min(n, 2 * p))
        factors = [factorial(p) * automorphisms * (most // perm(n, nodes) if nodes <= n else 0)
                   for nodes, automorphisms in shapes.values()]
        found.append((tuple(factors), most))
    return tuple(found)


def overlap_moments(a: Copies, b: Copies, n: int) -> Moments:
    """Mean, variance and skewness of the number of edges that two graphs of n nodes share, over all n! relabellings of
    one. Exact up to the last rounding."""
    first, second, third = (
        Fraction(sum(f * x * y for f, x, y in zip(factors, left, right, strict=True)), most)
        for (factors, most), left, right in zip(_weights(n), a, b, strict=True)
    )
    variance = second + first - first**2
    cubed = third + 3 * second + first
    central = cubed - 3 * first * (second + first) + 2 * first**3
    skewness = float(central) / float(variance) ** 1.5 if variance else 0.0
    return Moments(float(first), float(variance), skewness)
