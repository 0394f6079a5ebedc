"""The overlap of two neighbour graphs for all n cyclic shifts of the stimuli of one, at once.

In one seeded order of the stimuli every edge goes some number of places ahead, and shifting changes no edge's number
of places. So an edge of one graph meets only those of the other that go as far, each at the one shift that lays their
sources over each other. About n k^2 such meetings a pair replace n overlaps of n k edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.similarity.neighbours.lists import Indices

_AT_ONCE = 1 << 18  # meetings that are counted at a time


@dataclass(frozen=True)
class Strides:
    """The edges of a graph by how many places they go ahead: `sources` (n k,) are their places, those that go s places
    ahead at `starts[s]` to `starts[s + 1]`; `lengths` (n k,) says how far each goes. All int64."""

    sources: NDArray[np.int64]
    lengths: NDArray[np.int64]
    starts: NDArray[np.int64]


def strides(top: Indices, order: NDArray[np.int64]) -> Strides:
    """The edges of the lists `top` (k, n) when the stimuli stand in `order` (n,)."""
    n = len(order)
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    lengths = ((place[top] - place) % n).ravel()
    by_length = np.argsort(lengths, kind="stable")
    lengths = lengths[by_length]
    sources = np.broadcast_to(place, top.shape).ravel()[by_length]
    return Strides(sources, lengths, np.searchsorted(lengths, np.arange(n + 1)))


def overlaps(a: Strides, b: Strides) -> NDArray[np.int64]:
    """How many edges graph a shares with graph b moved by g = 0, ..., n - 1 places: (n,). Cost O(n k^2)."""
    n = len(a.starts) - 1
    met = np.diff(b.starts)[a.lengths]  # by each edge of a
    upto = np.concatenate(([0], np.cumsum(met)))
    found = np.zeros(n, dtype=np.int64)
    start = 0
    while start < len(met):
        end = max(start + 1, int(np.searchsorted(upto, upto[start] + _AT_ONCE, side="right")) - 1)
        some = slice(start, end)
        jump = b.starts[a.lengths[some]] - upto[some] + upto[start]
        partners = np.arange(upto[end] - upto[start]) + np.repeat(jump, met[some])
        apart = np.repeat(a.sources[some], met[some]) - b.sources[partners]  # between -n and n
        both_ways = np.bincount(apart + n, minlength=2 * n)
        found += both_ways[n:] + both_ways[:n]
        start = end
    return found
