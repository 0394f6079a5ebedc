"""Consistency: how far the similarities of model pairs on one dataset predict those on another.

Everything follows one definition (`correlation`); model sets choose the pairs (`set_pairs`), and every interval
resamples models, because pairs that share a model are not independent (`resampling`).
"""

from backend.domain.consistency.agreement import (
    Agreement,
    GapCorrelation,
    Sensitivity,
    gap_correlation,
    metric_agreement,
    sensitivity,
    with_gaps,
)
from backend.domain.consistency.contributions import (
    Line,
    contributions,
    dataset_influence,
    leave_one_model_out,
    regression_line,
)
from backend.domain.consistency.correlation import (
    METHODS,
    MIN_PAIRS,
    ConsistencyTable,
    Method,
    consistency,
    correlations,
    pair_values,
)
from backend.domain.consistency.differences import SetDifference, Verdict, compare_sets, verdict_of
from backend.domain.consistency.matching import Matching, Stratum, match
from backend.domain.consistency.resampling import MANY, Interval, Resampled, resample
from backend.domain.consistency.set_pairs import (
    SMALL_MODELS,
    ModelSet,
    SetPairTable,
    anchor,
    every,
    median_r,
    pair_mask,
    pairs_of,
    set_pair_consistency,
    sets_of,
)
from backend.domain.consistency.spread import Spread, mean_and_spread

__all__ = [
    "MANY", "METHODS", "MIN_PAIRS", "SMALL_MODELS", "Agreement", "ConsistencyTable",
    "GapCorrelation", "Interval", "Line", "Matching", "Method", "ModelSet", "Resampled", "Sensitivity",
    "SetDifference", "SetPairTable", "Spread", "Stratum", "Verdict", "anchor", "compare_sets",
    "consistency", "contributions", "correlations", "dataset_influence", "every", "gap_correlation",
    "leave_one_model_out", "match", "mean_and_spread", "median_r", "metric_agreement", "pair_mask", "pair_values",
    "pairs_of", "regression_line", "resample", "sensitivity", "set_pair_consistency", "sets_of", "verdict_of",
    "with_gaps",
]
