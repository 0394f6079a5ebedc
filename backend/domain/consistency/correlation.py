"""The definition: correlation of similarities over model pairs, for every pair of datasets.

Definition (arXiv 2411.05561, section 3): the values s_D of all unordered pairs of distinct models, in one
fixed order; r(D, D') is the Pearson (or Spearman) correlation of s_D and s_D'. Pairs that share a model are
not independent, so no p-value belongs to this r.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from backend.domain.errors import InvalidInput

Method = Literal["pearson", "spearman"]
METHODS: tuple[Method, ...] = ("pearson", "spearman")
MIN_PAIRS = 3  # two points always lie on a line: r of two pairs is +1 or -1 whatever the data

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class ConsistencyTable(NamedTuple):
    """Dataset x dataset tables, all (D, D) and symmetric.

    `r` in [-1, 1], NaN where it is not defined; `n_pairs` model pairs that both datasets have; `n_models`
    models that occur in those pairs.
    """

    r: FloatArray
    n_pairs: IntArray
    n_models: IntArray


def check_method(method: str) -> None:
    """Raises InvalidInput for a method that does not exist."""
    if method not in METHODS:
        raise InvalidInput(f"Unknown method {method!r}.", hint=f"Methods: {', '.join(METHODS)}.")


def pair_values(matrices: NDArray[np.floating]) -> FloatArray:
    """Similarities of the unordered pairs of distinct models: (D, M, M) -> (D, M (M - 1) / 2), float64.

    Pairs come in the order of `numpy.triu_indices(M, 1)`. A measure that depends on the direction enters as
    the mean of both; NaN (not computed) in either direction gives NaN.
    """
    matrices = np.asarray(matrices, dtype=np.float64)
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2]:
        raise InvalidInput(
            f"Consistency needs an array of shape (datasets, models, models), and got {matrices.shape}.",
            hint="Stack one square matrix per dataset, all in the same order of models.",
        )
    if np.isinf(matrices).any():
        raise InvalidInput("A similarity is infinite.", hint="Leave out what was not computed as NaN.")
    rows, columns = np.triu_indices(matrices.shape[1], 1)
    upper = matrices[:, rows, columns]
    lower = matrices[:, columns, rows]
    # Where both directions agree the value stays as it is: (a + a) / 2 is exact anyway, short of overflow.
    return (upper + lower) / 2


def consistency(matrices: NDArray[np.floating], method: Method = "pearson") -> ConsistencyTable:
    """Correlation over model pairs for every pair of datasets.

    `matrices` is (D, M, M), any float dtype, NaN where nothing was computed; the diagonal of each matrix is
    not read. Each dataset pair uses the model pairs that both have. Fewer than three of them, or a dataset
    whose values do not vary over them, gives NaN; otherwise r lies in [-1, 1] and is exactly 1 on the
    diagonal. Spearman is Pearson of the ranks among the pairs used, ties sharing their mean rank.

    Raises InvalidInput for another shape, an infinite value or an unknown method.
    Cost O(D^2 M^2): one matrix product per combination of patterns of missing pairs, so a single one without
    gaps.
    """
    check_method(method)
    values = pair_values(matrices)
    rows, columns = np.triu_indices(np.shape(matrices)[1], 1)
    n_pairs = np.zeros((len(values), len(values)), dtype=np.int64)
    n_models = np.zeros_like(n_pairs)
    for in_a, in_b, shared in same_gaps(np.isfinite(values)):
        models = len(np.union1d(rows[shared], columns[shared]))
        for here in (np.ix_(in_a, in_b), np.ix_(in_b, in_a)):
            n_pairs[here] = int(shared.sum())
            n_models[here] = models
    return ConsistencyTable(correlations(values, method), n_pairs, n_models)


def correlations(values: FloatArray, method: Method = "pearson") -> FloatArray:
    """Correlation of every two rows of `values` (D, P) over the columns that both have: (D, D), symmetric.

    NaN marks a missing value; NaN in the result, fewer than three shared columns or a row constant over them.
    """
    r = np.full((len(values), len(values)), np.nan)
    for in_a, in_b, shared in same_gaps(np.isfinite(values)):
        if shared.sum() < MIN_PAIRS:
            continue
        first = _standardised(values[np.ix_(in_a, shared)], method)
        second = _standardised(values[np.ix_(in_b, shared)], method)
        block = np.clip(first @ second.T, -1.0, 1.0)
        r[np.ix_(in_a, in_b)] = block
        r[np.ix_(in_b, in_a)] = block.T
    diagonal = np.diag_indices(len(values))
    r[diagonal] = np.where(np.isnan(r[diagonal]), np.nan, 1.0)
    # The product of a block with itself need not be symmetric to the last bit.
    symmetric: FloatArray = (r + r.T) / 2
    return symmetric


def same_gaps(present: NDArray[np.bool_]) -> Iterator[tuple[IntArray, IntArray, NDArray[np.bool_]]]:
    """Groups of rows with the same gaps, two at a time: rows of one, rows of the other, their shared columns.

    Usually there is one pattern of gaps, or a few, so that a few matrix products do all the work.
    """
    rows_of: dict[bytes, list[int]] = {}
    for row, packed in enumerate(np.packbits(present, axis=1)):
        rows_of.setdefault(packed.tobytes(), []).append(row)
    members = [np.array(rows) for rows in rows_of.values()]
    for a, b in combinations_with_replacement(members, 2):
        yield a, b, present[a[0]] & present[b[0]]


def _standardised(rows: FloatArray, method: Method) -> FloatArray:
    """Rows with mean 0 and length 1; all NaN where a row is constant."""
    constant = rows.max(axis=1) == rows.min(axis=1)
    if method == "spearman":
        rows = np.asarray(rankdata(rows, axis=1), dtype=np.float64)
    centred = rows - rows.mean(axis=1, keepdims=True)
    length = np.sqrt(np.einsum("ij,ij->i", centred, centred))
    length[constant | (length == 0)] = np.nan
    unit: FloatArray = centred / length[:, None]
    return unit
