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
# Numbers that are centred at a time (2 MB).
PIECE = 1 << 18

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
    matrices = np.asarray(matrices)
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2]:
        raise InvalidInput(
            f"Consistency needs an array of shape (datasets, models, models), and got {matrices.shape}.",
            hint="Stack one square matrix per dataset, all in the same order of models.",
        )
    n_models = matrices.shape[1]
    rows, columns = np.triu_indices(n_models, 1)
    values = np.empty((len(matrices), len(rows)))
    for row, matrix in zip(values, matrices, strict=True):
        row[:] = matrix.take(rows * n_models + columns)
        # Where both directions agree the value stays as it is: (a + a) / 2 is exact anyway, short of overflow.
        row += matrix.take(columns * n_models + rows)
        row /= 2
    if np.isinf(values).any():
        raise InvalidInput("A similarity is infinite.", hint="Leave out what was not computed as NaN.")
    return values


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
    return ConsistencyTable(correlations(values, method), *shared_counts(values, rows, columns))


def shared_counts(
    values: NDArray[np.floating], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[IntArray, IntArray]:
    """How many columns of `values` (D, P) every two rows share, and how many models occur in them: (D, D) each.

    `rows` and `columns` (P,) are the models of each pair. Cost O(D P) as long as there are few patterns of gaps.
    """
    n_pairs = np.zeros((len(values), len(values)), dtype=np.int64)
    n_models = np.zeros_like(n_pairs)
    most = max(rows.max(initial=-1), columns.max(initial=-1)) + 1
    for in_a, in_b, shared in same_gaps(np.isfinite(values)):
        occurs = np.zeros(most, dtype=bool)
        occurs[rows[shared]] = occurs[columns[shared]] = True
        for here in (np.ix_(in_a, in_b), np.ix_(in_b, in_a)):
            n_pairs[here] = int(shared.sum())
            n_models[here] = int(occurs.sum())
    return n_pairs, n_models


def correlations(values: NDArray[np.floating], method: Method = "pearson") -> FloatArray:
    """Correlation of every two rows of `values` (D, P) over the columns that both have: (D, D), symmetric.

    NaN marks a missing value; NaN in the result, fewer than three shared columns or a row constant over them. Sums are
    float64, of float32 values too.
    """
    r = np.full((len(values), len(values)), np.nan)
    for in_a, in_b, shared in same_gaps(np.isfinite(values)):
        if shared.sum() < MIN_PAIRS:
            continue
        rows = in_a if in_a is in_b else np.concatenate([in_a, in_b])
        block = _correlation(values, rows, shared, method)
        first, second = np.arange(len(in_a)), np.arange(len(rows) - len(in_b), len(rows))
        r[np.ix_(in_a, in_b)] = block[np.ix_(first, second)]
        r[np.ix_(in_b, in_a)] = block[np.ix_(second, first)]
    diagonal = np.diag_indices(len(values))
    r[diagonal] = np.where(np.isnan(r[diagonal]), np.nan, 1.0)
    return r


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


def _correlation(
    values: NDArray[np.floating], rows: IntArray, shared: NDArray[np.bool_], method: Method
) -> FloatArray:
    """r of some rows over the shared columns, symmetric; NaN where a row is constant.

    Columns are read in pieces that stay in the processor's cache: a copy of all would cost more than the product.
    """
    inside = values if np.array_equal(rows, np.arange(len(values))) else values[rows]
    if method == "spearman" or not shared.all():
        inside = inside[:, shared]
    constant = inside.max(axis=1) == inside.min(axis=1)
    if method == "spearman":
        inside = np.asarray(rankdata(inside, axis=1), dtype=np.float64)
    mean = inside.mean(axis=1, keepdims=True, dtype=np.float64)
    products = np.zeros((len(rows), len(rows)))
    step = max(1, PIECE // len(rows))
    for start in range(0, inside.shape[1], step):
        centred = inside[:, start : start + step] - mean
        products += centred @ centred.T
    length = np.sqrt(np.diag(products))
    length[constant | (length == 0)] = np.nan
    bounded: FloatArray = np.clip(products / length / length[:, None], -1.0, 1.0)
    # The product of a block with itself need not be symmetric to the last bit.
    return (bounded + bounded.T) / 2
