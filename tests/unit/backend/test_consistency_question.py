"""What a request means: whether larger values are more alike."""

from __future__ import annotations

import pytest

from backend.domain.metrics import parse_metric
from backend.services.consistency_scope import Question
from backend.services.model_sets import ALL, Chosen


@pytest.mark.parametrize(("metric", "layer", "direction"), [
    ("cka.linear.unbiased", "value", "similarity"),
    ("cka.linear.unbiased", "calibrated", "similarity"),
    ("procrustes.angular", "value", "distance"),
    ("procrustes.angular", "calibrated", "similarity"),
])  # fmt: skip
def test_calibrated_values_are_similarities_whatever_the_measure_is(metric: str, layer: str, direction: str) -> None:
    question = Question(
        metric=parse_metric(metric), preprocess="l2", layer=layer, method="pearson", labels="published",
        chosen=Chosen(ALL, "All models", frozenset()), described={}, found=[], without=[], revision="",
    )
    assert question.direction == direction
