"""One matrix, ready to be drawn: values in the order that all datasets share, colour range, words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from backend.contracts.metrics import MetricInfo
from backend.domain.metrics import Direction, parse_metric
from backend.domain.ordering import mean_similarity
from backend.domain.quantities import CALIBRATED, VALUE, Z
from frontend.figures.heatmap import similarity_heatmap
from frontend.figures.heatmap_data import boundaries, colour_ranges, heatmap_data, orders
from frontend.figures.numbers import count, decimal
from frontend.pages.layers import Numbers, absent_words, layer_direction, layer_title, read_numbers
from frontend.pages.study import Study, aligned, shared_order
from parallax.client import Client, MatrixArray

# Above this many models the colour range is not fitted to all datasets: that would read every matrix.
MOST_FITTED = 300


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
    layer: str = VALUE
    numbers: Numbers | None = None

    @property
    def direction(self) -> Direction:
        """Which way of what is shown is more alike."""
        return layer_direction(self.metric, self.layer)

    def payload(self, path: str, resolved: dict[str, str]) -> dict[str, Any]:
        """What the browser gets: the figure in cluster order and how to reorder it. `resolved` are the fields that
        the link left open."""
        figure = similarity_heatmap(
            heatmap_data(
                self.models, self.values, title=layer_title(self.metric, self.layer), direction=self.direction,
                symmetric=parse_metric(self.metric.id).spec.symmetric, attributes=self.attributes,
                subject=self.subject(), reasons=self.reasons, order=range(len(self.models)),
                ends=self.ranges["full"], with_self=self.layer == VALUE,
                absent_words=absent_words(self.metric, self.layer, self.numbers),
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
            if self.layer == VALUE:
                return f"No pair of models has been compared on {self.title} yet."
            words = absent_words(self.metric, self.layer, self.numbers)
            return f"No pair of models has this number on {self.title}: {words}."
        rows, columns, values = rows[here], columns[here], values[here]
        least, most = int(np.argmin(values)), int(np.argmax(values))
        if self.direction == "distance":
            least, most = most, least

        def pair(k: int) -> str:
            return f"{self.models[rows[k]]} and {self.models[columns[k]]} ({decimal(float(values[k]))})"

        compared = len(np.union1d(rows, columns))
        zeros = int((values == 0).sum()) if self.layer == CALIBRATED else 0
        end = f"; {count(zeros, 'pair')} do not pass τ and score 0" if zeros else f", least alike {pair(least)}"
        return (
            f"{self.title}: of {compared} models ({len(values):,} pairs, median {decimal(float(np.median(values)))}), "
            f"most alike are {pair(most)}{end}."
        )


def picture(client: Client, study: Study, metric: MetricInfo, dataset: str, layer: str | None = None) -> Picture:
    """The matrix of `dataset`, or with an empty name the mean over all datasets, in the order that datasets share.

    With a `layer` the picture is of that layer, and comes with all numbers of the matrix. Raises ApiError.
    """
    names = study.datasets_of(metric.id)
    wanted = [dataset] if dataset else names
    read = cache(lambda name, of: client.matrix(name, metric.id, layer=of))
    matrices = {name: read(name, VALUE) for name in wanted}
    models = shared_order(client, metric.id, sorted({m for matrix in matrices.values() for m in matrix.models}))
    shown = layer or VALUE
    # Every dataset's matrix gives one colour range for all; with many models that would read too much.
    every = names if len(models) <= MOST_FITTED else wanted
    stack = np.stack([aligned(read(name, shown), models) for name in every])
    numbers = None
    if not dataset:
        values, title = mean_similarity(stack).astype(np.float32), f"Mean over {count(len(wanted), 'dataset')}"
    else:
        values, title = aligned(read(dataset, shown), models), study.title(dataset)
        numbers = read_numbers(lambda of: read(dataset, of), metric, models) if layer else None
    upper = metric.upper
    if shown != VALUE:
        upper = None if shown == Z else 1.0
        _mark_self(values, metric, shown)
    return Picture(
        models=models, values=values, attributes=study.attributes(models), metric=metric,
        reasons={gap.model: gap.reason for matrix in matrices.values() for gap in matrix.gaps},
        ranges=colour_ranges(stack, upper), title=title, matrix=matrices.get(dataset), layer=shown, numbers=numbers,
    )


def _mark_self(values: np.ndarray, metric: MetricInfo, layer: str) -> None:
    """A model against itself has no chance level: 1 where that is perfect agreement by definition, else nothing."""
    perfect = layer != Z and parse_metric(metric.id).spec.self_is_best
    np.fill_diagonal(values, 1.0 if perfect else np.nan)
