"""Coarsened exact matching of two model sets: the same mix of other attributes on both sides.

The published sets are confounded (most self-supervised models are small and trained on ImageNet-1k, say), so a
difference between two sets may be one of size or data. Models are put into strata of equal values (Iacus, King and
Porro 2012); only strata with models of both sets count, each as much as the smaller of its two sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from backend.domain.consistency.correlation import FloatArray
from backend.domain.consistency.set_pairs import ModelSet
from backend.domain.errors import InvalidInput


class Stratum(NamedTuple):
    """Models with equal values: how many each set has there, and whether both have some."""

    values: dict[str, str]
    n_a: int
    n_b: int
    used: bool


class Matching(NamedTuple):
    """`strata`: the cross table, in the order of the values' names. `weights_a`, `weights_b` (M,): 0 outside the set
    and outside used strata; each sums to the number of its models that are used. `n_used_*`: models of positive weight.
    """

    strata: list[Stratum]
    weights_a: FloatArray
    weights_b: FloatArray
    n_used_a: int
    n_used_b: int

    @property
    def empty(self) -> bool:
        """Nothing matches: no stratum has models of both sets."""
        return self.n_used_a == 0


def match(slugs_by_attribute: Mapping[str, Sequence[str]], a: ModelSet, b: ModelSet) -> Matching:
    """Weights under which both sets have the same mix of the attributes.

    `slugs_by_attribute` names each attribute's value for each of the M models. In a stratum with n_a and n_b models, a
    model of a weighs min(n_a, n_b) / n_a and one of b min(n_a, n_b) / n_b, up to a factor of its set. A model of both
    sets counts on both sides. Raises InvalidInput for attributes that are not of M models.
    """
    n_models = len(a.members)
    for name, slugs in slugs_by_attribute.items():
        if len(slugs) != n_models or len(b.members) != n_models:
            raise InvalidInput(f"{name!r} has {len(slugs)} values, and there are {n_models} models to match.")
    keys = list(zip(*slugs_by_attribute.values(), strict=True)) if slugs_by_attribute else [()] * n_models
    either = a.members | b.members
    strata, weights = [], np.zeros((2, n_models))
    for key in sorted({key for key, inside in zip(keys, either, strict=True) if inside}):
        here = np.array([other == key for other in keys])
        sides = [here & one.members for one in (a, b)]
        counts = [int(side.sum()) for side in sides]
        values = dict(zip(slugs_by_attribute, key, strict=True))
        strata.append(Stratum(values, n_a=counts[0], n_b=counts[1], used=min(counts) > 0))
        for weight, side, count in zip(weights, sides, counts, strict=True):
            weight[side] = min(counts) / max(count, 1)
    used = (weights > 0).sum(axis=1)
    totals = weights.sum(axis=1)
    weights *= (used / np.where(totals > 0, totals, 1.0))[:, None]
    return Matching(strata, weights[0], weights[1], int(used[0]), int(used[1]))
