"""Half squared distances between the rows of one model, tile by tile.

x_ab = |y_a|^2 / 2 + |y_b|^2 / 2 - <y_a, y_b>, on rows that were centred in float64 before they became
float32: distances do not change when the rows are moved, and what is left to cancel is as small as it can be.
With rows of unit length x is 1 minus the cosine, and with rows of unit length that were centred over their
features it is 1 minus the correlation.
"""

from __future__ import annotations

from math import inf, sqrt

import torch
from torch import Tensor

from workers.similarity.errors import Undefined
from workers.similarity.tiles import Tile, plan

EPSILON = 2.0**-24  # rounding of one float32 operation
_LARGEST = 1e24  # squared lengths: their sums and products stay finite in float32


class HalfSquaredDistances:
    """The centred rows (n, d) and half their squared lengths (n,), float32 unless told otherwise.

    `mean` is that of x over all pairs a < b; `scale` is what the rows were multiplied by; `epsilon` is the
    rounding of one operation.
    """

    def __init__(self, rows: Tensor, scale: float | None = None, dtype: torch.dtype = torch.float32) -> None:
        """`rows` (n, d) float64, overwritten; multiplied by `scale`, or so that x has a mean of 1 if none is
        given.

        Raises Undefined if all rows are the same, or so far apart at this scale that float32 cannot hold
        them.
        """
        self.n, self.device, self.epsilon = len(rows), rows.device, torch.finfo(dtype).eps / 2
        total = center_(rows)
        self.scale = sqrt((self.n - 1) / total) if scale is None else scale
        self._rows = rows.mul_(self.scale).to(dtype)
        lengths = torch.linalg.vector_norm(self._rows, dim=1, dtype=torch.float64).square()
        if not float(lengths.max()) < _LARGEST:
            raise Undefined("its rows are more than 1e12 kernel widths apart")
        self.half_lengths = (lengths / 2).to(dtype)
        self.mean = float(lengths.sum()) / (self.n - 1)

    def fill(self, tile: Tile, out: Tensor) -> None:
        """The tile of x to `out`, of the rows' dtype, never below 0."""
        upper, lower = self._rows[tile.top : tile.bottom], self._rows[tile.left : tile.right]
        torch.addmm(self.half_lengths[tile.left : tile.right], upper, lower.T, alpha=-1, out=out)
        out.add_(self.half_lengths[tile.top : tile.bottom, None]).clamp_(min=0)

    def packed(self) -> Tensor:
        """All tiles of the plan one after the other, as one vector; entries that are not right of the
        diagonal are infinite, and rows that are the same up to rounding have exactly 0.

        Cost O(n^2 d); memory about 2 n^2 bytes in float32.
        """
        tiles = plan(self.n)
        size = sum(tile.size for tile in tiles)
        table = torch.empty(size, dtype=self._rows.dtype, device=self.device)
        used = 0
        for tile in tiles:
            x = table[used : used + tile.size].view(tile.shape)
            self.fill(tile, x)
            left, right = (
                self.half_lengths[tile.top : tile.bottom, None],
                self.half_lengths[tile.left : tile.right],
            )
            x.masked_fill_(x <= (left + right) * (4 * self.epsilon), 0.0)
            if tile.on_diagonal:
                height = tile.shape[0]
                below = torch.ones((height, height), dtype=torch.bool, device=self.device).tril_()
                x[:, :height].masked_fill_(below, inf)
            used += tile.size
        return table


def center_(rows: Tensor) -> float:
    """Subtract the mean row from `rows` (n, d) float64, in place; the sum of all squares of the result.

    Raises Undefined if nothing but rounding is left.
    """
    before = float(torch.linalg.vector_norm(rows)) ** 2
    total = float(torch.linalg.vector_norm(rows.sub_(rows.mean(dim=0)))) ** 2
    if total <= 1e-24 * before:
        raise Undefined("its preprocessed rows are all the same")
    return total


def packed_bytes(n: int) -> int:
    """Size of a packed float32 table."""
    return 4 * sum(tile.size for tile in plan(n))
