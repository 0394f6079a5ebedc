"""Models of all kinds on a few datasets, in the database and as arrays: what tests about consistency ask the API of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from sqlalchemy import Connection

from tests.support.rows import add_dataset, add_matrix, add_model, similarities

LINEAR, SPEARMAN, FLAT = "cka.linear.unbiased", "rsa.correlation.spearman", "knn.mutual:k=10"
# Name -> domain; answers list them by domain, then name.
DATASETS = {"photos": "natural-multi", "cars": "natural-single", "digits": "specialized", "shapes": "structured"}
IN_ORDER = ["photos", "cars", "digits", "shapes"]
OBJECTIVES = ("supervised", "self-supervised", "image-text")
ARCHITECTURES = ("convolutional", "transformer")
N_MODELS, N_STEADY = 21, 10


@dataclass(frozen=True)
class Population:
    """`models`: name -> attributes, `tags` apart; `values`: (metric, dataset) -> (models, models) float32 as stored,
    NaN where a model is not in the matrix."""

    models: dict[str, dict[str, str]]
    tags: dict[str, list[str]]
    values: dict[tuple[str, str], np.ndarray]
    steady: list[str]  # among these a pair is as alike on every dataset

    @property
    def names(self) -> list[str]:
        return sorted(self.models)

    def named(self, **attributes: str) -> list[str]:
        """Models with these attributes."""
        return [name for name in self.names if attributes.items() <= self.models[name].items()]

    def pairs(self, a: list[str] | None = None, b: list[str] | None = None) -> list[tuple[str, str]]:
        """Every unordered pair of different models, one of a set and one of another."""
        first, second = (set(self.names if one is None else one) for one in (a, b))
        return [
            (i, j) for i, j in combinations(self.names, 2)
            if (i in first and j in second) or (j in first and i in second)
        ]

    def shared(
        self, dataset_a: str, dataset_b: str, pairs: list[tuple[str, str]], metric: str = LINEAR
    ) -> tuple[np.ndarray, np.ndarray, list[tuple[str, str]]]:
        """The similarities of these pairs on two datasets, and the pairs that both have."""
        at = {name: k for k, name in enumerate(self.names)}
        rows = [
            (float(self.values[metric, dataset_a][at[i], at[j]]), float(self.values[metric, dataset_b][at[i], at[j]]))
            for i, j in pairs
        ]
        kept = [k for k, (x, y) in enumerate(rows) if x == x and y == y]
        return np.array([rows[k][0] for k in kept]), np.array([rows[k][1] for k in kept]), [pairs[k] for k in kept]

    def r(self, dataset_a: str, dataset_b: str, pairs: list[tuple[str, str]], metric: str = LINEAR) -> float:
        """Pearson's r from its formula; NaN with fewer than three pairs."""
        x, y, kept = self.shared(dataset_a, dataset_b, pairs, metric)
        if len(kept) < 3:
            return float("nan")
        dx, dy = x - x.mean(), y - y.mean()
        return float((dx * dy).sum() / np.sqrt((dx**2).sum() * (dy**2).sum()))

    def all_r(self, pairs: list[tuple[str, str]], datasets: list[str] | None = None) -> list[float]:
        return [self.r(a, b, pairs) for a, b in combinations(datasets or IN_ORDER, 2)]


def add_population(connection: Connection) -> Population:
    """21 models, 20 of them on `cars`; one metric on all datasets, another on two of them for 18 models, a third
    on three of them whose values on `digits` are all equal. Pairs of the first ten models hardly depend on the dataset,
    those of the others much."""
    described, tags, ids = {}, {}, {}
    for number in range(N_MODELS):
        name = f"net-{number:02d}"
        described[name] = {
            "objective": OBJECTIVES[number % 3], "architecture": ARCHITECTURES[number % 2],
            "training_data": "imagenet-1k" if number % 3 else "large", "size": "small" if number < 15 else "large",
        }
        tags[name] = ["mae"] if number in (1, 4) else ["made"]
        changes = {key: value for key, value in described[name].items() if key != "objective"}
        ids[name] = add_model(connection, name, described[name]["objective"], tags=tags[name], **changes)
    values = {}
    for metric, seed, on in ((LINEAR, 0, DATASETS), (SPEARMAN, 50, ("photos", "digits"))):
        shared = similarities(N_MODELS, 100 + seed)
        for number, dataset in enumerate(on):
            own = 0.5 + 0.1 * number
            noise = np.full((N_MODELS, N_MODELS), 1 - own)
            noise[:N_STEADY, :N_STEADY] = 0.05
            square = ((1 - noise) * shared + noise * similarities(N_MODELS, seed + number)).astype(np.float32)
            count = 18 if metric == SPEARMAN else 20 if dataset == "cars" else N_MODELS
            values[metric, dataset] = np.full((N_MODELS, N_MODELS), np.nan, np.float32)
            values[metric, dataset][:count, :count] = square[:count, :count]
    for dataset in ("photos", "cars", "digits"):
        values[FLAT, dataset] = values[LINEAR, dataset] if dataset != "digits" else np.full_like(
            values[LINEAR, dataset], 0.25
        )
    datasets = {name: add_dataset(connection, name, domain=domain) for name, domain in DATASETS.items()}
    for (metric, dataset), square in values.items():
        here = [name for k, name in enumerate(sorted(ids)) if not np.isnan(square[k, 0])]
        add_matrix(
            connection, datasets[dataset], [ids[name] for name in here], metric,
            square[: len(here), : len(here)].astype(np.float64),
        )
    return Population(described, tags, values, sorted(ids)[:N_STEADY])


def above(table: list[list[float | None]], at: Mapping[str, int], pairs: list[tuple[str, str]]) -> list[float]:
    """Numbers of a dataset x dataset table for these pairs of datasets; NaN for null."""
    found = [table[at[a]][at[b]] for a, b in pairs]
    return [float("nan") if value is None else value for value in found]
