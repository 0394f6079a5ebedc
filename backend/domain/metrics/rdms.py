"""Specs of representational similarity analysis (RSA): tables of dissimilarities, compared as they are or by rank."""

from __future__ import annotations

from backend.domain.metrics.spec import Invariance, MetricSpec, Parameter

_KRIEGESKORTE = (
    "Kriegeskorte, Mur, Bandettini: Representational similarity analysis, Frontiers in Systems Neuroscience 2, 2008"
)
_LIN = "Lin, Kriegeskorte: The topology and geometry of neural representations, PNAS 121, 2024"
_BANDS_COST = "O(M n^2 d + M^2 n^2) time, one more model O(M n^2); memory for bands of the n x n tables, never M n^2"
_RANKS_COST = (
    "O(M n^2 (d + log n) + M^2 n^2) time, one more model O(M n^2); memory 2 n^2 bytes for each model held at a "
    "time, as many as the budget allows"
)
_PRECISION = "rows centred in float64, distances and ranks float32, products summed exactly in float64"
_DISTANCES: dict[str, tuple[str, frozenset[Invariance]]] = {
    "correlation": (
        "1 minus the correlation of two stimuli's feature vectors",
        frozenset({"isotropic-scaling", "feature-permutation", "row-affine"}),
    ),
    "cosine": (
        "1 minus the cosine of two stimuli's feature vectors",
        frozenset({"orthogonal", "isotropic-scaling", "feature-permutation"}),
    ),
    "euclidean": (
        "the Euclidean distance of two stimuli's feature vectors",
        frozenset({"orthogonal", "isotropic-scaling", "translation", "feature-permutation"}),
    ),
}
_LOW = Parameter(
    "low", 0.0, 0.99, 0.2, "Quantile of the dissimilarities below which all count as equally near; below `high`."
)
_HIGH = Parameter(
    "high", 0.01, 1.0, 0.8, "Quantile of the dissimilarities above which all count as equally far."
)
# How two tables are compared: title, parameters, cost, words, citation.
_COMPARATORS: dict[str, tuple[str, tuple[Parameter, ...], str, str, str]] = {
    "pearson": (
        "Pearson", (), _BANDS_COST,
        "The score is the Pearson correlation of the two tables over all pairs of stimuli. It compares the "
        "dissimilarities themselves, so large ones weigh most.",
        _KRIEGESKORTE,
    ),
    "spearman": (
        "Spearman", (), _RANKS_COST,
        "The score is the Spearman correlation of the two tables over all pairs of stimuli. It compares only their "
        "order, so it does not depend on how each model scales dissimilarity.",
        _KRIEGESKORTE,
    ),
    "spearman-binned": (
        "Spearman of binned ranks", (), _BANDS_COST,
        "The score is the Spearman correlation of the two tables over all pairs of stimuli, their values first put "
        "into 65,536 bins of equal width, so that values of one bin share a rank: within about 1e-5 of the exact "
        "form unless dissimilarities crowd into few bins (two tight clusters far apart), in less time and memory with "
        "many stimuli.",
        _KRIEGESKORTE,
    ),
    "geo-topological": (
        "geo-topological, Spearman", (_LOW, _HIGH), _RANKS_COST,
        "Dissimilarities below the lower quantile count as equal and so do those above the upper one, which keeps "
        "the neighbourhoods and leaves out noise among near and exact size among far stimuli; the score is the "
        "Spearman correlation of the two transformed tables over all pairs of stimuli.",
        f"{_LIN}; {_KRIEGESKORTE}",
    ),
}


def _rsa(distance: str, comparator: str) -> MetricSpec:
    words, invariances = _DISTANCES[distance]
    title, parameters, cost, compared, citation = _COMPARATORS[comparator]
    return MetricSpec(
        family=f"rsa.{distance}.{'spearman' if comparator == 'geo-topological' else comparator}",
        version=1,
        title=f"RSA, {distance.capitalize() if distance == 'euclidean' else distance} distance, {title}",
        direction="similarity",
        lower=-1.0,
        upper=1.0,
        symmetric=True,
        invariances=invariances,
        minimum_n=4,
        null="closed-form",
        cost=cost,
        precision=_PRECISION,
        citation=citation,
        explanation=f"Each model gives a table of dissimilarities, {words}. {compared}",
        parameters=parameters,
        triangle="arccos(s)",
    )


RDMS = tuple(_rsa(distance, comparator) for distance in _DISTANCES for comparator in _COMPARATORS)
