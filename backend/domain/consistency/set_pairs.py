"""Model sets and the model pairs between them, as published (arXiv 2411.05561, section 3).

P(Phi, Psi) holds every unordered pair of two different models, one in Phi and one in Psi, once: the strict upper
triangle when both sets are the same, every combination when they share no model, the union of both cases otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.domain.consistency.correlation import (
    FloatArray,
    IntArray,
    Method,
    check_method,
    correlations,
    pair_values,
    shared_counts,
)
from backend.domain.consistency.weighted import weighted_correlations
from backend.domain.errors import InvalidInput

# Below this many models in either set (other than an anchor) an interval is not to be relied on:
# docs/decisions/0015-intervals-that-resample-models.md has the simulated coverage.
SMALL_MODELS = 8

BoolArray = NDArray[np.bool_]


class ModelSet(NamedTuple):
    """A set of models: `members` (M,) says for each model whether it is in it. `single`: one model by choice, which
    stands for itself and for no others (`anchor`)."""

    name: str
    title: str
    members: BoolArray
    single: bool = False


class SetPairTable(NamedTuple):
    """Consistency of one model-set pair.

    `r` (D, D), symmetric, in [-1, 1], NaN where it is not defined; `n_pairs` (D, D) model pairs that both datasets
    have, `n_models` (D, D) models in them; `n_models_a` and `n_models_b` models of each set that occur in a pair of any
    dataset; `small`: too few models for an interval to be relied on.
    """

    a: ModelSet
    b: ModelSet
    r: FloatArray
    n_pairs: IntArray
    n_models: IntArray
    n_models_a: int
    n_models_b: int
    small: bool


def every(n_models: int) -> ModelSet:
    """The set of all models, named `all`."""
    return ModelSet("all", "All models", np.ones(n_models, dtype=bool))


def anchor(name: str, names: Sequence[str]) -> ModelSet:
    """One model alone, to be held against others (arXiv 2411.05561, appendix F); empty where `names` lacks it."""
    return ModelSet(name, name, np.array([other == name for other in names], dtype=bool), single=True)


def sets_of(slugs: Sequence[str], vocabulary: Mapping[str, str]) -> list[ModelSet]:
    """One set for each value of an attribute that some model has, in the order of the vocabulary.

    `slugs` holds each model's value, `vocabulary` the title of every value. Raises InvalidInput for a value that the
    vocabulary lacks.
    """
    unknown = sorted(set(slugs) - set(vocabulary))
    if unknown:
        raise InvalidInput(f"No value is called {unknown[0]!r}.", hint=f"Values: {', '.join(vocabulary)}.")
    values = np.array(slugs, dtype=object)
    return [ModelSet(slug, title, values == slug) for slug, title in vocabulary.items() if slug in set(slugs)]


def pairs_of(sets: Sequence[ModelSet]) -> list[tuple[ModelSet, ModelSet]]:
    """Every two of the sets, each with itself included: n (n + 1) / 2 model-set pairs."""
    return list(combinations_with_replacement(sets, 2))


def pair_mask(a: ModelSet, b: ModelSet) -> BoolArray:
    """Which pairs of models belong to P(a, b): (M (M - 1) / 2,), in the order of `numpy.triu_indices(M, 1)`."""
    rows, columns = np.triu_indices(len(a.members), 1)
    mask: BoolArray = (a.members[rows] & b.members[columns]) | (b.members[rows] & a.members[columns])
    return mask


def check_members(n_models: int, pairs: Sequence[tuple[ModelSet, ModelSet]]) -> None:
    """Raises InvalidInput where a set is not of as many models as the matrices are."""
    for wrong in (one for pair in pairs for one in pair if one.members.shape != (n_models,)):
        raise InvalidInput(
            f"The set {wrong.name!r} says of {wrong.members.size} models whether they belong to it, and the matrices "
            f"have {n_models}."
        )


def set_pair_consistency(
    matrices: NDArray[np.floating],
    pairs: Sequence[tuple[ModelSet, ModelSet]],
    method: Method = "pearson",
    weights: Sequence[FloatArray | None] | None = None,
) -> list[SetPairTable]:
    """r over the model pairs of every model-set pair, for every pair of datasets.

    `matrices` (D, M, M), NaN where nothing was computed. `weights` gives each model-set pair (M,) weights of models, 0
    or more, so that a pair of models counts w_i w_j times; None: all count once. Cost O(D^2 P) for each model-set
    pair of P pairs.
    """
    check_method(method)
    values = pair_values(matrices)
    check_members(np.shape(matrices)[1], pairs)
    return [
        _table(values, a, b, method, None if weights is None else weights[number])
        for number, (a, b) in enumerate(pairs)
    ]


def _table(values: FloatArray, a: ModelSet, b: ModelSet, method: Method, weights: FloatArray | None) -> SetPairTable:
    rows, columns = np.triu_indices(len(a.members), 1)
    used = pair_mask(a, b)
    if weights is not None:
        used &= (weights[rows] > 0) & (weights[columns] > 0)
    inside = values if used.all() else values[:, used]
    if weights is None:
        r = correlations(inside, method)
    else:
        r = square(weighted_correlations(inside, (rows[used], columns[used]), weights[None], method)[0], len(values))
    n_pairs, n_models = shared_counts(inside, rows[used], columns[used])
    somewhere = np.isfinite(inside).any(axis=0)
    occurs = np.zeros(len(a.members), dtype=bool)
    occurs[rows[used][somewhere]] = True
    occurs[columns[used][somewhere]] = True
    n_a, n_b = int((occurs & a.members).sum()), int((occurs & b.members).sum())
    return SetPairTable(a, b, r, n_pairs, n_models, n_a, n_b, is_small(a, b, n_a, n_b))


def is_small(a: ModelSet, b: ModelSet, n_a: int, n_b: int) -> bool:
    """Whether a set, other than a single model by choice, has too few models for an interval."""
    sizes = [n for one, n in ((a, n_a), (b, n_b)) if not one.single]
    return not sizes or min(sizes) < SMALL_MODELS


def square(above: FloatArray, n_datasets: int) -> FloatArray:
    """(Q,) numbers of dataset pairs, in the order of `numpy.triu_indices(D, 1)`, as a symmetric (D, D) table with 1 on
    the diagonal (NaN where a dataset has no number at all)."""
    table = np.full((n_datasets, n_datasets), np.nan)
    table[np.triu_indices(n_datasets, 1)] = above
    table.T[np.triu_indices(n_datasets, 1)] = above
    np.fill_diagonal(table, np.where(np.isfinite(table).any(axis=1), 1.0, np.nan))
    return table


def median_r(r: FloatArray) -> float | None:
    """The median over pairs of different datasets of a (D, D) table; None where none is defined."""
    upper = r[np.triu_indices(len(r), 1)]
    upper = upper[np.isfinite(upper)]
    return float(np.median(upper)) if upper.size else None
