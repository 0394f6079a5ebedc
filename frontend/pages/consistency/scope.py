"""What a link to consistency asks for, read against what there is, and the recipe of what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from dash import html

from backend.contracts.consistency import Consistency, ModelSet, Scope, SetPair
from backend.contracts.metrics import MetricInfo
from backend.domain.attributes import MODEL_ATTRIBUTES
from backend.domain.quantities import CALIBRATED
from frontend.components.facts import code, recipe
from frontend.figures.consistency_map import WORDS
from frontend.figures.numbers import count, moment
from frontend.pages.study import Study, read_study
from frontend.theme import ATTRIBUTE_TITLES, OKABE_ITO, colour_of, symbol_of
from frontend.urls import ConsistencyView, decode
from parallax.client import Client

ALL = "all"


@dataclass(frozen=True)
class Scoped:
    """A link, the study, the metric that the link means, and the version that answers."""

    view: ConsistencyView
    study: Study
    metric: MetricInfo
    version: str = ""

    @property
    def query(self) -> dict[str, Any]:
        """What every call of the client gets, beside the metric."""
        view = self.view
        return {
            "method": view.method, "layer": view.layer, "labels": view.labels, "models": view.models,
            "datasets": view.datasets,
        }

    @property
    def sets(self) -> dict[str, str]:
        """The two model sets of map and scatter."""
        return {"set_a": self.view.set_a or ALL, "set_b": self.view.set_b or ALL}

    @property
    def words(self) -> str:
        """What the numbers are: `Pearson r`."""
        return WORDS[self.view.method]

    @property
    def value_words(self) -> str:
        """What is correlated: the metric, calibrated or not."""
        return f"Calibrated {self.metric.title}" if self.view.layer == CALIBRATED else self.metric.title

    def titles(self, names: Sequence[str]) -> list[str]:
        """Titles of datasets, told apart by their names where two are called alike."""
        titles = [self.study.title(name) for name in names]
        return [
            title if titles.count(title) == 1 else f"{title} ({name})"
            for name, title in zip(names, titles, strict=True)
        ]

    def pair_titles(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Titles of pairs of datasets."""
        names = list(dict.fromkeys(name for pair in pairs for name in pair))
        title = dict(zip(names, self.titles(names), strict=True))
        return [(title[a], title[b]) for a, b in pairs]


def read_scope(client: Client, search: str) -> Scoped | None:
    """The link's scope; None as long as nothing is computed. Raises ApiError."""
    study = read_study(client)
    view = decode(ConsistencyView, search)
    metric = study.metric(view.metric)
    return None if metric is None else Scoped(view, study, metric, client.version().version)


def resolved_pair(table: Consistency, view: ConsistencyView) -> tuple[str, str]:
    """The two datasets of the scatter: those of the link, else the two that agree least. Needs two datasets."""
    names = table.datasets
    if view.a in names and view.b in names and view.a != view.b:
        return view.a, view.b
    r = floats([value for row in table.r for value in row]).reshape(len(names), len(names))
    rows, columns = np.triu_indices(len(names), 1)
    values = r[rows, columns]
    least = int(np.nanargmin(values)) if np.isfinite(values).any() else 0
    return names[int(rows[least])], names[int(columns[least])]


def floats(column: Sequence[float | None]) -> np.ndarray:
    """A column of the wire as float64, NaN for what is not defined."""
    return np.array([np.nan if value is None else value for value in column], dtype=np.float64)


def number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def size_note(pair: SetPair) -> str:
    """How much stands behind a set pair: `28 pairs of 8 models`, and whether that is little."""
    models = f"{pair.n_models_a} × {pair.n_models_b}" if pair.set_a != pair.set_b else f"{pair.n_models_a}"
    words = f"{count(pair.n_pairs, 'pair')} of {models} models"
    return f"{words} · few models" if pair.small else words


def marks_of(by: str, a: str, b: str) -> tuple[tuple[str, str], ...]:
    """Colour and shape of a set pair: one where both sets are one value of the attribute, else one for each value."""
    if by not in MODEL_ATTRIBUTES:
        return ()
    values = [value.rpartition(":")[2] for value in dict.fromkeys([a, b])]
    known = [value for value in values if value in MODEL_ATTRIBUTES[by]]
    return tuple((colour_of(by, value), symbol_of(by, value)) for value in known)


def look_of_group(by: str, a: str, b: str) -> tuple[str, str, str]:
    """Fill, shape and frame of the points of a set pair: the frame is empty within one set."""
    marks = marks_of(by, a, b)
    if not marks:
        return OKABE_ITO["blue"], "circle", ""
    (colour, symbol), (edge, _) = marks[0], marks[-1]
    return (colour, symbol, "") if a == b else (colour, "circle", edge)


def scope_recipe(scoped: Scoped, scope: Scope | None, extra: Sequence[tuple[str, Any]] = ()) -> html.Dl:
    """How the numbers of a picture were made: enough to make them again."""
    metric, study = scoped.metric, scoped.study
    entries: list[tuple[str, Any]] = [
        ("Metric", [code(metric.id), f" version {metric.version}"]),
        ("Correlation", f"{scoped.words} over unordered pairs of distinct models, published definition"),
    ]
    if scope is not None:
        newest = [
            s.updated_at for s in study.coverage if s.metric == metric.id and s.dataset in scope.datasets
        ]
        entries += [
            ("Preprocessing", code(scope.preprocess)),
            ("Values", "calibrated by chance" if scope.layer == CALIBRATED else "as measured"),
            ("Models", [f"{scope.n_models} of {scope.n_models_of}",
                        *([", ", code(scope.models)] if scope.models else []), f"; {scope.labels} labels"]),
            ("Datasets", ", ".join(_versioned(study, name) for name in scope.datasets)),
            *extra,
        ]
        if scope.interval:
            entries.append(("Interval", f"95 %, {scope.interval}"))
        if scope.resamples:
            seed = "" if scope.seed is None else f", seed {scope.seed}"
            entries.append(("Resamples", f"{scope.resamples:,} of the models{seed}"))
        if newest:
            entries.append(("Similarities of", moment(max(newest))))
    entries.append(("Code", f"Parallax {scoped.version}"))
    return recipe(entries)


def _versioned(study: Study, name: str) -> str:
    known = study.datasets.get(name)
    return f"{name}@{known.version} (n = {known.n_stimuli:,})" if known else name


def set_options(sets: Sequence[ModelSet], chosen: Sequence[str], *, every: bool = True) -> list[dict[str, Any]]:
    """Model sets to choose from, in groups: all, the values of each attribute, named sets, and what a link asks for
    beside those."""
    groups: list[dict[str, Any]] = [
        {
            "group": ATTRIBUTE_TITLES[attribute],
            "items": [{"value": f"{attribute}:{slug}", "label": words} for slug, words in values.items()],
        }
        for attribute, values in MODEL_ATTRIBUTES.items()
    ]
    if every:
        groups.insert(0, {"group": "Everything", "items": [{"value": ALL, "label": "All models"}]})
    if sets:
        items = [{"value": s.name, "label": f"{s.title} ({len(s.models)})"} for s in sets]
        groups.append({"group": "Named sets", "items": items})
    known = {item["value"] for group in groups for item in group["items"]}
    own = [text for text in dict.fromkeys(chosen) if text and text not in known]
    if own:
        groups.append({"group": "From the link", "items": [{"value": text, "label": text} for text in own]})
    return groups
