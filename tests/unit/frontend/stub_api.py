"""An API made of a few invented results, behind the client's transport: for pages without a database.

`StubApi().client()` is a real client whose requests are answered here. `mode` is `full`, `empty` (nothing exists),
`computing` (jobs run, no result yet) or `down` (no connection); it may be changed while a page is open.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np

from backend.domain.consistency import consistency
from backend.domain.finding import finding
from backend.domain.ordering import cluster_order, mean_similarity
from parallax.client import Client

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).isoformat()
MODELS = {
    f"{architecture}-{objective}": (objective, architecture)
    for objective in ("supervised", "self-supervised", "untrained")
    for architecture in ("convolutional", "transformer", "other")
}
DATASETS = {"digits": "structured", "photos": "natural-multi", "sky": "specialized"}
TITLES = {"digits": "Handwritten digits", "photos": "Photographs", "sky": "Night sky"}
METRICS = ("cka.linear.unbiased", "rsa.correlation.spearman")
ABSENT = ("sky", "other-untrained")  # this model has no values on this dataset


def similarities(dataset: str, metric: str) -> np.ndarray:
    """(models, models) float64, the same every time, NaN where ABSENT."""
    rng = np.random.default_rng([sorted(DATASETS).index(dataset), METRICS.index(metric)])
    of = np.array([objective for objective, _ in MODELS.values()])
    values = 0.3 + 0.4 * (of[:, None] == of[None, :]) + 0.25 * rng.random((len(of), len(of)))
    values = (values + values.T) / 2
    np.fill_diagonal(values, 1.0)
    if dataset == ABSENT[0]:
        gone = list(MODELS).index(ABSENT[1])
        values[gone] = values[:, gone] = np.nan
    return values


def nulls(values: np.ndarray) -> list[list[float | None]]:
    return [[None if np.isnan(v) else float(v) for v in row] for row in values]


def job(number: int, state: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": number, "kind": "extract", "state": state, "title": f"Embed digits with model {number}", "attempt": 1,
        "max_attempts": 4, "created_at": NOW, "model": "convolutional-supervised", "dataset": "digits",
    } | changes


JOBS = [
    job(3, "failed", error={"cause": "user", "step": "embed", "message": "Row 7 is not finite.", "hint": "Check it."}),
    job(2, "succeeded", kind="compare", metric=METRICS[0], parent=1),
    job(1, "running", kind="register", title="Add a model", children={"succeeded": 1, "queued": 1}),
]


@dataclass
class StubApi:
    """The stub. `asked` lists what was requested, `submitted` the bodies of submissions."""

    mode: str = "full"
    asked: list[str] = field(default_factory=list)
    submitted: list[dict[str, Any]] = field(default_factory=list)

    def client(self) -> Client:
        return Client("http://stub/api/v1", transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v1")
        self.asked.append(f"{request.method} {path}")
        if self.mode == "down":
            raise httpx.ConnectError("refused")
        if request.method == "POST":
            return self._accept(path, request)
        found = self._get(path, dict(request.url.params))
        if found is None:
            problem = {"title": "Not found", "status": 404, "detail": f"There is nothing at {path}."}
            return httpx.Response(404, json=problem)
        return httpx.Response(200, json=found)

    def _accept(self, path: str, request: httpx.Request) -> httpx.Response:
        if path == "/jobs":
            body = json.loads(request.content)
            self.submitted.append(body)
            if body["model"].get("name") == "refused":
                fields = [{"field": "model.name", "message": "Not that name."},
                          {"field": "datasets.0", "message": "Not that dataset."}]
                return httpx.Response(422, json={"title": "Refused", "status": 422, "fields": fields})
        return httpx.Response(202, json=JOBS[-1])

    def _get(self, path: str, query: dict[str, str]) -> Any:
        full, exists = self.mode == "full", self.mode != "empty"
        stack = np.stack([similarities(name, query.get("metric", METRICS[0])) for name in DATASETS])
        metric = query.get("metric", METRICS[0])
        if path == "/models":
            return page([self._model(name) for name in MODELS] if exists else [])
        if path == "/datasets":
            return page([self._dataset(name) for name in DATASETS] if exists else [])
        if path == "/metrics":
            return page([self._metric(name) for name in METRICS])
        if path == "/model-names":
            return [name for name in ("resnet18", "resnet18.a1_in1k", "vit_tiny_patch16_224") if query["q"] in name]
        if path == "/coverage":
            known = {"preprocess": "l2", "n": 50, "updated_at": NOW}
            summaries = [
                known | {"dataset": d, "metric": m, "n_models": 9 - (d == ABSENT[0])}
                for d in DATASETS for m in METRICS
            ]
            return page(summaries if full else [])
        if path == "/job-counts":
            states = {"queued": 1, "running": 1, "succeeded": 1, "failed": 1, "cancelled": 0}
            return {"states": states if exists else dict.fromkeys(states, 0), "workers": 2}
        if path == "/jobs":
            return page([j for j in JOBS if _fits(j, query)] if exists else [])
        if path.startswith("/jobs/"):
            number = path.split("/")[2]
            named = [j for j in JOBS if str(j["id"]) == number]
            if path.endswith("/events"):
                return page([{"at": NOW, "state": "queued", "attempt": 0, "detail": "accepted"}])
            return named[0] if named else None
        if not full:
            return None
        if path == "/matrices":
            return self._matrix(query["dataset"], metric)
        if path == "/orders":
            order = cluster_order(mean_similarity(stack), list(MODELS))
            names = [list(MODELS)[i] for i in order]
            return {"metric": metric, "preprocess": "l2", "models": names, "order_hash": "0", "n_datasets": 3}
        if path == "/consistency":
            table = consistency(stack, query.get("method", "pearson"))  # type: ignore[arg-type]
            return {
                "metric": metric, "preprocess": "l2", "method": query.get("method", "pearson"),
                "datasets": list(DATASETS), "domains": list(DATASETS.values()), "r": nulls(table.r),
                "n_pairs": table.n_pairs.tolist(), "n_models": table.n_models.tolist(),
            }
        if path == "/finding":
            made = finding(stack, list(DATASETS), [objective for objective, _ in MODELS.values()], metric)
            return {"sentence": made.sentence, "numbers": made.numbers}
        return None

    @staticmethod
    def _matrix(dataset: str, metric: str) -> dict[str, Any]:
        values = similarities(dataset, metric)
        gaps = [{"model": ABSENT[1], "reason": "Its embedding failed."}] if dataset == ABSENT[0] else []
        return {
            "dataset": dataset, "dataset_version": 1, "metric": metric, "metric_version": 1, "preprocess": "l2",
            "n": 50, "models": list(MODELS), "order_hash": "0", "values": nulls(values),
            "computed": np.isfinite(values).tolist(), "gaps": gaps, "updated_at": NOW,
        }

    @staticmethod
    def _model(name: str) -> dict[str, Any]:
        objective, architecture = MODELS[name]
        return {
            "name": name, "source": "checkpoint", "timm_name": "resnet10t", "revision": "0", "weights_sha256": "0",
            "node": "pre_logits", "pooling": "avg", "preprocessing": {}, "objective": objective,
            "architecture": architecture, "training_data": "other", "size": "small", "n_parameters": 1000,
            "embedding_dim": 8, "created_at": NOW,
        }

    @staticmethod
    def _dataset(name: str) -> dict[str, Any]:
        return {
            "name": name, "version": 1, "title": TITLES[name], "dataset_hash": "ab" * 32, "n_stimuli": 50,
            "n_labels": 2, "n_groups": 0, "domain": DATASETS[name], "licence": "CC0", "created_at": NOW,
        }

    @staticmethod
    def _metric(name: str) -> dict[str, Any]:
        return {
            "id": name, "family": name.split(".")[0], "version": 1, "title": name.split(".")[0].upper(),
            "direction": "similarity", "lower": 0.0, "upper": 1.0, "symmetric": True, "invariances": [],
            "minimum_n": 4, "parameters": [], "cost": "", "citation": "", "explanation": "How alike.",
        }


def page(items: list[Any]) -> dict[str, Any]:
    return {"items": items, "next_cursor": None, "total": len(items)}


def _fits(found: dict[str, Any], query: dict[str, str]) -> bool:
    return all(str(found.get(key)) == query[key] for key in ("state", "kind", "parent") if key in query)
