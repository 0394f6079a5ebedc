"""Sums of products whose bits do not depend on their order.

A product of two models' kernels is a sum of up to n^2 terms. Matrix products add such terms in an order that
depends on how many models stand in the matrix, so the last bits of a pair's value would depend on the company
it is computed in, and a job resumed in other groups would give other bytes.

The cure: round each model's block of entries, by itself, to integer multiples of a power of two, q = 2^e,
with ||block||_2 < 2^26 q. Every product of two entries is then an integer multiple of q q', and by the
Cauchy-Schwarz inequality every partial sum of products stays below 2^52 q q': float64 holds each of them
exactly. Exact sums do not depend on order, on the shape of the matrix product, on threads or on the library.

What it costs: a relative error of the inner product of about 2^-26 / sqrt(12) = 4e-9, far below that of
float32 entries.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_BITS = 26
BLOCK = 1 << 16  # entries of each model that are multiplied at a time
_STRIDE = BLOCK + 8  # from one model's block to the next: not a power of two, which would share cache sets
_ROWS_AT_ONCE = 64  # of the lower triangle of the product over models


def round_block_(block: Tensor, norm: Tensor) -> None:
    """Round a float64 block in place so that products of such blocks sum exactly in float64.

    `norm` is the block's Euclidean norm as a tensor without dimensions; an error of one in a thousand does no
    harm. Adding and subtracting 1.5 * 2^(52 + e) rounds to the nearest multiple of 2^e. Cost: two passes over
    the block.
    """
    exponent = torch.frexp(norm.double() * (1 + 2**-9)).exponent
    shift = torch.ldexp(torch.tensor(1.5, dtype=torch.float64, device=block.device), exponent + (52 - _BITS))
    block.add_(shift).sub_(shift)


def round_entries_(entries: Tensor) -> None:
    """Round a float32 vector in place, block by block as `ExactProducts` takes them.

    What is rounded fits float32 again: a value below 2^24 q is a whole number of q of at most 24 bits, and a larger one
    was a multiple of q before.
    """
    for part in torch.split(entries, BLOCK):
        block = part.double()
        round_block_(block, torch.linalg.vector_norm(part))
        part.copy_(block)


class ExactProducts:
    """Inner products of the last `new` of `count` models with all and of all with themselves, added up part by part.

    `cross` (new, count) float64 holds nothing of meaning right of a model's own column; `own` is (count,).
    """

    bytes_per_model = 8 * _STRIDE

    def __init__(self, count: int, new: int, device: torch.device) -> None:
        self._new = new
        self._blocks = torch.empty((count, _STRIDE), dtype=torch.float64, device=device)
        self.cross = torch.zeros((new, count), dtype=torch.float64, device=device)
        self.own = torch.zeros(count, dtype=torch.float64, device=device)

    def add(self, parts: Sequence[Tensor], *, rounded: bool = False) -> None:
        """Adds the products of one vector per model, all of one length, float32 or float64; `rounded` by
        `round_entries_` before."""
        for first in range(0, len(parts[0]), BLOCK):
            size = min(BLOCK, len(parts[0]) - first)
            for row, part in zip(self._blocks, parts, strict=True):
                entries = part[first : first + size]
                row[:size].copy_(entries)
                if not rounded:
                    round_block_(row[:size], torch.linalg.vector_norm(entries))
            self._multiply(self._blocks[:, :size])

    def _multiply(self, blocks: Tensor) -> None:
        """What lies above the diagonal of the full square is left out, but for whole groups of rows."""
        old = len(blocks) - self._new
        for first in range(0, self._new, _ROWS_AT_ONCE):
            last = min(first + _ROWS_AT_ONCE, self._new)
            product = blocks[old + first : old + last] @ blocks[: old + last].T
            self.cross[first:last, : old + last] += product
            self.own[old + first : old + last] += product.diagonal(old + first)
        if old:
            self.own[:old] += torch.linalg.vecdot(blocks[:old], blocks[:old])
