"""What there is: models, datasets with their stimuli, metrics, names of timm."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from backend.api.cursors import decode_cursor, encode_cursor
from backend.api.deps import Cursor, Limit, TheConnection, TheMeans
from backend.contracts.datasets import Dataset, Stimulus
from backend.contracts.matrices import Diagnostics
from backend.contracts.metrics import MetricInfo
from backend.contracts.models import Model
from backend.contracts.pages import Page
from backend.db.repositories import datasets, models
from backend.domain.timm_names import search_names
from backend.services import catalogue, stimuli
from backend.services.matrix_layers import list_matrices

router = APIRouter(tags=["catalogue"])


@router.get("/models", summary="Models by name")
def list_models(connection: TheConnection, means: TheMeans, limit: Limit = 100, cursor: Cursor = None) -> Page[Model]:
    rows, total = models.list_page(connection, limit=limit, after=decode_cursor(means.settings, "models", cursor))
    following = encode_cursor(means.settings, "models", rows[-1]["name"]) if len(rows) == limit else None
    return Page(items=[catalogue.describe_model(row) for row in rows], next_cursor=following, total=total)


@router.get("/models/{name}", summary="One model")
def get_model(name: str, connection: TheConnection) -> Model:
    return catalogue.get_model(connection, name)


@router.get("/model-names", summary="Names of networks in timm that contain all words of a query")
def model_names(
    q: Annotated[str, Query(max_length=200)] = "", limit: Annotated[int, Query(ge=1, le=200)] = 20
) -> list[str]:
    return search_names(q, limit)


@router.get("/datasets", summary="Datasets by name and version")
def list_datasets(
    connection: TheConnection, means: TheMeans, limit: Limit = 100, cursor: Cursor = None
) -> Page[Dataset]:
    after: Any = decode_cursor(means.settings, "datasets", cursor)
    rows, total = datasets.list_page(connection, limit=limit, after=tuple(after) if after else None)
    following = (
        encode_cursor(means.settings, "datasets", [rows[-1]["name"], rows[-1]["version"]])
        if len(rows) == limit else None
    )
    return Page(items=[Dataset.model_validate(dict(row)) for row in rows], next_cursor=following, total=total)


@router.get("/datasets/{name}", summary="One dataset: `name` (newest version) or `name@version`")
def get_dataset(name: str, connection: TheConnection) -> Dataset:
    return Dataset.model_validate(dict(catalogue.require_dataset(connection, name)))


@router.get("/datasets/{name}/stimuli", summary="Stimuli of a dataset in the order of embedding rows")
def list_stimuli(
    name: str, connection: TheConnection, means: TheMeans, limit: Limit = 500, cursor: Cursor = None
) -> Page[Stimulus]:
    dataset = catalogue.require_dataset(connection, name)
    listing = f"stimuli of {dataset['id']}"
    after = decode_cursor(means.settings, listing, cursor)
    rows = datasets.list_stimuli(connection, dataset["id"], limit=limit, after=-1 if after is None else after)
    following = encode_cursor(means.settings, listing, rows[-1]["ord"]) if len(rows) == limit else None
    return Page(
        items=[stimuli.describe(dataset, row) for row in rows], next_cursor=following, total=dataset["n_stimuli"]
    )


@router.get("/metrics", summary="The metric catalogue, with the datasets that have each metric's matrix")
def list_metrics(connection: TheConnection) -> Page[MetricInfo]:
    items = catalogue.list_metrics(list_matrices(connection))
    return Page(items=items, next_cursor=None, total=len(items))


@router.get("/diagnostics", summary="What every model's embedding on one dataset says of itself")
def list_diagnostics(
    connection: TheConnection, dataset: Annotated[str, Query(max_length=200)]
) -> Page[Diagnostics]:
    items = catalogue.list_diagnostics(connection, dataset)
    return Page(items=items, next_cursor=None, total=len(items))
