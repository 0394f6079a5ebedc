"""What the pages of results read from the API, put together: the study, and one matrix ready to be drawn."""

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
from backend.domain.ordering import mean_similarity
from frontend.figures.heatmap import similarity_heatmap
from frontend.figures.heatmap_data import boundaries, colour_ranges, heatmap_data, orders
from frontend.figures.numbers import decimal
from parallax.client import Client, MatrixArray

# Above this many models the colour range is not fitted to all datasets: that would read every matrix.
MOST_FITTED = 300


@dataclass(frozen=True)
class Study:
    """Everything that exists, by name, and what is computed of it. `datasets` has the newest version of each."""

    models: dict[str, Model]
    datasets: dict[str, Dataset]
    metrics: dict[str, MetricInfo]
    coverage: list[MatrixSummary]
    versions: dict[tuple[str, int], Dataset] = field(default_factory=dict)

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

    def datasets_of(self, metric: str) -> list[str]:
        """Datasets that have a matrix of the metric, by title."""
        names = {summary.dataset for summary in self.coverage if summary.metric == metric}
        return sorted(names, key=lambda name: (self.title(name).casefold(), name))

    def title(self, dataset: str) -> str:
        """What a dataset is called on screen."""
        known = self.datasets.get(dataset)
        return (known.title or known.name) if known else dataset

    def attributes(self, models: Sequence[str]) -> dict[str, list[str]]:
        """Attribute -> the models' slugs, `other` for a model that is no longer listed."""
        return {
            attribute: [getattr(self.models[name], attribute) if name in self.models else "other" for name in models]
            for attribute in MODEL_ATTRIBUTES
        }


def read_study(client: Client) -> Study:
    """Reads the study. Raises ApiError."""
    datasets = client.datasets()
    return Study(
        models={model.name: model for model in client.models()},
        datasets={dataset.name: dataset for dataset in datasets},
        versions={(dataset.name, dataset.version): dataset for dataset in datasets},
        metrics={metric.id: metric for metric in client.metrics()},
        coverage=client.coverage(),
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


@dataclass(frozen=True)
class Picture:
    """One dataset's matrix, or the mean over datasets, with what is needed to draw and describe it."""

    models: list[str]
    values: np.ndarray
    reasons: dict[str, str]
    attributes: dict[str, list[str]]
    metric: MetricInfo
    ranges: dict[str, tuple[float, float]]
    title: str
    matrix: MatrixArray | None

    def payload(self, path: str, resolved: dict[str, str]) -> dict[str, Any]:
        """What the browser gets: the figure in cluster order and how to reorder it. `resolved` are the fields that
        the link left open."""
        figure = similarity_heatmap(
            heatmap_data(
                self.models, self.values, title=self.metric.title, direction=self.metric.direction,
                attributes=self.attributes, subject=self.subject(), reasons=self.reasons,
                order=range(len(self.models)), ends=self.ranges["full"],
            )
        )
        permutations = orders(self.models, self.attributes)
        return {
            "path": path,
            "resolved": resolved,
            "figure": json.loads(figure.to_json()),
            "models": self.models,
            "orders": permutations,
            "groups": {
                attribute: boundaries([slugs[i] for i in permutations[attribute]])
                for attribute, slugs in self.attributes.items()
            },
            "ranges": {name: list(ends) for name, ends in self.ranges.items()},
        }

    def subject(self) -> str:
        """Whose values these are, with the number of stimuli where it is one."""
        return f"{self.title}, n = {self.matrix.n:,}" if self.matrix else self.title

    def sentence(self) -> str:
        """One sentence about the picture, from its values."""
        rows, columns = np.triu_indices(len(self.models), 1)
        values = ((self.values + self.values.T) / 2)[rows, columns]
        here = np.isfinite(values)
        if not here.any():
            return f"No pair of models has been compared on {self.title} yet."
        rows, columns, values = rows[here], columns[here], values[here]
        least, most = int(np.argmin(values)), int(np.argmax(values))
        if self.metric.direction == "distance":
            least, most = most, least

        def pair(k: int) -> str:
            return f"{self.models[rows[k]]} and {self.models[columns[k]]} ({decimal(float(values[k]))})"

        compared = len(np.union1d(rows, columns))
        return (
            f"{self.title}: of {compared} models ({len(values):,} pairs, median {decimal(float(np.median(values)))}), "
            f"most alike are {pair(most)}, least alike {pair(least)}."
        )


def picture(client: Client, study: Study, metric: MetricInfo, dataset: str) -> Picture:
    """The matrix of `dataset`, or with an empty name the mean over all datasets, in the order that datasets share."""
    names = study.datasets_of(metric.id)
    wanted = [dataset] if dataset else names
    matrices = {name: client.matrix(name, metric.id) for name in wanted}
    models = shared_order(client, metric.id, sorted({m for matrix in matrices.values() for m in matrix.models}))
    fit = len(models) <= MOST_FITTED
    every = {name: matrices.get(name) or client.matrix(name, metric.id) for name in names} if fit else matrices
    stack = np.stack([aligned(every[name], models) for name in every])
    if dataset:
        values, title = aligned(matrices[dataset], models), study.title(dataset)
    else:
        values, title = mean_similarity(stack).astype(np.float32), f"Mean over {len(wanted)} datasets"
    return Picture(
        models=models, values=values, attributes=study.attributes(models), metric=metric,
        reasons={gap.model: gap.reason for matrix in matrices.values() for gap in matrix.gaps},
        ranges=colour_ranges(stack, metric.upper), title=title, matrix=matrices.get(dataset),
    )


def fingerprint(payload: Any) -> str:
    """Hash of what the browser would get, so that unchanged data is not sent again."""
    return hashlib.sha256(json.dumps(payload, sort_keys=True, default=str).encode()).hexdigest()[:16]
