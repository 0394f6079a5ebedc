"""The inner products of tables when one block of stimuli after the other is left out, from sums over the blocks: each
entry of a table is looked at a fixed number of times, whatever the number of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.similarity.bands import Band, turned
from workers.similarity.resampling import Resampling
from workers.similarity.table import Centring, Table, form_of
from workers.similarity.table_walk import Inner


class BlockSums:
    """For the last `new` of `count` models: products over the pairs of stimuli that touch a block, and each table's row
    sums over a block. Blocks are ranges of the seeded order. Float32 products: what is subtracted is a twentieth.

    `cross` (B, new, count), `own` (B, count), `rows` (B, count, n): rows[I, m, x] = sum of model m's entries (x, y), y
    in block I.
    """

    def __init__(self, resampling: Resampling, count: int, new: int, device: torch.device) -> None:
        self._n, self._new = resampling.n, new
        self.ranges = list(pairwise(resampling.bounds))
        blocks = len(self.ranges)
        self.cross = torch.zeros((blocks, new, count), dtype=torch.float64, device=device)
        self.own = torch.zeros((blocks, count), dtype=torch.float64, device=device)
        self.rows = torch.zeros((blocks, count, self._n), dtype=torch.float32, device=device)
        self._starts = torch.tensor([first for first, _ in self.ranges], device=device)
        self._sizes = torch.tensor([last - first for first, last in self.ranges], device=device)

    def add(self, band: Band, slabs: Sequence[Tensor]) -> None:
        by_second = [turned(slab, band) for slab in slabs]
        for block, (first, last) in enumerate(self.ranges):
            self._multiply(block, [slab[:, first:last] for slab in slabs], 1.0)
            self._multiply(block, [slab[:, first:last] for slab in by_second], 1.0)
            short = last - first - band.first  # diagonals that have pairs with both ends in the block
            if short > 0:
                inside = [slab[:short, first:last] for slab in slabs]
                mask = inside[0].new_ones(inside[0].shape).triu(band.first).flip(1)
                self._multiply(block, [part * mask for part in inside], -1.0)
        for model, (slab, second) in enumerate(zip(slabs, by_second, strict=True)):
            self._add_rows(model, band, slab, forward=True)
            self._add_rows(model, band, second, forward=False)

    def _multiply(self, block: int, parts: Sequence[Tensor], sign: float) -> None:
        entries = torch.stack([part.reshape(-1) for part in parts])
        new = entries[len(entries) - self._new :]
        self.cross[block] += sign * (new @ entries.T)
        self.own[block] += sign * torch.linalg.vecdot(entries, entries)

    def _add_rows(self, model: int, band: Band, slab: Tensor, *, forward: bool) -> None:
        """Sums along the diagonals from x to the stimuli x + c, or x - c, of each block, by running sums."""
        n = self._n
        running = torch.zeros((band.width + 1, n), dtype=torch.float32, device=slab.device)
        torch.cumsum(slab, dim=0, out=running[1:])
        if band.has_half:
            running[-1] -= (1 - sqrt(0.5)) * slab[-1]
        x = torch.arange(n, device=slab.device)
        starts, sizes = self._starts[:, None], self._sizes[:, None]
        low = (starts - x) % n if forward else (x - starts - sizes + 1) % n
        high = low + sizes

        def until(c: Tensor) -> Tensor:
            return running.gather(0, (c - band.first).clamp(0, band.width))

        # A range that runs over n goes on at 0.
        self.rows[:, model] += until(high) - until(low) + until(high - n)

    def replicates(
        self, inner: Inner, tables: Sequence[Table], centring: Centring, minimum_n: int
    ) -> NDArray[np.float64]:
        """The normalised product without each block of stimuli: (new, M, B), NaN where fewer than `minimum_n` are left
        or nothing but rounding is."""
        new, count = inner.cross.shape
        rows = torch.stack([table.rows for table in tables])
        found = np.full((new, count, len(self.ranges)), np.nan)
        for block, (first, last) in enumerate(self.ranges):
            left = self._n - (last - first)
            if left < max(minimum_n, 3):
                continue
            form = form_of(centring, left)
            kept = rows - self.rows[block]
            kept[:, first:last] = 0.0
            vectors = [(kept, form.rows)]
            if form.diagonal:
                d = torch.stack([t.diagonal for t in tables if t.diagonal is not None])
                d[:, first:last] = 0.0
                vectors.append((d, form.diagonal))
            cross = 2 * (inner.pairs.cross - self.cross[block])
            own = 2 * (inner.pairs.own - self.own[block])
            for several, weight in vectors:
                cross += weight * (several[count - new :] @ several.T)
                own += weight * torch.linalg.vecdot(several, several)
            total = kept.sum(dim=1)
            cross += form.total * total[count - new :, None] * total
            own += form.total * total * total
            itself = torch.arange(new, device=own.device)
            cross[itself, count - new + itself] = own[count - new :]
            scale = torch.sqrt(own[count - new :, None].clamp(min=0) * own.clamp(min=0))
            found[..., block] = torch.where(scale > 0, cross / scale, torch.nan).cpu().numpy()
        return found
