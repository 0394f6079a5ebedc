"""What the pages of results read from the API, put together: the study, and matrices in a shared order of models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backend.contracts.datasets import Dataset
from backend.contracts.matrices import MatrixSummary
from backend.contracts.metrics import MetricInfo
from backend.contracts.models import Model
from backend.domain.attributes import MODEL_ATTRIBUTES
from backend.domain.metrics import DEFAULT_PREPROCESS, parse_metric
from parallax.client import Client, MatrixArray


@dataclass(frozen=True)
class Study:
    """Everything that exists, by name, and what is computed of it with the default preprocessing. `metrics` is the
    catalogue and whatever else was computed; `datasets` has the newest version of each. `labels` says whose attributes
    of models are meant, published or audited ones."""

    models: dict[str, Model]
    datasets: dict[str, Dataset]
    metrics: dict[str, MetricInfo]
    coverage: list[MatrixSummary]
    versions: dict[tuple[str, int], Dataset] = field(default_factory=dict)
    labels: str = "published"

    def computed_metrics(self) -> list[MetricInfo]:
        """Metrics that have a matrix, in the catalogue's order."""
        having = {summary.metric for summary in self.coverage}
        known = [metric for name, metric in self.metrics.items() if name in having]
        return known

    def metric(self, wanted: str) -> MetricInfo | None:
        """The wanted metric if it has results, else the one computed on most datasets; None when there is none."""
        candidates = self.computed_metrics()
        for metric in candidates:
            if metric.id == wanted:
                return metric
        return max(candidates, key=lambda metric: len(self.datasets_of(metric.id)), default=None)

    def known_metric(self, text: str) -> MetricInfo:
        """The metric that an id names, computed or not, with any parameters. Raises InvalidInput."""
        wanted = parse_metric(text)
        if wanted.id in self.metrics:
            return self.metrics[wanted.id]
        default = self.metrics[wanted.spec.default.id]
        return default.model_copy(update={"id": wanted.id, "title": wanted.title, "computed_on": []})

    def summary(self, metric: str, dataset: str) -> MatrixSummary | None:
        """The matrix of a metric on a dataset, if there is one."""
        return next((s for s in self.coverage if (s.metric, s.dataset) == (metric, dataset)), None)

    def compared(self) -> list[str]:
        """Datasets that have a matrix of any metric, by title."""
        return self._by_title({summary.dataset for summary in self.coverage})

    def n_models(self, dataset: str) -> int:
        """The most models that any metric has compared on a dataset."""
        return max((summary.n_models for summary in self.coverage if summary.dataset == dataset), default=0)

    def datasets_of(self, metric: str) -> list[str]:
        """Datasets that have a matrix of the metric, by title."""
        return self._by_title({summary.dataset for summary in self.coverage if summary.metric == metric})

    def _by_title(self, names: set[str]) -> list[str]:
        return sorted(names, key=lambda name: (self.title(name).casefold(), name))

    def title(self, dataset: str) -> str:
        """What a dataset is called on screen."""
        known = self.datasets.get(dataset)
        return (known.title or known.name) if known else dataset

    def attributes(self, models: Sequence[str]) -> dict[str, list[str]]:
        """Attribute -> the models' slugs by the labels of the study, `other` for a model that is no longer listed."""
        fields = {attribute: attribute for attribute in MODEL_ATTRIBUTES}
        if self.labels == "audited":
            fields["training_data"] = "training_data_audited"
        return {
            attribute: [getattr(self.models[name], field) if name in self.models else "other" for name in models]
            for attribute, field in fields.items()
        }


def read_study(client: Client, labels: str = "published") -> Study:
    """Reads the study. Raises ApiError."""
    datasets = client.datasets()
    return Study(
        models={model.name: model for model in client.models()},
        datasets={dataset.name: dataset for dataset in datasets},
        versions={(dataset.name, dataset.version): dataset for dataset in datasets},
        metrics={metric.id: metric for metric in client.metrics()},
        coverage=[summary for summary in client.coverage() if summary.preprocess == DEFAULT_PREPROCESS.id],
        labels=labels,
    )


def shared_order(client: Client, metric: str, extra: Sequence[str] = ()) -> list[str]:
    """The models in the order that all datasets share; models that just arrived come at its end."""
    order = client.order(metric).models
    known = set(order)
    return [*order, *sorted(name for name in extra if name not in known)]


def aligned(matrix: MatrixArray, models: Sequence[str]) -> np.ndarray:
    """Values of a matrix in another order of models: (M, M) float32, NaN for models that it does not have."""
    place = {name: i for i, name in enumerate(matrix.models)}
    positions = np.array([place.get(name, -1) for name in models], dtype=np.int64)
    values = np.full((len(models), len(models)), np.nan, dtype=np.float32)
    here = np.flatnonzero(positions >= 0)
    values[np.ix_(here, here)] = matrix.values[np.ix_(positions[here], positions[here])]
    return values


def fingerprint(payload: Any) -> str:
    """Hash of what the browser would get, so that unchanged data is not sent again."""
    return hashlib.sha256(json.dumps(payload, sort_keys=True, default=str).encode()).hexdigest()[:16]
