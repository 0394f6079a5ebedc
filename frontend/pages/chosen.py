"""What a link to the Similarity page asks for, as far as it exists: a metric, computed or not, and a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backend.contracts.metrics import MetricInfo
from backend.domain.errors import InvalidInput
from frontend.components.states import replaced
from frontend.pages.study import Study
from frontend.urls import SimilarityView


@dataclass(frozen=True)
class Chosen:
    """Metric and dataset; `instead` says what was replaced."""

    metric: MetricInfo
    dataset: str
    instead: list[Any]

    @property
    def want(self) -> dict[str, Any]:
        return {"dataset": self.dataset, "metric": self.metric.id, "choose": self.metric.on_request}


def choose(study: Study, view: SimilarityView) -> Chosen | None:
    """The metric and the dataset of a link; None when nothing is computed at all. A metric need not be computed."""
    metric, instead = study.metric(""), []
    if metric is None:
        return None
    if view.metric:
        try:
            metric = study.known_metric(view.metric)
        except InvalidInput as error:
            instead = [*replaced([("metric", view.metric, metric.id)]), f"{error.message} {error.hint} "]
    datasets = study.compared()
    first = (study.datasets_of(metric.id) or datasets)[0]
    dataset = view.dataset if view.dataset in datasets else first
    return Chosen(metric, dataset, [*replaced([("dataset", view.dataset, dataset)]), *instead])
