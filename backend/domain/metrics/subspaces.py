"""Specs of the measures that align two feature spaces: canonical correlations and Procrustes analysis."""

from __future__ import annotations

from typing import Any

from backend.domain.metrics.spec import Invariance, MetricSpec, Parameter

_RAGHU = "Raghu, Gilmer, Yosinski, Sohl-Dickstein: SVCCA, NeurIPS 2017"
_MORCOS = "Morcos, Raghu, Bengio: Insights on representational similarity with canonical correlation, NeurIPS 2018"
_HOTELLING = "Hotelling: Relations between two sets of variates, Biometrika 28, 1936"
_WILLIAMS = "Williams, Kunz, Kornblith, Linderman: Generalized shape metrics on neural representations, NeurIPS 2021"
_COST = (
    "O(n d min(n, d)) time for each model and O(n r^2 + r^3) for each pair and each relabelling, r = min(n, d) (q for "
    "SVCCA); memory O(M n r)"
)
_PRECISION = "float64 throughout"
_COMMON: frozenset[Invariance] = frozenset({"isotropic-scaling", "translation", "feature-permutation"})


def _subspaces(family: str, title: str, words: str, citation: str, **other: Any) -> MetricSpec:
    given: dict[str, Any] = {
        "direction": "similarity", "lower": 0.0, "upper": 1.0, "symmetric": True,
        "invariances": _COMMON | {"orthogonal"},
    }
    return MetricSpec(
        family=family, version=1, title=title, minimum_n=3, null="permutation", cost=_COST, precision=_PRECISION,
        citation=citation, explanation=words, **(given | other),
    )


_SATURATES = (
    "Where a model has as many features as there are stimuli, any two models agree perfectly: use it with many more "
    "stimuli than features."
)
SUBSPACES = (
    _subspaces(
        "svcca", "SVCCA",
        "Each model's features are standardised and reduced to their q leading directions; the score is the mean "
        "canonical correlation between the two sets of directions, that is how well linear combinations of one match "
        "those of the other. Computed exactly, where the published code approximates at random and differs from run "
        "to run by up to 0.1. Unrelated models score well above 0 unless there are many more stimuli than directions.",
        f"{_RAGHU}; Huh, Cheung, Wang, Isola: The Platonic Representation Hypothesis, ICML 2024",
        invariances=_COMMON,
        parameters=(
            Parameter("q", 1, 1000, 10, "Number of leading directions that are kept of each model.", integer=True),
        ),
    ),
    _subspaces(
        "cca.mean", "Mean canonical correlation",
        "The score is the mean correlation between the two models' features after each was linearly recombined to "
        "match the other as well as possible, over as many directions as the smaller model has. It does not see how "
        f"large a direction is, so noise counts as much as signal. {_SATURATES}",
        f"{_HOTELLING}; {_RAGHU}", invariances=_COMMON | {"orthogonal", "linear"},
    ),
    _subspaces(
        "pwcca", "Projection-weighted CCA",
        "Like the mean canonical correlation, but directions count by how much of the first model's features they "
        f"account for, so that noise counts less. It has a direction: the weights are the first model's. {_SATURATES} "
        "From about half as many features on, several directions agree perfectly, and how they share the weights is "
        "not determined.",
        _MORCOS, symmetric=False, invariances=_COMMON,
    ),
    _subspaces(
        "procrustes.angular", "Angular shape distance",
        "The angle, in radians, between the two models' centred feature matrices after the best rotation of one onto "
        "the other: 0 when they have the same shape up to rotation and scale, half of pi at most. It is a distance, "
        "so less is more alike, and a proper metric, fit for clustering and embedding. Unrelated wide models lie well "
        "below half of pi.",
        _WILLIAMS, direction="distance", upper=1.5707963267948966, triangle="s",
    ),
    _subspaces(
        "procrustes.similarity", "Procrustes similarity",
        "The cosine between the two models' centred feature matrices after the best rotation of one onto the other "
        "(the normalised nuclear norm of their products): 1 when they have the same shape up to rotation and scale. "
        "Unrelated models score above 0, the more so the more features they have and the fewer stimuli there are.",
        _WILLIAMS, triangle="arccos(s)",
    ),
)
