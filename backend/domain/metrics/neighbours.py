"""Specs of the measures that compare nearest neighbours."""

from __future__ import annotations

from typing import Any

from backend.domain.metrics.spec import Invariance, MetricSpec, Parameter

_HUH = "Huh, Cheung, Wang, Isola: The Platonic Representation Hypothesis, ICML 2024"
_GROEGER = "Groeger, Wen, Brbic: The Aristotelian view of representational convergence, ICML 2026"
_WANG = "Wang, Shi, Liu, Zhang, Zhang: Towards understanding the instability of network embedding, TKDE 34, 2022"
_COST = (
    "O(M n^2 d) time for the lists and O(M^2 n k^2) for the pairs, one more model O(n^2 d + M n k^2); memory O(M n k)"
)
_PRECISION = (
    "candidates by float32 products of centred rows, rescored in float64: exact neighbour sets, ties to the lower index"
)
_INVARIANCES: frozenset[Invariance] = frozenset({"orthogonal", "isotropic-scaling", "feature-permutation"})
_LISTS = (
    "Each model gives every stimulus a list of its k nearest other stimuli, by inner product of the preprocessed rows "
    "(the cosine, for rows of unit length). "
)


def _k(minimum: int = 1) -> Parameter:
    return Parameter("k", minimum, 1000, 10, "Number of neighbours of each stimulus, itself left out.", integer=True)


def _neighbours(family: str, title: str, words: str, citation: str, **other: Any) -> MetricSpec:
    given: dict[str, Any] = {
        "lower": 0.0, "upper": 1.0, "symmetric": True, "null": "permutation", "cost": _COST, "parameters": (_k(),),
    }
    return MetricSpec(
        family=family, version=1, title=title, direction="similarity", invariances=_INVARIANCES, minimum_n=4,
        precision=_PRECISION, citation=citation, explanation=_LISTS + words, **(given | other),
    )


NEIGHBOURS = (
    _neighbours(
        "knn.mutual", "Mutual k nearest neighbours",
        "The score is the share of neighbours that the two lists have in common, averaged over stimuli. It speaks of "
        "local structure alone; unrelated models score k / (n - 1), and the same models score less the more stimuli "
        "there are, so it is to be read with k and n.",
        _HUH, null="closed-form", triangle="1 - s",
    ),
    _neighbours(
        "knn.cycle", "Cycle k nearest neighbours",
        "The score is the share of stimuli to which one comes back by a step to a neighbour in the second model and a "
        "step to a neighbour of that one in the first. It has a direction, from the first model to the second, and a "
        "model need not score 1 with itself.",
        _HUH, symmetric=False, self_is_best=False,
    ),
    _neighbours(
        "knn.lcs", "Longest common subsequence of k nearest neighbours",
        "The score is the length of the longest sequence of neighbours that both lists contain in the same order, "
        "divided by k and averaged over stimuli. Unlike mutual nearest neighbours it asks for the same order, too.",
        _HUH, cost=_COST.replace("k^2", "k^2 (a table of k x k steps)"),
    ),
    _neighbours(
        "knn.edit", "Edit distance of k nearest neighbours",
        "The score is 1 minus the number of insertions, deletions and replacements that turn one list into the other, "
        "divided by k and averaged over stimuli: 1 for equal lists, 0 where nothing stands in its place.",
        _HUH, cost=_COST.replace("k^2", "k^2 (a table of k x k steps)"),
    ),
    _neighbours(
        "knn.jaccard", "Jaccard index of k nearest neighbours",
        "The score is the number of neighbours that the two lists have in common, divided by the number that stand in "
        "either, averaged over stimuli. It orders pairs much as mutual nearest neighbours do, with smaller values.",
        _WANG, triangle="1 - s",
    ),
    _neighbours(
        "cknna.code", "CKNNA, as in the published code",
        "The score is an unbiased CKA of the two tables of inner products in which only entries of nearest neighbours "
        "are kept: those of both models in the numerator, each model's own in the denominator. The published code "
        "cuts entries out before it centres, which this form follows; swapping the models changes it a little, and "
        "nothing bounds it exactly.",
        f"{_HUH}; {_GROEGER}", symmetric=False, lower=None, upper=None, parameters=(_k(2),),
    ),
    _neighbours(
        "cknna.paper", "CKNNA, as in the paper",
        "The score is a CKA summed over those pairs of stimuli alone that are nearest neighbours in both models, of "
        "tables whose rows were centred before: local agreement in which closer neighbours weigh more. This is "
        "the paper's formula, which differs from the published code.",
        _HUH, lower=-1.0, parameters=(_k(2),),
    ),
)
