"""Exact mean, variance and third central moment of T = sum_ab A_ab B_pi(a)pi(b) over all n! permutations pi.

Each is a bilinear form in a handful of sums per table, so that all pairs of models cost one small matrix product. The
coefficients come from expanding T^p over set partitions of its 2 p indices (Kazi-Aoual, Hitier, Sabatier, Lebreton
1995, Computational Statistics and Data Analysis 20; Mielke 1979 for the third moment of the Mantel statistic); tests
compare them with full enumeration. Two kinds of symmetric tables:

- hollow: diagonal 0, all entries together sum to 0. With r the row sums:
  second = (sum D^2, sum r^2), third = (sum D^3, sum_ij D_ij^2 r_i, sum r^3, tr D^3, r'D r).
  Where every row sums to 0 (U-centred kernels) all terms with r vanish.
- centred: every row sums to 0, diagonal kept. With K0 = K - tr(K)/(n - 1) H, which is centred and trace-free, and d
  its diagonal: second = (sum K0^2, sum d^2), third = (sum d^3, sum_i d_i (K0^2)_ii, d'K0 d, sum K0^3, tr K0^3);
  the trace of K itself gives the mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TableSums:
    """The sums of M tables: `second` (M, 2), `third` (M, 5), `trace` (M,), zeros for hollow tables."""

    second: Array
    third: Array
    trace: Array

    def __getitem__(self, models: slice) -> TableSums:
        return TableSums(self.second[models], self.third[models], self.trace[models])


@dataclass(frozen=True)
class Moments:
    """Mean, standard deviation and skewness of T for pairs of tables, arrays of one shape."""

    mean: Array
    sd: Array
    skew: Array


def hollow_moments(left: TableSums, right: TableSums, n: int) -> Moments:
    """All pairs of hollow tables: arrays (len(left), len(right)). n >= 4."""
    second = np.array([[2 * (n - 2) * (n - 1), -4 * (n - 1)], [-4 * (n - 1), 4 * (n + 1)]]) / _falling(n, 4)
    upper = [
        [4 * (n**4 - 8 * n**3 + 19 * n**2 - 4 * n - 16), -24 * (n - 1) * (n**2 - 5 * n + 8), 16 * (n**2 - 3 * n + 6),
         -8 * (3 * n**2 - 15 * n + 16), 24 * (n**2 - n - 4)],
        [0, 24 * (n**3 - n**2 - 2 * n + 6), -24 * (n**2 + n + 2), 48 * (n - 3) * (n - 1), -48 * (n - 2) * (n + 3)],
        [0, 0, 8 * (n**2 - 3 * n + 22), -16 * (3 * n - 7), 96 * (n - 1)],
        [0, 0, 0, 8 * (n**3 - 9 * n**2 + 26 * n - 22), -24 * (n**2 - 5 * n + 8)],
        [0, 0, 0, 0, 24 * (n**2 - n + 4)],
    ]
    return _moments(left, right, n, second, upper)


def centred_moments(left: TableSums, right: TableSums, n: int) -> Moments:
    """All pairs of centred tables: arrays (len(left), len(right)). n >= 4."""
    second = np.array([
        [2 / (n * (n - 3)), -2 / ((n - 2) * (n - 3))],
        [-2 / ((n - 2) * (n - 3)), n * (n + 1) / ((n - 1) * (n - 2) * (n - 3))],
    ])
    upper = [
        [n**2 * (n + 1) * (n**2 + 15 * n - 4), -12 * n * (n - 1) ** 2 * (n + 4), -6 * n * (n - 1) * (n**2 - n + 4),
         -4 * n * (n - 1) * (n**2 - n + 4), 16 * n * (n - 1) * (n - 2)],
        [0, 12 * (n - 2) * (n + 4) * (n**2 - 3 * n + 6), 24 * (n**3 - 2 * n**2 - 3 * n + 12),
         24 * (n - 2) * (n**2 - n - 4), -24 * (n - 2) * (n**2 - 5 * n + 8)],
        [0, 0, 6 * (n - 2) * (n**3 - 6 * n**2 + 9 * n + 12), 24 * (n**2 - n - 4), -24 * (n**2 - 5 * n + 8)],
        [0, 0, 0, 4 * (n**4 - 8 * n**3 + 19 * n**2 - 4 * n - 16), -8 * (3 * n**2 - 15 * n + 16)],
        [0, 0, 0, 0, 8 * (n**3 - 9 * n**2 + 26 * n - 22)],
    ]
    return _moments(left, right, n, second, upper)


def _moments(left: TableSums, right: TableSums, n: int, second: Array, upper: list[list[int]]) -> Moments:
    mean = left.trace[:, None] * right.trace / (n - 1)
    variance = np.maximum(left.second @ second @ right.second.T, 0.0)
    skew = np.zeros_like(variance)
    if n >= 6:
        triangle = np.array(upper, dtype=np.float64) / _falling(n, 6)
        third = left.third @ (triangle + np.triu(triangle, 1).T) @ right.third.T
        np.divide(third, variance**1.5, out=skew, where=variance > 0)
    # With fewer than six stimuli the denominators vanish; the normal quantile is then as good as any.
    return Moments(mean, np.sqrt(variance), skew)


def _falling(n: int, factors: int) -> float:
    """n (n - 1) ... with so many factors."""
    return float(prod(n - i for i in range(factors)))
