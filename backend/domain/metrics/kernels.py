"""Specs of the measures that compare kernels: centred kernel alignment (CKA) and distance correlation."""

from __future__ import annotations

from backend.domain.metrics.spec import Invariance, MetricSpec, Parameter

_KORNBLITH = "Kornblith, Norouzi, Lee, Hinton: Similarity of neural network representations revisited, ICML 2019"
_SONG = "Song, Smola, Gretton, Bedo, Borgwardt: Feature selection via dependence maximization, JMLR 13, 2012"
_SZEKELY = (
    "Szekely, Rizzo: The distance correlation t-test of independence in high dimension, "
    "Journal of Multivariate Analysis 117, 2013"
)
_COST = "O(M n^2 d + M^2 n^2) time, one more model O(M n^2); memory for bands of the n x n tables, never M n^2"
_PRECISION = "rows centred in float64, table entries float32, products summed exactly in float64"
_SIGMA = Parameter(
    "sigma",
    0.01,
    10_000.0,
    0.4,
    "Width of the Gaussian kernel exp(-distance^2 / (2 sigma^2)), in the units of the preprocessed rows; "
    "published: 0.2, 0.4, 0.6, 0.8 on rows of unit length.",
)
_MEDIAN = Parameter(
    "median",
    0.05,
    20.0,
    1.0,
    "Width of the Gaussian kernel as a multiple of the square root of the lower median of the non-zero "
    "squared distances.",
)
_ROTATION: frozenset[Invariance] = frozenset({"orthogonal", "translation", "feature-permutation"})
_UNBIASED_WORDS = (
    "It is the unbiased estimate: unrelated models score about 0 whatever their width, so values may be "
    "slightly negative."
)
_BIASED_WORDS = (
    "It is the classical, biased estimate: it never falls below 0, but unrelated models score well above 0, "
    "the more so the more features they have and the fewer stimuli there are. Prefer the unbiased form unless "
    "you need to match older numbers."
)


def _linear_cka(estimator: str, minimum_n: int, lower: float, words: str) -> MetricSpec:
    return MetricSpec(
        family=f"cka.linear.{estimator}",
        version=1,
        title=f"CKA, linear kernel, {estimator}",
        direction="similarity",
        lower=lower,
        upper=1.0,
        symmetric=True,
        invariances=_ROTATION | {"isotropic-scaling"},
        minimum_n=minimum_n,
        null="closed-form",
        cost=_COST,
        precision=_PRECISION,
        citation=f"{_KORNBLITH}; {_SONG}" if estimator == "unbiased" else _KORNBLITH,
        explanation=(
            "Each model says how alike every two stimuli are, by the inner product of their feature vectors; "
            "the score is how well the two models' tables of inner products agree, 1 being perfect agreement. A "
            "few large directions of the feature space dominate it, so it speaks of global structure. " + words
        ),
        triangle="arccos(s)",
    )


def _rbf_cka(estimator: str, parameter: Parameter, minimum_n: int, lower: float, words: str) -> MetricSpec:
    scaling: frozenset[Invariance] = frozenset({"isotropic-scaling"} if parameter.name == "median" else ())
    return MetricSpec(
        family=f"cka.rbf.{estimator}",
        version=1,
        title=f"CKA, RBF kernel, {estimator}",
        direction="similarity",
        lower=lower,
        upper=1.0,
        symmetric=True,
        invariances=_ROTATION | scaling,
        minimum_n=minimum_n,
        null="closed-form",
        cost=_COST,
        precision=_PRECISION,
        citation=f"{_KORNBLITH}; {_SONG}" if estimator == "unbiased" else _KORNBLITH,
        explanation=(
            "Like linear CKA, but two stimuli count as alike only when they lie within about one kernel width of "
            "each other, so the score speaks of local structure: which stimuli are close neighbours. The "
            "narrower the kernel, the more local. " + words
        ),
        parameters=(parameter,),
        triangle="arccos(s)",
    )


KERNELS = (
    _linear_cka("unbiased", 4, -1.0, _UNBIASED_WORDS),
    _linear_cka("biased", 4, 0.0, _BIASED_WORDS),
    _rbf_cka("unbiased", _SIGMA, 4, -1.0, _UNBIASED_WORDS),
    _rbf_cka("unbiased", _MEDIAN, 4, -1.0, _UNBIASED_WORDS),
    _rbf_cka("biased", _SIGMA, 4, 0.0, _BIASED_WORDS),
    _rbf_cka("biased", _MEDIAN, 4, 0.0, _BIASED_WORDS),
    MetricSpec(
        family="distance-correlation.unbiased",
        version=1,
        title="Distance correlation, bias-corrected",
        direction="similarity",
        lower=-1.0,
        upper=1.0,
        symmetric=True,
        invariances=_ROTATION | {"isotropic-scaling"},
        minimum_n=4,
        null="closed-form",
        cost=_COST,
        precision=_PRECISION,
        citation=_SZEKELY,
        explanation=(
            "Each model gives the Euclidean distance of every two stimuli; each table of distances is centred by "
            "its rows and columns, and the score is the cosine of the two centred tables. Its population value is "
            "0 only for independent models, so it sees relations that are not linear. This is the bias-corrected "
            "R*, not its root: unrelated models score about 0 whatever their width, and values may be slightly "
            "negative."
        ),
        triangle="arccos(s)",
    ),
)
