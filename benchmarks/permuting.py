"""The way published code finds the null of a pair: the stimuli of one model are permuted and the score computed again,
for every pair and permutation. The engine's calibration is measured against it. Written anew; every function gives the
permuted scores of one pair for some permutations (K, n), and what a pair needs once is done before, untimed.

Linear CKA: rows gathered, multiplied with those of the other model, squared norm (K products of d x d). Gaussian and
unbiased CKA, and RSA on ranks: both axes of an n x n table gathered, multiplied and summed. Mutual nearest neighbours:
lists renamed, put into n x n masks and compared.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from backend.domain.metrics import Metric
from benchmarks.per_pair import Array, distances

Draws = Callable[[Tensor], Tensor]


def draws_of(metric: Metric, X: Array, Y: Array) -> Draws:
    """permutations (K, n) int64 -> scores (K,)."""
    A, B = torch.from_numpy(X), torch.from_numpy(Y)
    family = metric.spec.family
    if family == "cka.linear.biased":
        return _by_features(A - A.mean(dim=0), B - B.mean(dim=0))
    if family == "knn.mutual":
        return _by_masks(*(_lists(rows, int(metric.parameters["k"])) for rows in (A, B)))
    if family.startswith("rsa."):
        return _by_tables(*(_unit(_ranks(torch.from_numpy(distances(rows)))) for rows in (X, Y)))
    if ".rbf." in family:
        width = 2 * metric.parameters["sigma"] ** 2
        return _by_tables(*(_unit(_centred(torch.exp(-torch.cdist(rows, rows) ** 2 / width))) for rows in (A, B)))
    return _by_tables(*(_unit(_hollow(rows @ rows.T)) for rows in (A, B)))


def _by_features(A: Tensor, B: Tensor) -> Draws:
    norm = torch.linalg.norm(A.T @ A) * torch.linalg.norm(B.T @ B)

    def draws(orders: Tensor) -> Tensor:
        cross = torch.einsum("kni,nj->kij", B[orders], A)
        return torch.linalg.matrix_norm(cross).square() / norm

    return draws


def _by_tables(K: Tensor, L: Tensor) -> Draws:
    def draws(orders: Tensor) -> Tensor:
        moved = torch.gather(L[orders], 2, orders[:, None].expand(-1, len(L), -1))
        return (K * moved).sum(dim=(1, 2))

    return draws


def _by_masks(left: Tensor, right: Tensor) -> Draws:
    n, k = left.shape
    here = _mask(left)

    def draws(orders: Tensor) -> Tensor:
        found = []
        for order in orders:
            names = torch.empty_like(order)
            names[order] = torch.arange(n)
            found.append((here & _mask(names[right[order]])).sum(dim=1).float().mean() / k)
        return torch.stack(found)

    return draws


def _lists(rows: Tensor, k: int) -> Tensor:
    return (rows @ rows.T).fill_diagonal_(-1e8).topk(k).indices


def _mask(lists: Tensor) -> Tensor:
    n = len(lists)
    mask = torch.zeros(n, n, dtype=torch.bool)
    mask[torch.arange(n)[:, None].expand_as(lists), lists] = True
    return mask.fill_diagonal_(False)


def _centred(K: Tensor) -> Tensor:
    means = K.mean(dim=0)
    return K - means - means[:, None] + means.mean()


def _hollow(K: Tensor) -> Tensor:
    n = len(K)
    K = K.fill_diagonal_(0)
    means = K.sum(dim=0) / (n - 2)
    means -= means.sum() / (2 * (n - 1))
    return (K - means - means[:, None]).fill_diagonal_(0)


def _ranks(table: Tensor) -> Tensor:
    """Ranks of the entries off the diagonal, less their mean; ties are rare and left as they fall."""
    n = len(table)
    row, column = torch.triu_indices(n, n, 1)
    order = table[row, column].argsort()
    ranks = torch.empty(len(order))
    ranks[order] = torch.arange(len(order)) - (len(order) - 1) / 2
    full = torch.zeros(n, n)
    full[row, column] = ranks
    return full + full.T


def _unit(table: Tensor) -> Tensor:
    return table / torch.linalg.norm(table)
