"""Looking up models, datasets and metrics."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping

from backend.contracts.matrices import Diagnostics, MatrixSummary
from backend.contracts.metrics import MetricInfo, MetricParameter
from backend.contracts.models import Model
from backend.db.repositories import datasets, embeddings, models
from backend.domain.errors import NotFound, nearest_hint
from backend.domain.metrics import CATALOGUE, DEFAULT_METRICS, DEFAULT_PREPROCESS, Metric, parse_metric
from backend.domain.published import attributes_of, tags_of


def get_model(connection: Connection, name: str) -> Model:
    """One model by name, or NotFound with the nearest name."""
    row = models.get(connection, name)
    if row is None:
        names = models.list_names(connection)
        raise NotFound(f"There is no model {name!r}.", nearest_hint(name, names, "models"))
    return describe_model(row)


def describe_model(row: RowMapping) -> Model:
    """A stored model on the wire."""
    return Model.model_validate({
        **row, **attributes_of(row), "training_data_audited": attributes_of(row, "audited")["training_data"],
        "tags": tags_of(row),
    })


def require_dataset(connection: Connection, reference: str) -> RowMapping:
    """One dataset by name or name@version, or NotFound with the nearest name."""
    row = datasets.get(connection, reference)
    if row is None:
        hint = nearest_hint(reference, datasets.list_names(connection), "datasets")
        raise NotFound(f"There is no dataset {reference!r}.", hint)
    return row


def list_diagnostics(connection: Connection, reference: str) -> list[Diagnostics]:
    """Diagnostics of every current embedding on a dataset, by model. A name without a version means the version with
    most of them."""
    # While a new version is being embedded, the one before it is still answered, as for matrices.
    dataset = datasets.most_embedded(connection, reference) or require_dataset(connection, reference)
    found = embeddings.diagnostics(connection, dataset["id"])
    return [Diagnostics(model=model, **numbers) for model, numbers in found.items()]


def list_metrics(computed: Sequence[MatrixSummary]) -> list[MetricInfo]:
    """The default metrics, the rest of the catalogue at default parameters, and whatever else was computed."""
    wanted = {metric.id: metric for metric in DEFAULT_METRICS}
    wanted |= {spec.default.id: spec.default for spec in CATALOGUE.values() if spec.default.id not in wanted}
    wanted |= {summary.metric: parse_metric(summary.metric) for summary in computed if summary.metric not in wanted}
    return [
        _describe(metric, sorted({summary.dataset for summary in computed if summary.metric == metric.id}))
        for metric in wanted.values()
    ]


def _describe(metric: Metric, computed_on: list[str]) -> MetricInfo:
    spec = metric.spec
    return MetricInfo(
        id=metric.id, family=spec.family, version=spec.version, title=metric.title, direction=spec.direction,
        lower=spec.lower, upper=spec.upper, symmetric=spec.symmetric, best=spec.best, self_is_best=spec.self_is_best,
        triangle=spec.triangle, null=spec.null, on_request=spec.on_request, default_preprocess=DEFAULT_PREPROCESS.id,
        invariances=sorted(spec.invariances), minimum_n=metric.minimum_n, cost=spec.cost, precision=spec.precision,
        citation=spec.citation, explanation=spec.explanation,
        parameters=[
            MetricParameter(name=p.name, minimum=p.minimum, maximum=p.maximum, default=p.default,
                            description=p.description, integer=p.integer)
            for p in spec.parameters
        ],
        computed_on=computed_on,
    )
