"""The matrices of a view of the Similarity page: one, several datasets side by side, two metrics or datasets in one
square, or mean and spread over datasets; with what is said of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from plotly.colors import get_colorscale

from backend.contracts.metrics import MetricInfo
from backend.domain.consistency import mean_and_spread
from backend.domain.errors import InvalidInput
from frontend.components.states import replaced
from frontend.figures.heatmap_data import HeatmapData
from frontend.figures.numbers import count, decimal
from frontend.pages.chosen import Chosen
from frontend.pages.layers import layer_title
from frontend.pages.picture import MOST_FITTED, Picture, Read, picture, reader
from frontend.pages.study import Study, aligned, shared_order
from frontend.theme import DIFFERENCE_SCALE, SPREAD_SCALE
from frontend.urls import SimilarityView
from parallax.client import Client

TWO = ("split", "difference")
OVER_DATASETS = ("mean", "spread")
SEVERAL = ("multiples", *OVER_DATASETS)
# Side by side there are at most so many, and a third of them when models are many.
MOST_PANES = 24
SD, N_DATASETS = "sd", "n_datasets"


@dataclass(frozen=True)
class OverDatasets(Picture):
    """Mean or standard deviation of every pair over datasets. `values` are those that are drawn; `mean`, `sd` and `n`
    are all (M, M)."""

    spread: bool = False
    mean: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    sd: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    n: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))

    def drawn(self) -> HeatmapData:
        data = super().drawn()
        if not self.spread:
            return data
        words = f"Standard deviation of {layer_title(self.metric, self.layer)}"
        return replace(data, value_words=words, colours=SPREAD_SCALE, absent_words="on fewer than two datasets")

    def numbers_sent(self) -> dict[str, np.ndarray]:
        return {self.layer: self.mean, SD: self.sd, N_DATASETS: self.n}

    @property
    def drawn_layer(self) -> str:
        return SD if self.spread else self.layer

    def facts(self) -> str:
        if not self.spread:
            return super().facts()
        rows, columns = np.triu_indices(len(self.models), 1)
        values = ((self.sd + self.sd.T) / 2)[rows, columns]
        here = np.isfinite(values)
        if not here.any():
            return "no pair of models is compared on two of these datasets yet"
        rows, columns, values = rows[here], columns[here], values[here]
        least, most = int(np.argmin(values)), int(np.argmax(values))

        def pair(k: int) -> str:
            return f"{self.models[rows[k]]} and {self.models[columns[k]]} ({decimal(float(values[k]))})"

        return (
            f"over {len(values):,} pairs the median standard deviation is {decimal(float(np.median(values)))}; "
            f"the steadiest pair is {pair(least)}, the least steady {pair(most)}"
        )


@dataclass(frozen=True)
class Panes:
    """The matrices of a view: what `first` is, `others` follow it. `missing` is what it needs and nobody has computed;
    `left_out` says which datasets it leaves out and why."""

    view: str
    first: Picture
    others: list[Picture]
    missing: Chosen | None = None
    left_out: str = ""

    def payload(self) -> dict[str, Any]:
        """What the browser needs beside the first matrix."""
        made: dict[str, Any] = {"view": self.view, "others": [one.pane() for one in self.others]}
        if self.view == "difference" and self.others:
            made["difference"] = {
                "scale": get_colorscale(DIFFERENCE_SCALE), "words": self._difference_words(),
                "refused": self.refused(),
            }
        return made

    def refused(self) -> str:
        """Why no difference is drawn; empty when it is."""
        if self.view != "difference" or not self.others or self.first.direction == self.others[0].direction:
            return ""
        a, b = self.first, self.others[0]
        return (
            f"{layer_title(a.metric, a.layer)} and {layer_title(b.metric, b.layer)} run in opposite directions, so "
            "their difference means nothing. Choose calibrated values, which all run one way, or two in one square."
        )

    def _difference_words(self) -> str:
        a, b = self.names
        return f"{a} minus {b}"

    @property
    def names(self) -> tuple[str, str]:
        """What tells the two matrices apart: their datasets, their metrics, or both."""
        a, b = self.first, self.others[0]
        if a.metric.id == b.metric.id:
            return a.title, b.title
        if a.dataset == b.dataset:
            return a.metric.title, b.metric.title
        return f"{a.metric.title} on {a.title}", f"{b.metric.title} on {b.title}"

    def sentence(self) -> str:
        """One sentence about the picture, from its values."""
        if self.view == "multiples":
            return f"{self._medians()}{self.left_out}"
        if self.view in OVER_DATASETS:
            return f"{self.first.sentence()}{self.left_out}"
        if self.view == "split":
            a, b = self.names
            return f"Above the diagonal {a}: {self.first.facts()}. Below it {b}: {self.others[0].facts()}."
        if self.view == "difference":
            return self.refused() or self._differences()
        return self.first.sentence()

    def _medians(self) -> str:
        shown = [self.first, *self.others]
        medians = [(one.title, _median(one.values)) for one in shown]
        known = [entry for entry in medians if np.isfinite(entry[1])]
        if not known:
            return "No pair of models has been compared on these datasets yet."
        low, high = min(known, key=lambda e: e[1]), max(known, key=lambda e: e[1])
        return (
            f"{count(len(shown), 'dataset')} in one order and one colour range: the median over pairs runs from "
            f"{decimal(low[1])} ({low[0]}) to {decimal(high[1])} ({high[0]})."
        )

    def _differences(self) -> str:
        a, b = self.names
        difference = self.first.values.astype(np.float64) - self.others[0].values
        rows, columns = np.triu_indices(len(difference), 1)
        values = ((difference + difference.T) / 2)[rows, columns]
        here = np.isfinite(values)
        if not here.any():
            return f"No pair of models has both {a} and {b}."
        rows, columns, values = rows[here], columns[here], values[here]
        least, most = int(np.argmin(values)), int(np.argmax(values))

        def pair(k: int) -> str:
            models = self.first.models
            return f"{models[rows[k]]} and {models[columns[k]]} ({decimal(float(values[k]))})"

        return (
            f"{a} minus {b}, {count(len(values), 'pair')}: {decimal(float(values.mean()))} on average, from "
            f"{pair(least)} to {pair(most)}."
        )


def panes(client: Client, study: Study, chosen: Chosen, view: SimilarityView) -> Panes | None:
    """What a link shows; None where its one matrix is not computed. Raises ApiError."""
    read = reader(client)
    if view.view in SEVERAL:
        return _several(client, study, chosen, view, read)
    if not study.summary(chosen.metric.id, chosen.dataset):
        return None
    if view.view not in TWO:
        return Panes("one", picture(client, study, chosen.metric, chosen.dataset, view.layer, read), [])
    second = second_of(study, chosen, view)
    if not study.summary(second.metric.id, second.dataset):
        first = picture(client, study, chosen.metric, chosen.dataset, view.layer, read)
        return Panes(view.view, first, [], missing=second)
    every = {m for c in (chosen, second) for m in read(c.dataset, c.metric.id, "value").models}
    models = shared_order(client, chosen.metric.id, sorted(every))
    first, other = (
        picture(client, study, c.metric, c.dataset, view.layer, read, models) for c in (chosen, second)
    )
    return Panes(view.view, first, [other])


def second_of(study: Study, chosen: Chosen, view: SimilarityView) -> Chosen:
    """The second matrix that a link asks for. Without a word about it: the next dataset that has the metric."""
    metric: MetricInfo = chosen.metric
    instead: list[Any] = []
    if view.with_metric:
        try:
            metric = study.known_metric(view.with_metric)
        except InvalidInput as error:
            instead = [*replaced([("metric", view.with_metric, metric.id)]), f"{error.message} {error.hint} "]
    known = study.compared()
    having = study.datasets_of(metric.id) or known
    next_one = having[(having.index(chosen.dataset) + 1) % len(having)] if chosen.dataset in having else having[0]
    usual = next_one if metric.id == chosen.metric.id else chosen.dataset
    dataset = view.with_dataset if view.with_dataset in known else usual
    return Chosen(metric, dataset, [*replaced([("dataset", view.with_dataset, dataset)]), *instead])


def datasets_of(study: Study, metric: MetricInfo, wanted: str) -> tuple[list[str], str]:
    """The datasets of a list in a link that have the metric, all of them without a list, and words about the rest."""
    having = study.datasets_of(metric.id)
    asked = [name for name in wanted.split(",") if name]
    if not asked:
        return having, ""
    without = [study.title(name) for name in asked if name not in having]
    names = [name for name in having if name in asked] or having
    return names, f" Not computed: {', '.join(without)}." if without else ""


def _several(client: Client, study: Study, chosen: Chosen, view: SimilarityView, read: Read) -> Panes | None:
    names, left_out = datasets_of(study, chosen.metric, view.datasets)
    if not names:
        return None
    models = shared_order(
        client, chosen.metric.id, sorted({m for name in names for m in read(name, chosen.metric.id, "value").models})
    )
    if view.view in OVER_DATASETS:
        made = _over_datasets(client, study, chosen.metric, names, view, models, read)
        return Panes(view.view, made, [], None, left_out)
    most = MOST_PANES if len(models) <= MOST_FITTED else MOST_PANES // 3
    if len(names) > most:
        left_out += f" The first {most} of {len(names)} datasets are shown."
    shown = [
        picture(client, study, chosen.metric, name, view.layer, read, models, detailed=False) for name in names[:most]
    ]
    return Panes(view.view, shown[0], shown[1:], None, left_out)


def _over_datasets(
    client: Client, study: Study, metric: MetricInfo, names: list[str], view: SimilarityView, models: list[str],
    read: Read,
) -> OverDatasets:
    base = picture(client, study, metric, names[0], view.layer, read, models, detailed=False)
    found = mean_and_spread(np.stack([aligned(read(name, metric.id, view.layer), models) for name in names]))
    mean, sd, n = (np.asarray(part, dtype=np.float32) for part in found)
    spread = view.view == "spread"
    values = (sd if spread else mean).copy()
    if spread:
        np.fill_diagonal(values, np.nan)
    elif view.layer != "value":
        np.fill_diagonal(values, np.diagonal(base.values))
    off = values[~np.eye(len(values), dtype=bool)]
    largest = float(off[np.isfinite(off)].max()) if np.isfinite(off).any() else 1.0
    ends = (0.0, max(0.05, np.ceil(largest * 20 - 1e-6) / 20))
    what = "Spread" if spread else "Mean"
    return OverDatasets(
        models=models, values=values, reasons={}, attributes=base.attributes, metric=metric,
        ranges={"full": ends, "fitted": ends} if spread else base.ranges,
        title=f"{what} over {count(len(names), 'dataset')}", matrix=None, layer=view.layer, numbers=None,
        orders=base.orders, spread=spread, mean=mean, sd=sd, n=n,
    )


def _median(values: np.ndarray) -> float:
    rows, columns = np.triu_indices(len(values), 1)
    pairs = ((values + values.T) / 2)[rows, columns]
    pairs = pairs[np.isfinite(pairs)]
    return float(np.median(pairs)) if len(pairs) else float("nan")
