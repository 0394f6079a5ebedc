"""Exact nearest neighbours by inner product among the rows of one embedding.

Which rows b are nearest to row a depends on <x_a, x_b> only up to what is the same for all b, so that it may be read
from <x_a, y_b> = <y_a, y_b> + <m, y_b>, where m is the mean row and y = x - m. The first term is multiplied in float32
from rows that were centred in float64: what all rows share (massive activations above all) has left before the cast.
That gives a few candidates a row. Where float32 cannot tell their order for sure, they are scored again in float64,
and where it cannot tell even that no other row belongs to them, all rows are. (Float32 means float32: not TF32.)

Two inner products tie if float64 could not tell them apart, and so do those that are connected by such steps; ties go
to the lower index. Rows that are the same therefore always tie. The lists do not depend on the machine, the device or
the number of threads, except where values stand just at the edge of rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import inf

import numpy as np
import torch
from torch import Tensor

from workers.similarity.errors import Undefined

_MARGIN = 5  # candidates beyond those that are asked for
_BAND = 2048  # rows and columns of the products that are held at a time
_STRIP = 256  # rows multiplied at a time within a band, right of the diagonal alone
_GROUP = 32  # columns whose maximum is taken
_FLOAT32, _FLOAT64 = 2.0**-24, 2.0**-53  # rounding of one operation


class Neighbourhood:
    """The rows of one embedding, ready to be searched. `X` (n, d) float64 is kept and not changed; beside it stands its
    centred copy.

    Raises Undefined if all rows are the same up to rounding.
    """

    def __init__(self, X: Tensor) -> None:
        self.n, self.d = X.shape
        self.X, self.Y = X, X - X.mean(dim=0)
        lengths, self._lengths = (torch.linalg.vector_norm(rows, dim=1) for rows in (self.X, self.Y))
        if not bool((self._lengths > 1e-12 * lengths).any()):
            raise Undefined("its preprocessed rows are all the same")
        self._tie = (2 * self.d + 16) * _FLOAT64 * lengths * lengths.max()

    def nearest(self, count: int) -> Tensor:
        """The `count` < n nearest other rows of every row, nearest first: (n, count) int64.

        Cost n^2 d / 2 products in float32 and about n (count + 5) d in float64; memory 50 MiB beside the rows.
        """
        held = count + _MARGIN
        if held >= self.n - 1:
            return self.nearest_of(torch.arange(self.n, device=self.X.device), count)
        scale = float(self._lengths.max())
        offsets = (self.Y @ (self.X[0] - self.Y[0])) / scale**2
        rows = torch.mul(self.Y, 1 / scale, out=torch.empty(self.Y.shape, dtype=torch.float32, device=self.Y.device))
        rough, candidates = _candidates(rows, offsets.float(), held)
        rough = rough.double()
        # Casting the rows, d products and sums, casting the offset and adding it.
        off = 1.1 * _FLOAT32 * ((self.d + 6) * self._lengths / scale + 3 * float(offsets.abs().max())) + 1e-30
        close = rough[:, :-1] - rough[:, 1:] <= 2.1 * off[:, None]
        for beyond in range(count, held - 1):  # ranks beyond the list matter if they may tie with its last
            close[:, beyond] &= close[:, beyond - 1]
        doubtful = close.any(dim=1).nonzero()[:, 0]
        found = candidates[:, :count].clone()
        if not len(doubtful):
            return found
        rough, candidates, close, off = (part[doubtful] for part in (rough, candidates, close, off))
        unsure = torch.zeros_like(candidates, dtype=torch.bool)
        unsure[:, :-1] |= close
        unsure[:, 1:] |= close
        scores = rough * scale**2
        scores[unsure] = self.products(doubtful[unsure.nonzero()[:, 0]], candidates[unsure])
        found[doubtful], least = _ranked(scores, candidates, self._tie[doubtful], count, self.n)
        outside = (rough[:, -1] + off) * scale**2  # nothing that is no candidate has more
        open_ended = doubtful[least - self._tie[doubtful] <= outside]
        found[open_ended] = self.nearest_of(open_ended, count)
        return found

    def products(self, rows: Tensor, others: Tensor) -> Tensor:
        """<x_a, y_b> in float64 of rows (p,) and others (p,): (p,). The same rows give the same bits, wherever they
        stand."""
        found = torch.empty(len(rows), dtype=torch.float64, device=rows.device)
        for some in _parts(len(rows), self.d, rows.device):
            found[some] = (self.X[rows[some]] * self.Y[others[some]]).sum(dim=1)
        return found

    def nearest_of(self, rows: Tensor, count: int, among: Tensor | None = None) -> Tensor:
        """The `count` nearest other rows of `rows` (r,) alone: (r, count) int64, all in float64. `among` (n,) bool
        says which rows are looked at. Cost O(r n (d + log n))."""
        found = torch.empty((len(rows), count), dtype=torch.int64, device=rows.device)
        everyone = torch.arange(self.n, device=rows.device)
        for part in _parts(len(rows), 8 * self.n, rows.device):
            some = rows[part]
            exact = self.X[some] @ self.Y.T
            if among is not None:
                exact.masked_fill_(~among, -inf)
            exact.scatter_(1, some[:, None], -inf)
            found[part], _ = _ranked(exact, everyone.expand_as(exact), self._tie[some], count, self.n)
        return found


def _parts(count: int, numbers: int, device: torch.device) -> Iterator[slice]:
    """Consecutive rows, so many at a time that their `numbers` each fit the processor's cache, or keep an accelerator
    busy."""
    some = max(1, (1 << (18 if device.type == "cpu" else 25)) // numbers)
    for start in range(0, count, some):
        yield slice(start, start + some)


def _ranked(exact: Tensor, indices: Tensor, tie: Tensor, count: int, n: int) -> tuple[Tensor, Tensor]:
    """The first `count` of the rows `indices` (r, c) by their inner products `exact`, ties to the lower index; and the
    smallest inner product (r,) that ties with the last of them."""
    ordered, order = exact.sort(dim=1, descending=True)
    steps = ordered[:, :-1] - ordered[:, 1:] > tie[:, None]
    run = torch.zeros_like(order)
    torch.cumsum(steps, dim=1, out=run[:, 1:])
    indices = indices.gather(1, order)
    least = ordered.masked_fill(run > run[:, count - 1 : count], inf).amin(dim=1)
    order = (run * n + indices).argsort(dim=1)
    return indices.gather(1, order[:, :count]), least


def _candidates(y: Tensor, offsets: Tensor, held: int) -> tuple[Tensor, Tensor]:
    """The `held` largest of <y_a, y_b> + offset_b over the other rows b, for every row a, in falling order: values
    (n, held) float32 and indices (n, held) int64. `y` is (n, d) float32."""
    n = len(y)
    count = -(-n // _BAND)
    edges = [n * i // count for i in range(count + 1)]
    best: dict[int, tuple[Tensor, Tensor]] = {}
    for top, left, products in _strips(y, offsets, list(pairwise(edges))):
        values, indices = _largest(products, min(held, products.shape[1]))
        indices += left
        if top in best:
            values, indices = (torch.cat(both, dim=1) for both in zip(best[top], (values, indices), strict=True))
            values, order = values.topk(min(held, values.shape[1]), dim=1)
            indices = indices.gather(1, order)
        best[top] = values, indices
    values, indices = (torch.cat(parts) for parts in zip(*(best[top] for top in sorted(best)), strict=True))
    return values, indices


def _strips(y: Tensor, offsets: Tensor, bands: list[tuple[int, int]]) -> Iterator[tuple[int, int, Tensor]]:
    """Strips of rows of the squares of bands: first row, first column and products. Each square off the diagonal is
    multiplied once and given twice, right of the diagonal alone where it lies on it. What is given is overwritten
    later."""
    largest = max(bottom - top for top, bottom in bands)
    square, strip = y.new_empty(largest**2), y.new_empty(min(_STRIP, largest) * largest)
    for number, (top, bottom) in enumerate(bands):
        height = bottom - top
        table = square[: height**2].view(height, height)
        for upper in range(top, bottom, _STRIP):
            lower = min(upper + _STRIP, bottom)
            rows, rest = slice(upper - top, lower - top), slice(lower - top, height)
            product = strip[: (lower - upper) * (bottom - upper)].view(lower - upper, bottom - upper)
            torch.mm(y[upper:lower], y[upper:bottom].T, out=product)
            torch.add(product, offsets[upper:bottom], out=table[rows, upper - top :])
            torch.add(product[:, lower - upper :].T, offsets[upper:lower], out=table[rest, rows])
            table[rows, rows].fill_diagonal_(-inf)
            yield upper, top, table[rows]
        for left, right in bands[number + 1 :]:
            product = y[top:bottom] @ y[left:right].T
            for first, column, part, beside in (
                (top, left, product, offsets[left:right]), (left, top, product.T, offsets[top:bottom]),
            ):
                whole = torch.add(part, beside, out=square[: part.numel()].view(part.shape))
                for upper in range(0, len(whole), _STRIP):
                    yield first + upper, column, whole[upper : upper + _STRIP]


def _largest(products: Tensor, held: int) -> tuple[Tensor, Tensor]:
    """The `held` largest entries of every row, in falling order, and their columns: (r, held) each.

    On a CPU that is about twice as fast as `topk` if the maxima of small groups of columns are taken first: at least
    `held` entries of a row reach the `held`-th largest maximum, and few more do.
    """
    height, width = products.shape
    groups = width // _GROUP
    if products.device.type != "cpu" or groups < 2 * held:
        values, columns = products.topk(held, dim=1)
        return values, columns
    maxima = products[:, : groups * _GROUP].reshape(height, groups, _GROUP).amax(dim=2)
    enough = maxima.kthvalue(groups - held + 1, dim=1, keepdim=True).values
    table = products.numpy()
    row, column = np.divmod(np.flatnonzero(table >= enough.numpy()), width)
    starts = np.searchsorted(row, np.arange(height + 1))
    place = np.arange(len(row)) - starts[row]
    few = np.full((height, np.diff(starts).max()), -inf, dtype=np.float32)
    few[row, place] = table[row, column]
    where = np.zeros(few.shape, dtype=np.int64)
    where[row, place] = column
    values, order = torch.from_numpy(few).topk(held, dim=1)
    return values, torch.from_numpy(where).gather(1, order)
