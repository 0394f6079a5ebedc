"""Calls about consistency, one per endpoint: whether similarities between models survive a change of dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

import numpy as np

from backend.contracts.consistency import (
    Anchors,
    Consistency,
    DatasetPair,
    Difference,
    Finding,
    Influence,
    MetricAgreement,
    ModelSet,
    NewModelSet,
    Scope,
    SetPairs,
    Spread,
)
from backend.contracts.matrices import ORDER_HASH_HEADER
from parallax.client.transport import Transport

BINARY = "application/octet-stream"


class Choice(TypedDict, total=False):
    """What numbers are computed from, for every call here; what is left out is the API's default."""

    method: str  # `pearson` or `spearman`
    preprocess: str
    layer: str  # `value` or `calibrated`
    models: str  # a predicate or the name of a model set
    datasets: str | Sequence[str]  # names, or a predicate such as `domain:structured`
    labels: str  # whose attributes of models: `published` or `audited`


@dataclass(frozen=True)
class SpreadArrays:
    """Mean and standard deviation (n - 1) over datasets of every pair of models, and how many datasets have the pair:
    float32 arrays of shape (models, models), NaN where undefined."""

    scope: Scope
    models: list[str]
    mean: np.ndarray
    sd: np.ndarray
    n_datasets: np.ndarray
    sentence: str


class ConsistencyCalls(Transport):
    """Intervals are computed where `intervals` is true; they resample models."""

    def consistency(
        self, metric: str, method: str = "pearson", preprocess: str = "l2", *, set_a: str = "all", set_b: str = "all",
        intervals: bool = False, layer: str = "value", models: str = "", datasets: str | Sequence[str] = "",
        labels: str = "published",
    ) -> Consistency:
        """Dataset x dataset table of r over the pairs of two model sets: each a predicate, a saved name or `all`."""
        params = params_of(
            metric, method=method, preprocess=preprocess, layer=layer, models=models, datasets=datasets, labels=labels
        )
        params |= {"set_a": set_a, "set_b": set_b, "intervals": intervals}
        return self._one("/consistency", Consistency, params=params)

    def set_pairs(
        self, metric: str, by: str = "objective", *, sets: Sequence[str] = (), intervals: bool = False,
        **choice: Unpack[Choice],
    ) -> SetPairs:
        """Every two sets of an attribute beside the baseline of all models; `by="custom"` takes `sets`: predicates
        or saved names."""
        params = params_of(metric, **choice) | {"by": by, "sets": ";".join(sets), "intervals": intervals}
        return self._one("/consistency/set-pairs", SetPairs, params=params)

    def difference(
        self, metric: str, a: str, b: str, *, match: Sequence[str] = (), **choice: Unpack[Choice]
    ) -> Difference:
        """Whether the pairs within set `a` are steadier than those within set `b`, as they are or matched by
        attributes."""
        params = params_of(metric, **choice) | {"a": a, "b": b, "match": ",".join(match)}
        return self._one("/consistency/difference", Difference, params=params)

    def dataset_pair(
        self, metric: str, a: str, b: str, *, set_a: str = "all", set_b: str = "all", by: str = "",
        limit: int = 20_000, **choice: Unpack[Choice],
    ) -> DatasetPair:
        """The scatter of two datasets: every pair of models with its contribution to r, grouped by an attribute. Of
        more pairs than `limit` the ones that matter most and a random part of the others are listed."""
        params = params_of(metric, **choice) | {"a": a, "b": b, "set_a": set_a, "set_b": set_b, "by": by}
        params["limit"] = limit
        return self._one("/consistency/dataset-pair", DatasetPair, params=params)

    def influence(
        self, metric: str, *, set_a: str = "all", set_b: str = "all", **choice: Unpack[Choice]
    ) -> Influence:
        """The median r without each dataset."""
        params = params_of(metric, **choice) | {"set_a": set_a, "set_b": set_b}
        return self._one("/consistency/influence", Influence, params=params)

    def anchors(
        self, metric: str, anchors: Sequence[str], *, by: str = "", intervals: bool = False, **choice: Unpack[Choice]
    ) -> Anchors:
        """Single models against all others, and with `by` against the others of every value of an attribute."""
        params = params_of(metric, **choice) | {"anchors": ",".join(anchors), "by": by, "intervals": intervals}
        return self._one("/consistency/anchors", Anchors, params=params)

    def metric_agreement(self, metric: str, other: str, **choice: Unpack[Choice]) -> MetricAgreement:
        """How far two metrics agree, per dataset and about consistency."""
        return self._one("/consistency/metrics", MetricAgreement, params=params_of(metric, **choice) | {"other": other})

    def spread(self, metric: str, **choice: Unpack[Choice]) -> Spread:
        """Mean and standard deviation of every pair of models over datasets."""
        return self._one("/consistency/spread", Spread, params=params_of(metric, **choice))

    def spread_arrays(self, metric: str, **choice: Unpack[Choice]) -> SpreadArrays:
        """The same with its numbers as float32 arrays, which are read at once however many models there are."""
        params = params_of(metric, **choice)
        while True:
            head = self._one("/consistency/spread", Spread, params=params | {"values": False})
            answer = self._send("GET", "/consistency/spread", params=params, headers={"Accept": BINARY})
            # A model that came between the two requests makes it ask again.
            if answer.headers[ORDER_HASH_HEADER] == head.order_hash:
                values = np.frombuffer(answer.content, dtype="<f4").reshape(3, len(head.models), len(head.models))
                return SpreadArrays(head.scope, head.models, *values, head.sentence)

    def finding(self, metric: str | None = None) -> Finding:
        return self._one("/finding", Finding, params={"metric": metric} if metric else {})

    def model_sets(self, labels: str = "published") -> list[ModelSet]:
        """Every named set with the models it holds now."""
        return list(self._all("/model-sets", ModelSet, {"labels": labels}))

    def save_model_set(self, name: str, predicate: str, title: str = "") -> ModelSet:
        """Name a set. Repeating it does no harm; a taken name with another predicate is refused (409)."""
        body = NewModelSet(name=name, title=title, predicate=predicate).model_dump_json()
        answer = self._send("POST", "/model-sets", content=body, headers={"Content-Type": "application/json"})
        return ModelSet.model_validate_json(answer.content)

    def delete_model_set(self, name: str) -> None:
        self._send("DELETE", f"/model-sets/{name}")


def params_of(metric: str, **choice: Unpack[Choice]) -> dict[str, Any]:
    """Query parameters, without those that are empty."""
    chosen: dict[str, Any] = {**choice}
    datasets = chosen.get("datasets", "")
    chosen["datasets"] = datasets if isinstance(datasets, str) else ",".join(datasets)
    return {"metric": metric} | {name: value for name, value in chosen.items() if value}
