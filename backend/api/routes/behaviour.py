"""Similarity and behaviour: probes, gaps in accuracy, fewer stimuli; and asking for what is missing of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from backend.api.answers import JSON
from backend.api.deps import IfNoneMatch, TheConnection, TheMeans
from backend.api.routes.consistency import FORMS_OUT, Accepted, DatasetName, respond
from backend.api.routes.jobs import IdempotencyKey, accepted
from backend.api.scope import TheScope
from backend.contracts.jobs import Job
from backend.contracts.pages import Page
from backend.contracts.probes import GapPairs, Performance, Probe, ProbeRequest, Sensitivity, SubsampleRequest
from backend.services import behaviour, submissions

router = APIRouter(tags=["behaviour"])


@router.get("/probes", summary="Accuracy of every model's linear probe on one dataset")
def list_probes(connection: TheConnection, dataset: DatasetName) -> Page[Probe]:
    items = behaviour.list_probes(connection, dataset)
    return Page(items=items, next_cursor=None, total=len(items))


@router.post("/probes", status_code=202, summary="Train the probes that a dataset lacks")
def request_probes(
    wanted: ProbeRequest, connection: TheConnection, means: TheMeans, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Job:
    """Answers the job to follow, which is a queued one for the same work if there is one. Probes are trained by
    themselves whenever a model is embedded on a dataset with labels."""
    job_id = submissions.probe(connection, wanted, means.settings, idempotency_key=idempotency_key)
    return accepted(connection, job_id, response)


@router.post("/subsamples", status_code=202, summary="Compute one matrix on parts of its stimuli")
def request_subsamples(
    wanted: SubsampleRequest, connection: TheConnection, means: TheMeans, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Job:
    """A half, a quarter and a tenth, three draws of each. Answers the job to follow, which is a queued one for the same
    work if there is one."""
    job_id = submissions.subsample(connection, wanted, means.settings, idempotency_key=idempotency_key)
    return accepted(connection, job_id, response)


@router.get(
    "/consistency/performance", summary="Similarity of two models against the gap between their accuracies",
    response_model=Performance, responses=FORMS_OUT,
)
def get_performance(
    connection: TheConnection, means: TheMeans, asked: TheScope, accept: Accepted = JSON,
    if_none_match: IfNoneMatch = None,
) -> Response:
    return respond(behaviour.performance(connection, means.cache, asked), Performance, accept, if_none_match)


@router.get(
    "/consistency/performance/pairs", summary="The pairs of models behind one dataset's correlation",
    response_model=GapPairs, responses=FORMS_OUT,
)
def get_gap_pairs(
    connection: TheConnection, means: TheMeans, asked: TheScope, dataset: DatasetName,
    limit: Annotated[int, Query(ge=10, le=1_000_000, description="Most pairs of models to list.")] = 20_000,
    accept: Accepted = JSON, if_none_match: IfNoneMatch = None,
) -> Response:
    answer = behaviour.gap_pairs(connection, means.cache, asked, dataset=dataset, limit=limit)
    return respond(answer, GapPairs, accept, if_none_match)


@router.get(
    "/consistency/sensitivity", summary="One matrix from all stimuli against those from parts of them",
    response_model=Sensitivity, responses=FORMS_OUT,
)
def get_sensitivity(
    connection: TheConnection, means: TheMeans, asked: TheScope, dataset: DatasetName, accept: Accepted = JSON,
    if_none_match: IfNoneMatch = None,
) -> Response:
    answer = behaviour.sensitivity(connection, means.cache, asked, dataset=dataset)
    return respond(answer, Sensitivity, accept, if_none_match)
