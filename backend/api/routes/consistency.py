"""Consistency across datasets: JSON, or long tables as CSV and Parquet. All with strong ETags."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel

from backend.api.answers import JSON, is_known
from backend.api.deps import IfNoneMatch, TheMeans
from backend.api.scope import Attribute, ModelSetText, TheScope, WithIntervals
from backend.contracts.consistency import (
    Anchors,
    Consistency,
    DatasetPair,
    Difference,
    Influence,
    MetricAgreement,
    SetPairs,
    Spread,
)
from backend.contracts.matrices import ORDER_HASH_HEADER, SHAPE_HEADER
from backend.services import consistency, consistency_metrics, consistency_pairs
from backend.services.consistency import Answer
from backend.services.consistency_tables import columns_of
from backend.services.tables_out import CSV, FORMS, PARQUET

DatasetName = Annotated[str, Query(max_length=200, description="A dataset.")]
router = APIRouter(tags=["consistency"])
BINARY = "application/octet-stream"
Accepted = Annotated[str, Header(alias="Accept")]
FORMS_OUT: dict[int | str, dict[str, Any]] = {200: {"content": {CSV: {}, PARQUET: {}}, "description": (
    "JSON; or by `Accept` a long table, one row for each number: `text/csv`, or `application/vnd.apache.parquet` with "
    "what it was computed from as metadata."
)}}


@router.get(
    "/consistency", summary="Dataset x dataset correlations of similarities over the pairs of two model sets",
    response_model=Consistency, responses=FORMS_OUT,
)
def get_consistency(
    means: TheMeans, asked: TheScope, set_a: ModelSetText = "all",
    set_b: ModelSetText = "all", intervals: WithIntervals = False, accept: Accepted = JSON,
    if_none_match: IfNoneMatch = None,
) -> Response:
    answer = consistency.table(means.engine, means.cache, asked, set_a=set_a, set_b=set_b, intervals=intervals)
    return respond(answer, Consistency, accept, if_none_match)


@router.get(
    "/consistency/set-pairs", summary="Every two model sets of an attribute beside all models",
    response_model=SetPairs, responses=FORMS_OUT,
)
def get_set_pairs(
    means: TheMeans, asked: TheScope,
    by: Annotated[str, Query(max_length=20, description="An attribute of models, or `custom`.")] = "objective",
    sets: Annotated[str, Query(max_length=20_000, description=(
        "With `by=custom`: predicates or names of sets, joined by semicolons."
    ))] = "",
    intervals: WithIntervals = False, accept: Accepted = JSON, if_none_match: IfNoneMatch = None,
) -> Response:
    answer = consistency.set_pairs(means.engine, means.cache, asked, by=by, sets=sets, intervals=intervals)
    return respond(answer, SetPairs, accept, if_none_match)


@router.get(
    "/consistency/difference", summary="Whether the pairs within one model set are steadier than within another",
    response_model=Difference, responses=FORMS_OUT,
)
def get_difference(
    means: TheMeans, asked: TheScope, a: ModelSetText, b: ModelSetText,
    match: Annotated[str, Query(max_length=100, description=(
        "Attributes that both sets are given the same mix of, joined by commas."
    ))] = "",
    accept: Accepted = JSON, if_none_match: IfNoneMatch = None,
) -> Response:
    answer = consistency.difference(means.engine, means.cache, asked, a=a, b=b, match=match)
    return respond(answer, Difference, accept, if_none_match)


@router.get(
    "/consistency/dataset-pair", summary="Two datasets: every pair of models and what it adds to r",
    response_model=DatasetPair, responses=FORMS_OUT,
)
def get_dataset_pair(
    means: TheMeans, asked: TheScope, a: DatasetName, b: DatasetName,
    set_a: ModelSetText = "all", set_b: ModelSetText = "all", by: Attribute = "",
    limit: Annotated[int, Query(ge=10, le=1_000_000, description="Most pairs of models to list.")] = 20_000,
    accept: Accepted = JSON, if_none_match: IfNoneMatch = None,
) -> Response:
    answer = consistency_pairs.dataset_pair(
        means.engine, means.cache, asked, a=a, b=b, set_a=set_a, set_b=set_b, by=by, limit=limit
    )
    return respond(answer, DatasetPair, accept, if_none_match)


@router.get(
    "/consistency/influence", summary="The median r without each dataset", response_model=Influence,
    responses=FORMS_OUT,
)
def get_influence(
    means: TheMeans, asked: TheScope, set_a: ModelSetText = "all",
    set_b: ModelSetText = "all", accept: Accepted = JSON, if_none_match: IfNoneMatch = None,
) -> Response:
    answer = consistency_pairs.influence(means.engine, means.cache, asked, set_a=set_a, set_b=set_b)
    return respond(answer, Influence, accept, if_none_match)


@router.get(
    "/consistency/anchors", summary="Single models against all others and the sets of an attribute",
    response_model=Anchors, responses=FORMS_OUT,
)
def get_anchors(
    means: TheMeans, asked: TheScope,
    anchors: Annotated[str, Query(max_length=4000, description="Names of models, joined by commas.")],
    by: Attribute = "", intervals: WithIntervals = False, accept: Accepted = JSON, if_none_match: IfNoneMatch = None,
) -> Response:
    answer = consistency_pairs.anchors(means.engine, means.cache, asked, anchors=anchors, by=by, intervals=intervals)
    return respond(answer, Anchors, accept, if_none_match)


@router.get(
    "/consistency/metrics", summary="How far two metrics agree, per dataset and about consistency",
    response_model=MetricAgreement, responses=FORMS_OUT,
)
def get_metric_agreement(
    means: TheMeans, asked: TheScope,
    other: Annotated[str, Query(max_length=200, description="Id of the second metric.")],
    accept: Accepted = JSON, if_none_match: IfNoneMatch = None,
) -> Response:
    answer = consistency_metrics.metric_agreement(means.engine, means.cache, asked, other=other)
    return respond(answer, MetricAgreement, accept, if_none_match)


@router.get(
    "/consistency/spread", summary="Mean and standard deviation of every pair of models over datasets",
    response_model=Spread, responses={200: {"content": {CSV: {}, PARQUET: {}, BINARY: {}}, "description": (
        "JSON; by `Accept` a long table; or with `application/octet-stream` little-endian float32 of shape "
        "(3, models, models): mean, standard deviation (NaN with fewer than two datasets), number of datasets. "
        "`values=false` gives everything but the numbers: the JSON that goes with the bytes."
    )}},
)
def get_spread(
    means: TheMeans, asked: TheScope,
    values: Annotated[bool, Query(description="false: the JSON without its numbers.")] = True,
    accept: Accepted = JSON, if_none_match: IfNoneMatch = None,
) -> Response:
    if BINARY not in accept:
        whole = values or _form(accept) != JSON
        answer = consistency_metrics.spread(means.engine, means.cache, asked, with_values=whole)
        return respond(answer, Spread, accept, if_none_match)
    array = consistency_metrics.spread_bytes(means.engine, means.cache, asked)
    headers = _headers(f'"{array.key}"')
    if is_known(headers["ETag"], if_none_match):
        return Response(status_code=304, headers=headers)
    body, shape, order = array.make()
    return Response(body, media_type=BINARY, headers=headers | {SHAPE_HEADER: shape, ORDER_HASH_HEADER: order})


def respond(answer: Answer, kind: type[BaseModel], accept: str, if_none_match: str | None) -> Response:
    form = _form(accept)
    etag = f'"{answer.key}{"" if form == JSON else "-" + form.rpartition("/")[2]}"'
    headers = _headers(etag)
    if is_known(etag, if_none_match):
        return Response(status_code=304, headers=headers)
    body = answer.make()
    if form != JSON:
        found: Any = kind.model_validate_json(body)
        body = FORMS[form](columns_of(found), found.scope.model_dump_json())
    return Response(body, media_type=form, headers=headers)


def _form(accept: str) -> str:
    """The media type to answer with."""
    return next((form for form in FORMS if form in accept), JSON)


def _headers(etag: str) -> dict[str, str]:
    return {"ETag": etag, "Cache-Control": "no-cache", "Vary": "Accept"}
