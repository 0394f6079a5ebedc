"""The query parameters that every request about consistency shares."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from backend.api.deps import MetricId, PreprocessSteps
from backend.services.consistency_scope import Asked

PREDICATE = "a predicate (`objective:ssl & !tag:mae`), the name of a model set, or `all`"


def _asked(
    metric: MetricId, preprocess: PreprocessSteps = "l2",
    layer: Annotated[str, Query(max_length=20, description="Which numbers: `value` or `calibrated`.")] = "value",
    method: Annotated[str, Query(max_length=20, description="`pearson` or `spearman`.")] = "pearson",
    models: Annotated[str, Query(max_length=4000, description=f"Only these models: {PREDICATE}.")] = "",
    datasets: Annotated[str, Query(max_length=8000, description=(
        "Only these datasets: names joined by commas, or a predicate such as `domain:specialized,structured`."
    ))] = "",
    labels: Annotated[str, Query(max_length=20, description=(
        "Whose attributes of models: `published`, or `audited` where published ones look wrong."
    ))] = "published",
) -> Asked:
    return Asked(
        metric=metric, preprocess=preprocess, layer=layer, method=method, models=models, datasets=datasets,
        labels=labels,
    )


TheScope = Annotated[Asked, Depends(_asked)]
ModelSetText = Annotated[str, Query(max_length=4000, description=f"A model set: {PREDICATE}.")]
WithIntervals = Annotated[bool, Query(description="95 % intervals that resample models.")]
Attribute = Annotated[str, Query(max_length=20, description="`objective`, `architecture`, `training_data` or `size`.")]
