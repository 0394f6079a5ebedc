"""What is embedded and what is missing: the coverage of embeddings, the published catalogue, asking for a cell."""

from __future__ import annotations

from fastapi import APIRouter, Response

from backend.api.deps import TheConnection, TheMeans
from backend.api.routes.jobs import IdempotencyKey, accepted
from backend.contracts.catalogue import (
    EmbeddingsCoverage,
    ModelEmbedding,
    PublishedDataset,
    PublishedModel,
    WantedEmbeddings,
)
from backend.contracts.jobs import Job
from backend.contracts.pages import Page
from backend.services import coverage

router = APIRouter(tags=["catalogue"])


@router.get("/published-models", summary="The 64 published models, and which of them are here")
def published_models(connection: TheConnection) -> Page[PublishedModel]:
    items = coverage.list_published_models(connection)
    return Page(items=items, next_cursor=None, total=len(items))


@router.get("/published-datasets", summary="The 23 published datasets, and which of them are here")
def published_datasets(connection: TheConnection) -> Page[PublishedDataset]:
    items = coverage.list_published_datasets(connection)
    return Page(items=items, next_cursor=None, total=len(items))


@router.get("/embeddings-coverage", summary="Which model is embedded on which dataset")
def embeddings_coverage(connection: TheConnection) -> EmbeddingsCoverage:
    """Models and datasets that are here, then the published ones that are not; a row of letters per model."""
    return coverage.embeddings_coverage(connection)


@router.get("/models/{name}/embeddings", summary="The current embeddings of a model, with what made them")
def model_embeddings(name: str, connection: TheConnection) -> Page[ModelEmbedding]:
    items = coverage.embeddings_of(connection, name)
    return Page(items=items, next_cursor=None, total=len(items))


@router.post("/embeddings:request", status_code=202, summary="Embed a model on datasets, and compare it there")
def request_embeddings(
    wanted: WantedEmbeddings, connection: TheConnection, means: TheMeans, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Job:
    """For a model that is here, or a published one of timm. Answers the job to follow; what is there is kept."""
    job_id = coverage.queue(connection, wanted, means.settings, idempotency_key=idempotency_key)
    return accepted(connection, job_id, response)
