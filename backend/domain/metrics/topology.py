"""Specs of the measures that compare the topology of two point clouds."""

from __future__ import annotations

from backend.domain.metrics.spec import Invariance, MetricSpec

_BARANNIKOV = (
    "Barannikov, Trofimov, Balabin, Burnaev: Representation topology divergence, ICML 2022"
)
_TULCHINSKII = (
    "Tulchinskii, Voronkova, Trofimov, Burnaev, Barannikov: RTD-Lite: scalable topological analysis for comparing "
    "weighted graphs in learning tasks, AISTATS 2025"
)
_INVARIANCES: frozenset[Invariance] = frozenset(
    {"orthogonal", "isotropic-scaling", "translation", "feature-permutation"}
)
_BEGIN = (
    "Points nearer than a threshold are joined; as the threshold grows, clusters merge and loops appear and close. "
)

TOPOLOGY = (
    MetricSpec(
        family="rtd.lite",
        version=1,
        title="RTD-Lite",
        direction="distance",
        lower=0.0,
        upper=None,
        symmetric=True,
        invariances=_INVARIANCES,
        minimum_n=3,
        null="permutation",
        cost="O(n^2 d) time for each model's minimum spanning tree and O(n log n) for each pair and each relabelling; "
        "memory for one n x n table while a model is prepared, O(n d) for it afterwards",
        precision="distances float64",
        citation=_TULCHINSKII,
        explanation=_BEGIN
        + "This distance adds up how much earlier clusters merge where points may be near in either model than where "
        "they must be near in one: 0 when the two models' clusters merge alike at all scales. It is a distance, so "
        "less is more alike, it has no upper bound, and it grows with the number of stimuli.",
    ),
    MetricSpec(
        family="rtd",
        version=1,
        title="Representation topology divergence (RTD)",
        direction="distance",
        lower=0.0,
        upper=None,
        symmetric=True,
        invariances=_INVARIANCES,
        minimum_n=3,
        null="permutation",
        cost="persistent homology of 2 b points for each pair and each relabelling, about b^3 time, more where the "
        "models differ much; b at most 100 stimuli, 10 seeded subsets of a larger dataset",
        precision="distances float64, filtration float32",
        citation=_BARANNIKOV,
        explanation=_BEGIN
        + "This distance adds up the lifetimes of loops that exist because one model joins points which the other "
        "keeps apart, in both directions: 0 when the two models agree on clusters and loops at all scales. It is a "
        "distance, so less is more alike, and it has no upper bound. It costs minutes where others cost milliseconds, "
        "so it is computed for chosen models only.",
        on_request=True,
    ),
)
