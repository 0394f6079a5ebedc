"""One walk through the tables of all models, band by band: the products of every two, and what others make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from workers.similarity.bands import Band, plan, slab_size
from workers.similarity.exact_sums import ExactProducts
from workers.similarity.measure import Tick
from workers.similarity.table import Centring, Table, form_of

_CANCELLED = 1e-8  # of the pairs' product: less than this, left over after subtraction, is rounding


class Visitor(Protocol):
    """Sees the slabs of all models, (width, n) each, band by band."""

    def add(self, band: Band, slabs: Sequence[Tensor]) -> None: ...


@dataclass(frozen=True)
class Inner:
    """g of the last `new` models with all: `cross` (new, M), `own` (M,) with themselves (1 where undefined), `norm`
    (new, M) the root of the products of the latter. g is twice the sum over `pairs` of stimuli, plus weight <v, v'> for
    each of `vectors` (M, n), plus `constant` (new, M), which no rearrangement of stimuli changes."""

    cross: Tensor
    own: Tensor
    norm: Tensor
    pairs: ExactProducts
    vectors: Sequence[tuple[Tensor, float]]
    constant: Tensor
    undefined: list[int]


def walk(tables: Sequence[Table], new: int, centring: Centring, visitors: Sequence[Visitor], tick: Tick) -> Inner:
    """The products of M tables of equal n. `tick` is called after every band.

    Cost: every band of every table once, and O(new M n^2 / 2) for the products; memory one slab a model for tables that
    are not held.
    """
    n, count, device = tables[0].n, len(tables), tables[0].device
    streamed = tables[0].held is None
    buffer = torch.empty((count, slab_size(n) if streamed else 0), device=device)
    pairs = ExactProducts(count, new, device)
    for band in plan(n):
        outs = buffer[:, : band.width * n].view(count, band.width, n) if streamed else buffer
        slabs = [table.slab(band, out) for table, out in zip(tables, outs, strict=True)]
        pairs.add([slab.reshape(-1) for slab in slabs], rounded=True)
        for visitor in visitors:
            visitor.add(band, slabs)
        tick()
    form = form_of(centring, n)
    cross, own = 2 * pairs.cross, 2 * pairs.own
    noise = torch.tensor([table.noise for table in tables], dtype=torch.float64, device=device) + _CANCELLED * own
    rows = torch.stack([table.rows for table in tables])
    vectors = [(rows, form.rows)] if form.rows else []
    if form.diagonal:
        vectors.append((torch.stack([t.diagonal for t in tables if t.diagonal is not None]), form.diagonal))
    for several, weight in vectors:
        sums = ExactProducts(count, new, device)
        sums.add(list(several))
        cross, own = cross + weight * sums.cross, own + weight * sums.own
    total = rows.sum(dim=1)
    constant = form.total * (total[count - new :, None] * total)
    cross, own = cross + constant, own + form.total * (total * total)
    empty = ~(own > noise)
    own = torch.where(empty, torch.ones_like(own), own)
    norm = torch.sqrt(own[count - new :, None] * own)
    return Inner(cross, own, norm, pairs, vectors, constant, empty.nonzero()[:, 0].tolist())
