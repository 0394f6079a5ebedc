"""An API made of a few invented results, behind the client's transport: for pages without a database.

`StubApi().client()` is a real client whose requests are answered here. `mode` is `full`, `empty` (nothing exists),
`computing` (jobs run, no result yet) or `down` (no connection); it may be changed while a page is open. A comparison
that is asked for stays queued until `finish()`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np

from backend.domain.finding import finding
from backend.domain.metrics import CATALOGUE, parse_metric
from backend.domain.ordering import cluster_order, mean_similarity
from parallax.client import Client
from tests.unit.frontend.stub_consistency import Answers, Refused, named_sets
from tests.unit.frontend.stub_numbers import layer_of
from tests.unit.frontend.stub_pairs import disagreement_answer, moving_answer, pair_answer

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).isoformat()
MODELS = {
    f"{architecture}-{objective}": (objective, architecture)
    for objective in ("supervised", "self-supervised", "untrained")
    for architecture in ("convolutional", "transformer", "other")
}
DATASETS = {"digits": "structured", "photos": "natural-multi", "sky": "specialized"}
TITLES = {"digits": "Handwritten digits", "photos": "Photographs", "sky": "Night sky"}
METRICS = ("cka.linear.unbiased", "rsa.correlation.spearman")
# Metrics that are computed somewhere, and where.
COMPUTED = {
    **dict.fromkeys(METRICS, tuple(DATASETS)), "procrustes.angular": ("digits",), "knn.cycle:k=10": ("digits",),
    "cka.rbf.unbiased:sigma=0.4": ("photos",),
}
UNCALIBRATED = ("cka.rbf.unbiased:sigma=0.4",)
ABSENT = ("sky", "other-untrained")  # this model has no values on this dataset
AUDITED = "transformer-supervised"  # its audited training data are other than its published ones


def similarities(dataset: str, metric: str) -> np.ndarray:
    """(models, models) float64, the same every time, NaN where ABSENT."""
    seed = METRICS.index(metric) if metric in METRICS else len(metric)
    rng = np.random.default_rng([sorted(DATASETS).index(dataset), seed])
    of = np.array([objective for objective, _ in MODELS.values()])
    values = 0.3 + 0.4 * (of[:, None] == of[None, :]) + 0.25 * rng.random((len(of), len(of)))
    spec = parse_metric(metric).spec
    if spec.symmetric:
        values = (values + values.T) / 2
    if spec.direction == "distance":
        values = 1.2 - values
    np.fill_diagonal(values, spec.best)
    if dataset == ABSENT[0]:
        gone = list(MODELS).index(ABSENT[1])
        values[gone] = values[:, gone] = np.nan
    return values


def described() -> dict[str, dict[str, str]]:
    """Every model with its attributes."""
    return {
        name: {"objective": objective, "architecture": architecture, "training_data": "other", "size": "small"}
        for name, (objective, architecture) in MODELS.items()
    }


def embeddings_coverage() -> dict[str, Any]:
    """Every model on every dataset, except ABSENT, which failed; beside them a published model and dataset."""
    models = [
        {"name": name, "title": name, "here": True, "published": "", "objective": objective,
         "architecture": architecture, "training_data": "other", "training_data_audited": "other", "size": "small",
         "n_parameters": 1000, "tags": [], "obstacle": ""}
        for name, (objective, architecture) in MODELS.items()
    ]
    models.append(models[0] | {
        "name": "convnext_base", "title": "ConvNeXt-B", "here": False, "published": "convnext_base",
        "training_data": "imagenet-1k", "training_data_audited": "imagenet-21k", "n_parameters": 88_591_464,
    })
    datasets = [
        {"name": name, "title": TITLES[name], "here": True, "published": "", "version": 1, "domain": domain,
         "n_stimuli": 50, "obstacle": ""} for name, domain in DATASETS.items()
    ]
    datasets.append(datasets[0] | {
        "name": "dtd", "title": "DTD", "here": False, "published": "dtd", "version": None,
        "obstacle": "This published dataset is not here.",
    })
    states = ["".join("f" if (d, name) == ABSENT else "c" for d in DATASETS) + "m" for name in MODELS] + ["mmmm"]
    flat = "".join(states)
    failed = {"model": ABSENT[1], "dataset": ABSENT[0], "state": "failed", "job": 3, "message": "Row 7 is not finite.",
              "hint": "Check it."}
    counts = {"computed": flat.count("c"), "running": 0, "queued": 0, "failed": 1, "missing": flat.count("m")}
    return {"models": models, "datasets": datasets, "states": states, "jobs": [failed], "counts": counts}


def nulls(values: np.ndarray) -> list[list[float | None]]:
    return [[None if np.isnan(v) else float(v) for v in row] for row in values]


def job(number: int, state: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": number, "kind": "extract", "state": state, "title": f"Embed digits with model {number}", "attempt": 1,
        "max_attempts": 4, "created_at": NOW, "model": "convolutional-supervised", "dataset": "digits",
    } | changes


DIAGNOSTICS = [
    {"model": name, "participation_ratio": 3.5 + place, "effective_rank": 20.0 + place,
     "outlier_dominance": 0.9 if place == 4 else 0.02 + place / 100}
    for place, name in enumerate(MODELS)
]
EMPTY_COVERAGE = {
    "models": [], "datasets": [], "states": [], "jobs": [],
    "counts": dict.fromkeys(("computed", "running", "queued", "failed", "missing"), 0),
}
JOBS = [
    job(3, "failed", error={"cause": "user", "step": "embed", "message": "Row 7 is not finite.", "hint": "Check it."}),
    job(2, "succeeded", kind="compare", metric=METRICS[0], parent=1),
    job(1, "running", kind="register", title="Add a model", children={"succeeded": 1, "queued": 1}),
]


@dataclass
class StubApi:
    """The stub. `asked` lists what was requested, `submitted` the bodies of submissions, `compared` those of
    comparisons; `jobs`, `saved_sets` and `computed` may be changed."""

    mode: str = "full"
    asked: list[str] = field(default_factory=list)
    submitted: list[dict[str, Any]] = field(default_factory=list)
    compared: list[dict[str, Any]] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=lambda: [dict(job) for job in JOBS])
    saved_sets: list[dict[str, Any]] = field(default_factory=list)
    computed: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(COMPUTED))

    def finish(self) -> None:
        """The comparison that was asked for last is done."""
        body = self.compared[-1]
        self.jobs[0] |= {"state": "succeeded"}
        self.computed[body["metric"]] = (*self.computed.get(body["metric"], ()), body["dataset"])

    def client(self) -> Client:
        return Client("http://stub/api/v1", transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v1")
        self.asked.append(f"{request.method} {path}")
        if self.mode == "down":
            raise httpx.ConnectError("refused")
        if request.method == "POST":
            return self._accept(path, request)
        if request.method == "DELETE":
            self.saved_sets = [one for one in self.saved_sets if one["name"] != path.rpartition("/")[2]]
            return httpx.Response(204)
        try:
            found = self._get(path, dict(request.url.params))
        except Refused as error:
            return httpx.Response(422, json=error.body)
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
        if path == "/model-sets":
            self.saved_sets.append(json.loads(request.content) | {"published": False})
            return httpx.Response(201, json=named_sets(described(), self.saved_sets)[-1])
        if path == "/comparisons":
            body = json.loads(request.content)
            self.compared.append(body)
            if body["dataset"] == "sky" and body["models"]:
                fields = [{"field": "models.0", "message": "It has no embedding there."}]
                return httpx.Response(422, json={"title": "Refused", "status": 422, "fields": fields})
            made = job(len(self.jobs) + 1, "queued", kind="compare", model=None, title="Compare", metric=body["metric"],
                       dataset=body["dataset"])
            self.jobs.insert(0, made)
            return httpx.Response(202, json=made)
        return httpx.Response(202, json=JOBS[-1])

    def _get(self, path: str, query: dict[str, str]) -> Any:
        full, exists = self.mode == "full", self.mode != "empty"
        metric = query.get("metric", METRICS[0])
        having = self.computed.get(metric, ())
        stack = np.stack([similarities(name, metric) for name in having]) if having else np.empty((0, 0, 0))
        if path == "/models":
            return page([self._model(name) for name in MODELS] if exists else [])
        if path == "/datasets":
            return page([self._dataset(name) for name in DATASETS] if exists else [])
        if path == "/metrics":
            every = [*METRICS, *(spec.default.id for spec in CATALOGUE.values()), *self.computed]
            return page([self._metric(name) for name in dict.fromkeys(every)])
        if path == "/embeddings-coverage":
            return embeddings_coverage() if exists else EMPTY_COVERAGE
        if path == "/diagnostics":
            return page(DIAGNOSTICS if full else [])
        if path == "/version":
            return {"version": "0.1.0", "schema_revision": None}
        if path == "/model-sets":
            return page(named_sets(described(), self.saved_sets))
        if path == "/model-names":
            return [name for name in ("resnet18", "resnet18.a1_in1k", "vit_tiny_patch16_224") if query["q"] in name]
        if path == "/coverage":
            known = {"preprocess": "l2", "n": 50, "updated_at": NOW}
            summaries = [
                known | {"dataset": d, "metric": m, "n_models": 9 - (d == ABSENT[0])}
                for m, datasets in self.computed.items() for d in datasets
            ]
            return page(summaries if full else [])
        if path == "/job-counts":
            states = {"queued": 1, "running": 1, "succeeded": 1, "failed": 1, "cancelled": 0}
            if exists:
                states["succeeded"] = sum(job["state"] == "succeeded" for job in self.jobs)
            return {"states": states if exists else dict.fromkeys(states, 0), "workers": 2}
        if path == "/jobs":
            return page([j for j in self.jobs if _fits(j, query)] if exists else [])
        if path.startswith("/jobs/"):
            number = path.split("/")[2]
            named = [j for j in self.jobs if str(j["id"]) == number]
            if path.endswith("/events"):
                return page([{"at": NOW, "state": "queued", "attempt": 0, "detail": "accepted"}])
            return named[0] if named else None
        if not full:
            return None
        if path == "/matrices":
            return self._matrix(query["dataset"], metric, query.get("layer", "value")) if (
                query["dataset"] in having) else None
        if path == "/pairs":
            matrices = {name: similarities(name, metric) for name in having}
            symmetric = parse_metric(metric).spec.symmetric
            return pair_answer(query["a"], query["b"], metric, list(MODELS), matrices, TITLES, DATASETS, symmetric)
        if path == "/pairs/moving":
            return moving_answer(metric, list(MODELS), {name: similarities(name, metric) for name in having})
        if path == "/pairs/disagreement":
            dataset = query["dataset"]
            if dataset == ABSENT[0]:
                return None
            order = query.get("order", "disagreement")
            return disagreement_answer(query["a"], query["b"], dataset, TITLES[dataset], order, dataset == "digits")
        if path == "/orders":
            order = cluster_order(mean_similarity(stack), list(MODELS))
            names = [list(MODELS)[i] for i in order]
            n_datasets = len(having)
            return {"metric": metric, "preprocess": "l2", "models": names, "order_hash": "0", "n_datasets": n_datasets}
        if path.startswith("/consistency"):
            domains = [DATASETS[name] for name in having]
            return Answers(query, stack, list(having), domains, described()).answer(path)
        if path == "/finding":
            made = finding(stack, list(having), [objective for objective, _ in MODELS.values()], metric)
            return {"sentence": made.sentence, "numbers": made.numbers}
        return None

    @staticmethod
    def _matrix(dataset: str, metric: str, layer: str) -> dict[str, Any]:
        spec = parse_metric(metric).spec
        calibrated = metric not in UNCALIBRATED
        values = layer_of(layer, similarities(dataset, metric), metric, calibrated)
        gaps = [{"model": ABSENT[1], "reason": "Its embedding failed."}] if dataset == ABSENT[0] else []
        recipe = {
            "route": "permutation" if spec.null == "permutation" else "cyclic", "seed": 0, "alpha": 0.05,
            "permutations": 200 if spec.null == "permutation" else None, "ci_method": "delete-block jackknife",
        }
        return {
            "dataset": dataset, "dataset_version": 1, "metric": metric, "metric_version": 1, "preprocess": "l2",
            "n": 50, "models": list(MODELS), "order_hash": "0", "layer": layer, "direction": spec.direction,
            "symmetric": spec.symmetric, "recipe": recipe if calibrated else {}, "values": nulls(values),
            "computed": np.isfinite(values).tolist(), "gaps": gaps, "updated_at": NOW,
        }

    @staticmethod
    def _model(name: str) -> dict[str, Any]:
        objective, architecture = MODELS[name]
        return {
            "name": name, "source": "checkpoint", "timm_name": "resnet10t", "revision": "0", "weights_sha256": "0",
            "node": "pre_logits", "pooling": "avg", "preprocessing": {}, "objective": objective,
            "architecture": architecture, "training_data": "other", "size": "small", "n_parameters": 1000,
            "training_data_audited": "imagenet-21k" if name == AUDITED else "other", "embedding_dim": 8,
            "created_at": NOW,
        }

    @staticmethod
    def _dataset(name: str) -> dict[str, Any]:
        return {
            "name": name, "version": 1, "title": TITLES[name], "dataset_hash": "ab" * 32, "n_stimuli": 50,
            "n_labels": 2, "n_groups": 0, "domain": DATASETS[name], "licence": "CC0", "created_at": NOW,
        }

    def _metric(self, name: str) -> dict[str, Any]:
        metric = parse_metric(name)
        spec = metric.spec
        return {
            "id": name, "family": spec.family, "version": 1, "title": metric.title, "direction": spec.direction,
            "lower": spec.lower, "upper": spec.upper, "symmetric": spec.symmetric, "null": spec.null,
            "invariances": sorted(spec.invariances), "minimum_n": spec.minimum_n, "on_request": spec.on_request,
            "parameters": [], "cost": spec.cost, "citation": spec.citation, "explanation": spec.explanation,
            "computed_on": list(self.computed.get(name, ())),
        }


def page(items: list[Any]) -> dict[str, Any]:
    return {"items": items, "next_cursor": None, "total": len(items)}


def _fits(found: dict[str, Any], query: dict[str, str]) -> bool:
    return all(str(found.get(key)) == query[key] for key in ("state", "kind", "parent") if key in query)
