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

import torch
from torch import Tensor

_BITS = 26


def round_block_(block: Tensor, norm: Tensor) -> None:
    """Round a float64 block in place so that products of such blocks sum exactly in float64.

    `norm` is the block's Euclidean norm as a tensor without dimensions; an error of one in a thousand does no
    harm. Adding and subtracting 1.5 * 2^(52 + e) rounds to the nearest multiple of 2^e. Cost: two passes over
    the block.
    """
    exponent = torch.frexp(norm.double() * (1 + 2**-9)).exponent
    shift = torch.ldexp(torch.tensor(1.5, dtype=torch.float64, device=block.device), exponent + (52 - _BITS))
    block.add_(shift).sub_(shift)
