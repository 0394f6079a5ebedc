"""How a symmetric n x n table is walked through: by its circulant diagonals, c = 1, 2, ..., n // 2.

Row c of a slab holds the entries (a, a + c mod n) for all a, so that the slabs of all bands hold every pair of
stimuli once, and a cyclic relabelling of the stimuli shifts every row of a slab by the same step: correlations over
all n shifts are Fourier transforms along a. Where n is even the last diagonal has every pair twice; it is kept whole
and divided by sqrt(2), so that products of two tables count it once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import torch
from torch import Tensor

_ROWS = 64  # stimuli whose products with their followers are computed together


@dataclass(frozen=True)
class Band:
    """Diagonals `first` to `last` (excluded) of a table of n stimuli: slabs of shape (width, n)."""

    n: int
    first: int
    last: int

    @property
    def width(self) -> int:
        return self.last - self.first

    @property
    def rows(self) -> slice:
        """Where the band lies in a table of all diagonals (n // 2, n)."""
        return slice(self.first - 1, self.last - 1)

    @property
    def has_half(self) -> bool:
        """Whether the band ends with the diagonal that has every pair twice."""
        return 2 * (self.last - 1) == self.n


def plan(n: int) -> list[Band]:
    """Bands of at most `width(n)` diagonals, in a fixed order: a function of n alone, never of the memory at hand."""
    step = width(n)
    return [Band(n, first, last) for first, last in pairwise([*range(1, n // 2 + 1, step), n // 2 + 1])]


def width(n: int) -> int:
    """Diagonals in a band: the more, the fewer entries are multiplied in vain and the wider the products; fewer with
    many stimuli, so that a slab stays within some MiB."""
    return 512 if n <= 4096 else 256


def table_size(n: int) -> int:
    """Entries of all diagonals together."""
    return (n // 2) * n


def slab_size(n: int) -> int:
    """Entries of the largest slab."""
    return min(width(n), n // 2) * n


def later(vector: Tensor, band: Band) -> Tensor:
    """v[a + c] for the entries of a slab: (n,) -> (width, n), a view of a doubled copy."""
    return torch.cat([vector, vector[: band.last]]).as_strided((band.width, band.n), (1, 1), band.first)


def turned(slab: Tensor, band: Band) -> Tensor:
    """The slab by its second stimulus: entry (c, b) is that of the pair (b - c, b). A view of a doubled copy."""
    doubled = torch.cat([slab, slab], dim=1)
    return doubled.as_strided((band.width, band.n), (2 * band.n - 1, 1), band.n - band.first)


def row_sums(slab: Tensor, band: Band) -> Tensor:
    """What the band's entries add to the sums over each stimulus' row: (n,) float64."""
    sums = (slab.sum(dim=0) + turned(slab, band).sum(dim=0)).double()
    if band.has_half:
        sums -= (2 - sqrt(2)) * slab[-1]
    return sums


class Products:
    """Inner products of the rows of one matrix (n, d), band by band."""

    def __init__(self, rows: Tensor) -> None:
        """`rows` (n, d) of the dtype to compute in; copied."""
        self.n = len(rows)
        self._rows = torch.cat([rows, rows[: self.n // 2]])

    def fill(self, band: Band, out: Tensor) -> None:
        """<x_a, x_{a + c}> to `out` (width, n), of the rows' dtype. Cost 1.12 to 1.25 times the entries' products."""
        width = band.width
        block = self._rows.new_empty(_ROWS * (_ROWS + width - 1))
        for top in range(0, self.n, _ROWS):
            height = min(_ROWS, self.n - top)
            square = block[: height * (height + width - 1)].view(height, height + width - 1)
            followers = self._rows[top + band.first : top + height - 1 + band.last]
            torch.mm(self._rows[top : top + height], followers.T, out=square)
            # Entry (a, a + c) of the square: one step down is one step to the right as well.
            out[:, top : top + height] = square.as_strided((width, height), (1, height + width))


def dense(table: Tensor, n: int, diagonal: Tensor | float = 0.0) -> Tensor:
    """The symmetric matrix (n, n) of a table of all diagonals (n // 2, n), `diagonal` put in its place."""
    half = n // 2
    wide = torch.zeros(n * 2 * n, dtype=table.dtype, device=table.device)
    followers = table.T.contiguous()  # row a holds the entries (a, a + 1), (a, a + 2), ...
    if n % 2 == 0:
        followers[:, -1] *= sqrt(0.5)  # every pair comes twice
    wide.as_strided((n, half), (2 * n + 1, 1), 1).copy_(followers)
    upper = wide.view(n, 2 * n)
    folded = upper[:, :n] + upper[:, n:]
    matrix = folded.T.contiguous().add_(folded)
    matrix.diagonal().copy_(torch.as_tensor(diagonal, dtype=table.dtype, device=table.device).expand(n))
    return matrix
