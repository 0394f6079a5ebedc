"""CKNNA: centred kernel nearest-neighbour alignment (Huh et al. 2024), in the two forms that go by that name.

Both compare two models' inner products on pairs of stimuli that are nearest neighbours in both. K_ij = <x_i, x_j> and
N(i), the k nearest neighbours of i, belong to the left model, L and O(i) to the right one. Neither form adds anything
to its denominator.

`cknna.code`, as the published code computes it: with the masks M_ij = [j in N(i)], P_ij = [j in O(i)] and A = M P
(entry by entry), none of them symmetric,

    s = h(A K, A L) / sqrt(h(M K, M K) h(P L, P L)),
    h(U, V) = sum_ij U_ij V_ji + 1'U1 1'V1 / ((n - 1)(n - 2)) - 2 1'U V1 / (n - 2),

the estimate of Song et al. (2012) times n (n - 3), applied to masked tables although it is meant for symmetric ones.
The last term multiplies column sums of U by row sums of V: swapping the models changes the value a little. Entries are
cut out before they are centred. A model with h(M K, M K) <= 0 has no value.

`cknna.paper`, equation 16 of the paper: with rows centred first, over all n stimuli and itself, C_ij = K_ij - mean_l
K_il, and alpha_ij = 1 if j in N(i) and j in O(i), else 0,

    s = sum_ij alpha_ij C_ij D_ij / sqrt(sum_i,j in N(i) C_ij^2  sum_i,j in O(i) D_ij^2).

The paper does not say which pairs the normalising sums run over; here, as in its code, each runs over the pairs that
are neighbours in the one model. By the Cauchy-Schwarz inequality -1 <= s <= 1. Symmetric, to the bit.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import fsum, sqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.domain.metrics import Metric
from workers.similarity.errors import Undefined
from workers.similarity.neighbours import lists
from workers.similarity.neighbours.lists import Indices, Lists
from workers.similarity.neighbours.search import Neighbourhood
from workers.similarity.pairs import Array, PairMeasure
from workers.similarity.resampling import Resampling


@dataclass(frozen=True)
class Products:
    """One model's lists with the inner products on them, and what centring takes; all inner products are divided by
    one number, so that the largest length is 1.

    `nearest` (l, n) and `shorts` (k, s) float64 are <x_i, y_j> at the entries of the lists, y_j = x_j less the mean
    row; `level` (n,) is <x_i, mean row>. `means` (blocks, n) is the mean of <x_i, y_j> over the j that stay when the
    block is left out whose first stimulus is `blocks` (blocks,).
    """

    lists: Lists
    nearest: Array
    shorts: Array
    level: Array
    blocks: Indices
    means: Array


@dataclass(frozen=True)
class Local:
    """Lists `top` (k, n), the entries of the model's table there (k, n), and the numerator `own` of the model with
    itself. `products` is there for as long as stimuli may still be left out."""

    top: Indices
    entries: Array
    own: float = 0.0
    products: Products | None = None

    @cached_property
    def back(self) -> NDArray[np.intp]:
        """Where the entry j -> i stands, as r n + j, for each entry i -> j; k n if it is in no list. (k, n), cost
        O(n k^2)."""
        k, n = self.top.shape
        found = np.full((k, n), k * n)
        start = np.arange(n, dtype=np.int32)
        for there, places in zip(self.top.astype(np.intp), found, strict=True):
            for r, again in enumerate(self.top):
                closes = again.take(there) == start
                places[closes] = r * n + there[closes]
        return found


@dataclass(frozen=True)
class Meetings:
    """Where a model has neighbours in common with each of `count` others. At h places it is met: `place` (h,) = r n + i
    in its lists, `which` (h,) of the others it is, `stimulus` (h,) = i, and the entries of `left` and `right` (h,)."""

    model: Local
    count: int
    place: NDArray[np.intp]
    which: NDArray[np.intp]
    stimulus: NDArray[np.intp]
    left: Array
    right: Array


def _meetings(left: Local, right: Local, orders: NDArray[np.int64] | None = None) -> Meetings:
    """With `right`, or with `right` relabelled by each of `orders` (P, n). Cost O(P n k^2), a few comparisons by one
    instruction."""
    k, n = left.top.shape
    tops = right.top[:, None] if orders is None else lists.relabelled(right.top, orders)
    count = tops.shape[1]
    same = np.empty((k, count, n), dtype=bool)
    found = []
    for top, entries in zip(tops, right.entries, strict=True):
        np.equal(left.top[:, None], top, out=same)
        place, at = np.divmod(np.flatnonzero(same), count * n)
        which, stimulus = np.divmod(at, n)
        place = place * n + stimulus
        there = entries[stimulus if orders is None else orders.ravel()[at]]
        found.append((place, which, stimulus, left.entries.ravel()[place], there))
    return Meetings(left, count, *(np.concatenate(parts) for parts in zip(*found, strict=True)))


class Cknna(PairMeasure[Local]):
    """What the two forms share."""

    no_value: str

    def __init__(self, metric: Metric) -> None:
        super().__init__(metric)
        self.k = int(metric.parameters["k"])

    @abstractmethod
    def table(self, products: Array, level: Array, mean: Array) -> Array:
        """The entries (k, n) of a model's table from <x_i, y_j> (k, n), <x_i, mean row> (n,) and the mean of
        <x_i, y_j> over the j that are there (n,)."""

    @abstractmethod
    def numerators(self, met: Meetings) -> Array:
        """Those of one model and the P others that it is met by: (P,)."""

    def prepare(self, X: Tensor, resampling: Resampling) -> Local:
        rows = Neighbourhood(X)
        return self._whole(_products(rows, lists.find(rows, self.k, resampling), resampling))

    def _whole(self, products: Products) -> Local:
        some = slice(self.k)
        entries = self.table(products.nearest[some], products.level, np.zeros_like(products.level))
        return replace(self._local(products.lists.top, entries), products=products)

    def _local(self, top: Indices, entries: Array) -> Local:
        """Raises Undefined if there is nothing to divide by."""
        model = Local(top, entries)
        own = float(self.numerators(_meetings(model, model))[0])
        if not own > 0:
            raise Undefined(self.no_value)
        return replace(model, own=own)

    def score(self, left: Local, right: Local) -> float:
        value = float(self.numerators(_meetings(left, right))[0]) / sqrt(left.own * right.own)
        return float(np.clip(value, self.metric.spec.lower, self.metric.spec.upper))

    def draws(self, left: Local, right: Local, orders: NDArray[np.int64]) -> Array:
        parts = [self.numerators(_meetings(left, right, some)) for some in lists.in_parts(orders, self.k)]
        found: Array = np.concatenate(parts) / sqrt(left.own * right.own)
        return found

    def relabelled(self, model: Local, order: NDArray[np.int64]) -> Local:
        return self._local(lists.relabelled(model.top, order[None])[:, 0], model.entries[:, order])

    def without(self, model: Local, kept: NDArray[np.int64]) -> Local:
        products = model.products
        assert products is not None, "stimuli are left out of whole models"
        cut = lists.cut(products.lists, kept)
        entries = np.take_along_axis(products.nearest[:, kept], cut.ranks, axis=0)
        entries[:, cut.filled] = products.shorts[:, cut.shorts]
        mean = products.means[products.blocks == lists.first_left_out(kept)][0, kept]
        return self._local(cut.top, self.table(entries, products.level[kept], mean))

    def resident_bytes(self, n: int, d: int) -> int:
        return 48 * n * (self.k + 20)

    def scratch_bytes(self, n: int, d: int) -> int:
        return lists.scratch_bytes(n, d, self.k)

    def cache_name(self, resampling: Resampling) -> str | None:
        return f"{lists.cache_name(self.k, resampling)}-products"

    def pack(self, prepared: Local) -> Mapping[str, NDArray[Any]]:
        products = prepared.products
        assert products is not None, "whole models are stored"
        own = {name: array for name, array in vars(products).items() if name != "lists"}
        return own | {f"lists_{name}": array for name, array in lists.pack(products.lists).items()}

    def unpack(self, arrays: Mapping[str, NDArray[Any]], device: str) -> Local:
        of_lists = {name.removeprefix("lists_"): a for name, a in arrays.items() if name.startswith("lists_")}
        own = {name: a for name, a in arrays.items() if not name.startswith("lists_")}
        return self._whole(Products(Lists(self.k, **of_lists), **own))


class CodeForm(Cknna):
    """cknna.code."""

    no_value = "the unbiased estimate from its own masked inner products is not positive"

    def table(self, products: Array, level: Array, mean: Array) -> Array:
        return products + level

    def numerators(self, met: Meetings) -> Array:
        (k, n), count = met.model.top.shape, met.count
        there = np.zeros((count, k * n + 1))  # the right model's entries in the places of the left one's; last, nothing
        there[met.which, met.place] = met.right
        back = met.model.back.ravel()[met.place]
        both_ways = np.bincount(met.which, met.left * there[met.which, back], count)
        target = met.model.top.ravel()[met.place]
        columns = np.bincount(met.which * n + target, met.left, count * n).reshape(count, n)
        rows = np.bincount(met.which * n + met.stimulus, met.right, count * n).reshape(count, n)
        totals = columns.sum(axis=1) * rows.sum(axis=1)
        found: Array = both_ways + totals / ((n - 1) * (n - 2)) - 2 * (columns * rows).sum(axis=1) / (n - 2)
        return found


class PaperForm(Cknna):
    """cknna.paper."""

    no_value = "its centred inner products are zero for all neighbours"

    def table(self, products: Array, level: Array, mean: Array) -> Array:
        return products - mean

    def numerators(self, met: Meetings) -> Array:
        products = met.left * met.right
        if met.count == 1:  # rounded once, so that it does not show which model comes first
            return np.array([fsum(products.tolist())])
        sums: Array = np.bincount(met.which, products, met.count).astype(np.float64)
        return sums


def _products(rows: Neighbourhood, found: Lists, resampling: Resampling) -> Products:
    """Cost O(n l d) and, for intervals, O(n d) a block."""
    n, device = rows.n, rows.X.device
    scale = float(torch.linalg.vector_norm(rows.X, dim=1).max()) ** 2

    def at(stimuli: NDArray[Any], others: NDArray[Any]) -> Array:
        pairs = (torch.from_numpy(x.ravel()).to(device, torch.int64) for x in np.broadcast_arrays(stimuli, others))
        products: Array = rows.products(*pairs).cpu().numpy() / scale
        return products.reshape(others.shape)

    def with_all(vector: Tensor) -> Array:
        products: Array = (rows.X * vector).sum(dim=1).cpu().numpy() / scale
        return products

    blocks = resampling.blocks if resampling.uncertainty else []
    # Centred rows sum to nothing, so that those that stay sum to less those that go.
    means = [-with_all(rows.Y[torch.from_numpy(block).to(device)].sum(dim=0)) / (n - len(block)) for block in blocks]
    return Products(
        found,
        at(np.arange(n), found.nearest),
        at(found.short_stimuli, found.short_lists),
        with_all(rows.X[0] - rows.Y[0]),
        np.array([block[0] for block in blocks], dtype=np.int32),
        np.array(means).reshape(len(blocks), n),
    )
