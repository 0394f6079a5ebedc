"""How the upper triangle of an n x n table is cut into tiles. A function of n alone, never of the memory at hand."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

ROWS = 128
COLUMNS = 512
LARGEST = ROWS * COLUMNS  # entries of the largest tile


@dataclass(frozen=True)
class Tile:
    """Rows `top` to `bottom` by columns `left` to `right` (ends excluded); `left >= top` always.

    Where `left == top` the tile starts on the diagonal, and only entries right of the diagonal count.
    """

    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.bottom - self.top, self.right - self.left

    @property
    def size(self) -> int:
        return (self.bottom - self.top) * (self.right - self.left)

    @property
    def on_diagonal(self) -> bool:
        return self.left == self.top


def plan(n: int) -> list[Tile]:
    """Tiles that hold every pair a < b of n stimuli once, in a fixed order. About n^2 / (2 x 65,536) of them."""
    return [
        Tile(top, bottom, left, right)
        for top, bottom in pairwise([*range(0, n, ROWS), n])
        for left, right in pairwise([*range(top, n, COLUMNS), n])
    ]
