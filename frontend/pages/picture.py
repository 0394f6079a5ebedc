"""One matrix, ready to be drawn: values in the order that all datasets share, colour range, words.

The browser gets each number once per pair, as `packed` writes it, and the figure without them; it puts them into the
order, the filter and the crop of the link without asking again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from backend.contracts.metrics import MetricInfo
from backend.domain.metrics import Direction, parse_metric
from backend.domain.ordering import mean_similarity
from backend.domain.quantities import CALIBRATED, VALUE, Z
from frontend.figures.heatmap import similarity_heatmap
from frontend.figures.heatmap_data import Bar, HeatmapData, colour_ranges, heatmap_data, orders
from frontend.figures.numbers import count, decimal
from frontend.pages.layers import (
    Array,
    Numbers,
    absent_words,
    bytes_of,
    floor_of_p,
    layer_direction,
    layer_title,
    packed,
    read_numbers,
)
from frontend.pages.study import Study, aligned, shared_order
from parallax.client import Client, MatrixArray

Read = Callable[[str, str, str], MatrixArray]
# Above this many models the colour range is not fitted to all datasets, and groups are not clustered anew: both would
# read every matrix.
MOST_FITTED = 300


@dataclass(frozen=True)
class Picture:
    """One dataset's matrix, or the mean over datasets, with what is needed to draw and describe it. `values` are those
    of `layer`; `orders` are permutations of the models that need all datasets."""

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
    orders: dict[str, list[int]] = field(default_factory=dict)
    dataset: str = ""

    @property
    def direction(self) -> Direction:
        """Which way of what is shown is more alike."""
        return layer_direction(self.metric, self.layer)

    @property
    def symmetric(self) -> bool:
        return parse_metric(self.metric.id).spec.symmetric

    def drawn(self) -> HeatmapData:
        """What the figure shows, in cluster order."""
        return heatmap_data(
            self.models, self.values, title=layer_title(self.metric, self.layer), direction=self.direction,
            symmetric=self.symmetric, attributes=self.attributes, subject=self.subject(), reasons=self.reasons,
            order=range(len(self.models)), ends=self.ranges["full"], with_self=self.layer == VALUE,
            absent_words=absent_words(self.metric, self.layer, self.numbers),
        )

    @property
    def drawn_layer(self) -> str:
        """Which of the numbers that are sent is drawn."""
        return self.layer

    def numbers_sent(self) -> dict[str, Array]:
        """The numbers of every pair that the browser gets, by name, (M, M) each."""
        return self.numbers.shown(self.layer) if self.numbers else {self.layer: self.values}

    def pane(self) -> dict[str, Any]:
        """What the browser needs of this matrix: its numbers once per pair, and the words of its card."""
        data, matrix = self.drawn(), self.matrix
        low, high = self.ranges["full"]
        return {
            **packed(self.numbers_sent(), not self.symmetric), "layer": self.drawn_layer,
            "self": bytes_of(np.diagonal(self.values)),
            "reference": high - low, "floor": floor_of_p(matrix.recipe, matrix.n) if matrix else None,
            "distance": self.direction == "distance", "dataset": self.dataset, "metric": self.metric.id,
            "title": self.title, "subject": self.subject(), "metricTitle": self.metric.title,
            "layerTitle": layer_title(self.metric, self.layer), "words": data.value_words, "scale": data.scale,
            "ranges": {name: list(ends) for name, ends in self.ranges.items()},
            "reasons": self.reasons, "absent": data.absent_words, "withSelf": data.with_self,
        }

    def payload(self, path: str, resolved: dict[str, str]) -> dict[str, Any]:
        """What the browser gets: the figure without its numbers, the numbers, and how to order and choose the models.
        `resolved` are the fields that the link left open."""
        whole = self.drawn()
        telling = {bar.attribute: bar.slugs for bar in whole.bars if len(bar.values) > 1}
        data = replace(whole, attributes=telling)  # a bar that is all one colour tells nothing
        figure = json.loads(similarity_heatmap(data).to_json())
        for trace in figure["data"]:
            if trace["meta"]["permute"] == "both":
                del trace["z"], trace["x"], trace["y"]
        return {
            "path": path,
            "resolved": resolved,
            "figure": figure,
            "panes": [self.pane()],
            "models": self.models,
            "orders": self.orders or orders(self.models, self.attributes),
            "facets": [_facet(bar) for bar in whole.bars],
            "fixed": True,
        }

    def subject(self) -> str:
        """Whose values these are, with the number of stimuli where it is one."""
        return f"{self.title}, n = {self.matrix.n:,}" if self.matrix else self.title

    def sentence(self) -> str:
        """One sentence about the picture, from its values."""
        return f"{self.title}: {self.facts()}."

    def facts(self) -> str:
        """What its values say: how many pairs, their median, and the extremes."""
        rows, columns = np.triu_indices(len(self.models), 1)
        values = ((self.values + self.values.T) / 2)[rows, columns]
        here = np.isfinite(values)
        if not here.any():
            words = absent_words(self.metric, self.layer, self.numbers)
            return "no pair of models is compared yet" if self.layer == VALUE else f"all pairs are {words}"
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
            f"of {compared} models ({len(values):,} pairs, median {decimal(float(np.median(values)))}), "
            f"most alike are {pair(most)}{end}"
        )


def reader(client: Client) -> Read:
    """Reads layers of matrices, each once: `read(dataset, metric, layer)`."""
    return cache(lambda dataset, metric, layer: client.matrix(dataset, metric, layer=layer))


def picture(
    client: Client, study: Study, metric: MetricInfo, dataset: str, layer: str | None = None,
    read: Read | None = None, models: list[str] | None = None, detailed: bool = True,
) -> Picture:
    """The matrix of `dataset`, or with an empty name the mean over all datasets, in the order that datasets share.

    With a `layer` the picture is of that layer, and comes with all numbers of the matrix, or without `detailed` with
    those that are drawn. `read` and `models`, the order, are given where pictures share them. Raises ApiError.
    """
    names = study.datasets_of(metric.id)
    wanted = [dataset] if dataset else names
    source = read or reader(client)
    matrices = {name: source(name, metric.id, VALUE) for name in wanted}
    if models is None:
        models = shared_order(client, metric.id, sorted({m for matrix in matrices.values() for m in matrix.models}))
    shown = layer or VALUE
    # Every dataset's matrix gives one colour range for all; with many models that would read too much.
    few = len(models) <= MOST_FITTED
    every = names if few else wanted
    stack = np.stack([aligned(source(name, metric.id, shown), models) for name in every])
    attributes = study.attributes(models)
    numbers = None
    if not dataset:
        values, title = mean_similarity(stack).astype(np.float32), f"Mean over {count(len(wanted), 'dataset')}"
    else:
        values, title = aligned(source(dataset, metric.id, shown), models), study.title(dataset)
        if layer:
            numbers = read_numbers(lambda of: source(dataset, metric.id, of), metric, models, layer, detailed)
    upper = metric.upper
    if shown != VALUE:
        upper = None if shown == Z else 1.0
        _mark_self(values, metric, shown)
    mean = _mean(source, metric, names, models, stack if shown == VALUE else None) if few else None
    return Picture(
        models=models, values=values, attributes=attributes, metric=metric,
        reasons={gap.model: gap.reason for matrix in matrices.values() for gap in matrix.gaps},
        ranges=colour_ranges(stack, upper), title=title, matrix=matrices.get(dataset), layer=shown, numbers=numbers,
        orders=orders(models, attributes, mean, metric.direction), dataset=dataset,
    )


def _mean(source: Read, metric: MetricInfo, names: list[str], models: list[str], stack: Array | None) -> np.ndarray:
    """The similarity over all datasets by which groups are clustered, so that they are the same on each."""
    if stack is None:
        stack = np.stack([aligned(source(name, metric.id, VALUE), models) for name in names])
    return mean_similarity(stack)


def _mark_self(values: np.ndarray, metric: MetricInfo, layer: str) -> None:
    """A model against itself has no chance level: 1 where that is perfect agreement by definition, else nothing."""
    perfect = layer != Z and parse_metric(metric.id).spec.self_is_best
    np.fill_diagonal(values, 1.0 if perfect else np.nan)


def _facet(bar: Bar) -> dict[str, Any]:
    """An attribute as the browser filters, groups and colours by it: the place of each model's value."""
    place = {value.slug: i for i, value in enumerate(bar.values)}
    return {
        "attribute": bar.attribute, "title": bar.title, "codes": [place[slug] for slug in bar.slugs],
        "values": [{"slug": value.slug, "words": value.words, "colour": value.colour} for value in bar.values],
    }
