"""Half squared distances between the rows of one model, band by band.

x_ab = |y_a|^2 / 2 + |y_b|^2 / 2 - <y_a, y_b>, on rows that were centred in float64 before they became
float32: distances do not change when the rows are moved, and what is left to cancel is as small as it can be.
With rows of unit length x is 1 minus the cosine, and with rows of unit length that were centred over their
features it is 1 minus the correlation.
"""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor

from workers.similarity.bands import Band, Products, later, plan, table_size
from workers.similarity.errors import Undefined

EPSILON = 2.0**-24  # rounding of one float32 operation
FEW = 512  # stimuli up to which distances are float64: it costs little there, and a single pair shows more
_LARGEST = 1e24  # squared lengths: their sums and products stay finite in float32


class HalfSquaredDistances:
    """The centred rows and half their squared lengths (n,), float64 up to `FEW` stimuli and float32 beyond unless told
    otherwise.

    `mean` is that of x over all pairs a < b; `scale` is what the rows were multiplied by; `epsilon` is the
    rounding of one operation.
    """

    def __init__(self, rows: Tensor, scale: float | None = None, dtype: torch.dtype | None = None) -> None:
        """`rows` (n, d) float64, overwritten; multiplied by `scale`, or so that x has a mean of 1 if none is
        given.

        Raises Undefined if all rows are the same, or so far apart at this scale that float32 cannot hold
        them.
        """
        dtype = dtype or (torch.float64 if len(rows) <= FEW else torch.float32)
        self.n, self.device, self.epsilon = len(rows), rows.device, torch.finfo(dtype).eps / 2
        total = center_(rows)
        self.scale = sqrt((self.n - 1) / total) if scale is None else scale
        scaled = rows.mul_(self.scale).to(dtype)
        lengths = torch.linalg.vector_norm(scaled, dim=1, dtype=torch.float64).square()
        if not float(lengths.max()) < _LARGEST:
            raise Undefined("its rows are more than 1e12 kernel widths apart")
        self._products = Products(scaled)
        self.half_lengths = (lengths / 2).to(dtype)
        self.mean = float(lengths.sum()) / (self.n - 1)

    def fill(self, band: Band, out: Tensor) -> None:
        """The slab of x to `out` (width, n), of the rows' dtype, never below 0."""
        self._products.fill(band, out)
        torch.sub(later(self.half_lengths, band), out, out=out)
        out.add_(self.half_lengths).clamp_(min=0)

    def slab(self, band: Band, out: Tensor, *, rooted: bool = False) -> Tensor:
        """The slab of x, or of the distances themselves if `rooted`: `out`, float32, overwritten, or another tensor
        where distances are float64. Rooted, rows that are the same up to rounding have exactly 0, since the root of
        what rounding leaves is not small."""
        x = out if self.half_lengths.dtype == out.dtype else self.half_lengths.new_empty(out.shape)
        self.fill(band, x)
        if rooted:
            self._settle(band, x)
            x.mul_(2).sqrt_()
        return x

    def _settle(self, band: Band, x: Tensor) -> None:
        x.masked_fill_(x <= (later(self.half_lengths, band) + self.half_lengths) * (4 * self.epsilon), 0.0)

    def table(self) -> Tensor:
        """All slabs, one below the other: (n // 2, n). Rows that are the same up to rounding have exactly 0.

        Cost O(n^2 d); memory 2 n^2 bytes in float32.
        """
        found: Tensor = self.half_lengths.new_empty((self.n // 2, self.n))
        for band in plan(self.n):
            slab = found[band.rows]
            self.fill(band, slab)
            self._settle(band, slab)
        return found


def pairs_of(table: Tensor) -> Tensor:
    """Every pair once, (n (n - 1) / 2,): a view of a table (n // 2, n) of all diagonals."""
    n = table.shape[1]
    flat: Tensor = table.reshape(-1)  # a view, since tables are contiguous
    return flat[: n * (n - 1) // 2]


def center_(rows: Tensor) -> float:
    """Subtract the mean row from `rows` (n, d) float64, in place; the sum of all squares of the result.

    Raises Undefined if nothing but rounding is left.
    """
    before = float(torch.linalg.vector_norm(rows)) ** 2
    total = float(torch.linalg.vector_norm(rows.sub_(rows.mean(dim=0)))) ** 2
    if total <= 1e-24 * before:
        raise Undefined("its preprocessed rows are all the same")
    return total


def table_bytes(n: int) -> int:
    """Size of a float32 table of all diagonals."""
    return 4 * table_size(n)
