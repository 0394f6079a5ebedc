"""Results: matrices, their shared order, the finding. All with strong ETags."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from backend.api.answers import JSON, is_known, json_answer
from backend.api.deps import IfNoneMatch, MetricId, PreprocessSteps, TheConnection, TheMeans
from backend.contracts.consistency import Finding
from backend.contracts.matrices import (
    ORDER_HASH_HEADER,
    ORDER_LOCATION_HEADER,
    SHAPE_HEADER,
    Layer,
    Matrix,
    MatrixSummary,
    SharedOrder,
)
from backend.contracts.pages import Page
from backend.domain.quantities import LAYERS, MEANINGS
from backend.services import matrix_layers, results

router = APIRouter(tags=["results"])
BINARY = "application/octet-stream"
WHICH_LAYER = "Which numbers. " + "; ".join(f"`{name}`: {MEANINGS[name]}" for name in LAYERS) + "."


@router.get("/coverage", summary="Every matrix there is, without its values")
def coverage(connection: TheConnection) -> Page[MatrixSummary]:
    items = matrix_layers.list_matrices(connection)
    return Page(items=items, next_cursor=None, total=len(items))


@router.get(
    "/matrices", summary="One layer of all pairs of one dataset by one metric", response_model=Matrix,
    responses={200: {"content": {BINARY: {}}, "description": (
        "JSON; or with `Accept: application/octet-stream` little-endian float32, row-major, full square, NaN where "
        "nothing was computed, with headers naming the shape, the hash of the order and where the order is listed. "
        "`values=false` gives everything but the numbers: the JSON that goes with the bytes."
    )}},
)
def get_matrix(
    request: Request, connection: TheConnection, means: TheMeans, dataset: Annotated[str, Query(max_length=200)],
    metric: MetricId, preprocess: PreprocessSteps = "l2",
    models: Annotated[str | None, Query(description="Names joined by commas: these models, in this order.")] = None,
    layer: Annotated[Layer, Query(description=WHICH_LAYER)] = "value",
    values: Annotated[bool, Query(description="false: the JSON without its numbers.")] = True,
    accept: Annotated[str, Header()] = JSON, if_none_match: IfNoneMatch = None,
) -> Response:
    chosen = [name for name in models.split(",") if name] if models else None
    binary = BINARY in accept
    encoded = matrix_layers.encoded_matrix(
        connection, means.cache, dataset=dataset, metric=metric, preprocess=preprocess, layer=layer,
        chosen=chosen, binary=binary, with_values=values, is_known=lambda etag: is_known(etag, if_none_match),
    )
    if encoded.body is None:
        return Response(status_code=304, headers={"ETag": encoded.etag, "Vary": "Accept"})
    return Response(encoded.body, media_type=BINARY if binary else JSON, headers={
        "ETag": encoded.etag, "Cache-Control": "no-cache", "Vary": "Accept",
        SHAPE_HEADER: f"{encoded.n_models},{encoded.n_models}", ORDER_HASH_HEADER: encoded.order_hash,
        ORDER_LOCATION_HEADER: f"{request.url.path}?{request.url.query}#models",
    })


@router.get("/orders", summary="One order of models for all datasets, by clustering", response_model=SharedOrder)
def get_order(
    connection: TheConnection, means: TheMeans, metric: MetricId, preprocess: PreprocessSteps = "l2",
    if_none_match: IfNoneMatch = None,
) -> Response:
    etag, body = results.shared_order(connection, means.cache, metric=metric, preprocess=preprocess)
    return json_answer(etag, body, if_none_match)


@router.get("/finding", summary="The sentence of the first page, with its numbers", response_model=Finding)
def get_finding(
    connection: TheConnection, means: TheMeans, metric: Annotated[str | None, Query(max_length=200)] = None,
    preprocess: PreprocessSteps = "l2", if_none_match: IfNoneMatch = None,
) -> Response:
    etag, body = results.finding(connection, means.cache, metric=metric, preprocess=preprocess)
    return json_answer(etag, body, if_none_match)
