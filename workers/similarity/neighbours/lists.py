"""Lists of nearest neighbours as they are kept, relabelled and cut, and what the measures that compare them share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.domain.metrics import Metric
from workers.similarity.neighbours.search import Neighbourhood
from workers.similarity.pairs import Array, PairMeasure
from workers.similarity.resampling import Resampling

Indices = NDArray[np.int32]
_AT_ONCE = 1 << 18  # entries of relabelled lists that are compared at a time: they stay in the processor's cache
_NONE = np.zeros(0, dtype=np.int32)


@dataclass(frozen=True)
class Lists:
    """One model's nearest neighbours of n stimuli.

    `nearest` (l, n) int32: row r holds every stimulus's (r + 1)-th nearest other stimulus. Its first `k` rows are the
    lists; more are there where stimuli may be left out later. Where not even they suffice, the shorts help: when the
    block is left out whose first stimulus is `short_blocks` (s,), stimulus `short_stimuli` (s,) has the list
    `short_lists` (k, s).
    """

    k: int
    nearest: Indices
    short_blocks: Indices
    short_stimuli: Indices
    short_lists: Indices

    @property
    def n(self) -> int:
        return int(self.nearest.shape[1])

    @property
    def top(self) -> Indices:
        """(k, n)."""
        return self.nearest[: self.k]

    @classmethod
    def of(cls, top: NDArray[np.integer[Any]]) -> Lists:
        """Lists (k, n) from which nothing will be left out."""
        return cls(len(top), np.ascontiguousarray(top, dtype=np.int32), _NONE, _NONE, _NONE.reshape(len(top), 0))


def find(rows: Neighbourhood, k: int, resampling: Resampling) -> Lists:
    """The lists of one model, exact with any of the blocks left out, too, if intervals are asked for.

    Cost as `Neighbourhood.nearest`, and O(n (d + log n)) for each stimulus and block for which the lists run short:
    about one in 20,000.
    """
    n = rows.n
    if not resampling.uncertainty:
        return Lists.of(rows.nearest(k).T.cpu().numpy())
    blocks = resampling.blocks
    nearest = rows.nearest(min(n - 1, k + 5 + ceil(2 * k / len(blocks)))).T.cpu().numpy()
    which, stimuli, lists = [_NONE], [_NONE], [_NONE.reshape(k, 0)]
    for number, block in enumerate(blocks):
        here = np.zeros(n, dtype=bool)
        here[resampling.kept(number)] = True
        short = np.flatnonzero(here & (here[nearest].sum(axis=0) < k)).astype(np.int32)
        if len(short) and n - len(block) > k:
            rest = torch.from_numpy(here).to(rows.X.device)
            found = rows.nearest_of(torch.from_numpy(short).to(rows.X.device, torch.int64), k, rest)
            which.append(np.full(len(short), block[0], dtype=np.int32))
            stimuli.append(short)
            lists.append(found.T.cpu().numpy().astype(np.int32))
    shorts = np.concatenate(which), np.concatenate(stimuli), np.concatenate(lists, axis=1)
    return Lists(k, np.ascontiguousarray(nearest, dtype=np.int32), *shorts)


@dataclass(frozen=True)
class Cut:
    """What is left of lists when only the stimuli `kept` are there: `top` (k, m) with stimuli counted anew, and where
    each entry stood: in row `ranks` (k, m) of `nearest`, or, in the columns `filled`, in the columns `shorts` of
    `short_lists`."""

    top: Indices
    ranks: NDArray[np.intp]
    filled: NDArray[np.intp]
    shorts: NDArray[np.intp]


def cut(lists: Lists, kept: NDArray[np.int64]) -> Cut:
    """The lists on the stimuli `kept` (m,) alone, ascending, m > k; what is left out is a block of the resampling that
    the lists were made for. Cost O(n k)."""
    k, m = lists.k, len(kept)
    here = np.full(lists.n, -1, dtype=np.int32)
    here[kept] = np.arange(m, dtype=np.int32)
    left = here[lists.nearest[:, kept]]
    top, ranks = left[:k].copy(), np.repeat(np.arange(k)[:, None], m, axis=1)
    broken = np.flatnonzero((top < 0).any(axis=0))
    order = np.argsort(left[:, broken] < 0, axis=0, kind="stable")[:k]
    ranks[:, broken] = order
    top[:, broken] = np.take_along_axis(left[:, broken], order, axis=0)
    shorts = np.flatnonzero(lists.short_blocks == first_left_out(kept))
    filled = here[lists.short_stimuli[shorts]].astype(np.intp)
    top[:, filled] = here[lists.short_lists[:, shorts]]
    if (top < 0).any():
        raise ValueError("these stimuli are not a block of the resampling that the lists were made for")
    return Cut(top, ranks, filled, shorts)


def relabelled(top: Indices, orders: NDArray[np.int64]) -> Indices:
    """Lists (k, n) of the model whose stimulus i is what stimulus `orders[p, i]` was: (k, P, n)."""
    count, n = orders.shape
    names = np.empty(count * n, dtype=np.int32)
    first = n * np.arange(count)[:, None]
    names[orders + first] = np.arange(n, dtype=np.int32)
    found = np.empty((len(top), count, n), dtype=np.int32)
    for one, out in zip(top.astype(np.int64), found, strict=True):
        at = one.take(orders)
        at += first
        names.take(at, out=out)
    return found


def in_parts(orders: NDArray[np.int64], k: int) -> Iterator[NDArray[np.int64]]:
    """The permutations `orders` (K, n), a few at a time."""
    some = max(1, _AT_ONCE // (k * orders.shape[1]))
    for start in range(0, len(orders), some):
        yield orders[start : start + some]


def pack(lists: Lists) -> dict[str, NDArray[Any]]:
    """Everything but k."""
    return {name: getattr(lists, name) for name in ("nearest", "short_blocks", "short_stimuli", "short_lists")}


def first_left_out(kept: NDArray[np.int64]) -> int:
    """The lowest index that is missing from `kept`, ascending."""
    return int(np.argmin(np.append(kept == np.arange(len(kept)), False)))


def cache_name(k: int, resampling: Resampling) -> str:
    """What lists are called, from all that decides what is in them."""
    if not resampling.uncertainty:
        return f"neighbours-{k}"
    blocks = np.concatenate([np.concatenate(([len(block)], block)) for block in resampling.blocks])
    return f"neighbours-{k}-{sha256(blocks.astype('<i8').tobytes()).hexdigest()[:16]}"


def scratch_bytes(n: int, d: int, k: int) -> int:
    """Memory for finding lists, and for comparing some relabelled ones or all shifts."""
    rows = 40 * n * d + 48 * n * (k + 10)
    return rows + 12 * min(n, 2048) ** 2 + 64 * min(n * k * k, n * k + _AT_ONCE)


class ListMeasure(PairMeasure[Lists]):
    """A measure that compares lists of k neighbours and nothing else: what one gives is `scores`."""

    def __init__(self, metric: Metric) -> None:
        super().__init__(metric)
        self.k = int(metric.parameters["k"])

    @abstractmethod
    def scores(self, left: Indices, right: Indices) -> Array:
        """s of the lists `left` (k, n) and each of P lists `right` (k, P, n): (P,)."""

    def prepare(self, X: Tensor, resampling: Resampling) -> Lists:
        return find(Neighbourhood(X), self.k, resampling)

    def score(self, left: Lists, right: Lists) -> float:
        return float(self.scores(left.top, right.top[:, None])[0])

    def draws(self, left: Lists, right: Lists, orders: NDArray[np.int64]) -> Array:
        parts = [self.scores(left.top, relabelled(right.top, some)) for some in in_parts(orders, self.k)]
        return np.concatenate(parts)

    def relabelled(self, model: Lists, order: NDArray[np.int64]) -> Lists:
        return Lists.of(relabelled(model.top, order[None])[:, 0])

    def without(self, model: Lists, kept: NDArray[np.int64]) -> Lists:
        return Lists.of(cut(model, kept).top)

    def resident_bytes(self, n: int, d: int) -> int:
        return 24 * n * (self.k + 10)

    def scratch_bytes(self, n: int, d: int) -> int:
        return scratch_bytes(n, d, self.k)

    def cache_name(self, resampling: Resampling) -> str | None:
        return cache_name(self.k, resampling)

    def pack(self, prepared: Lists) -> Mapping[str, NDArray[Any]]:
        return pack(prepared)

    def unpack(self, arrays: Mapping[str, NDArray[Any]], device: str) -> Lists:
        return Lists(self.k, **arrays)
