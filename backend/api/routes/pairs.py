"""Two models at once: on every dataset, and on the stimuli that they disagree on. All with strong ETags."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from backend.api.answers import json_answer
from backend.api.deps import IfNoneMatch, MetricId, PreprocessSteps, TheConnection, TheMeans
from backend.contracts.pairs import Disagreement, MovingPairs, Pair
from backend.services import pair_disagreement, pairs

router = APIRouter(tags=["pairs"])
ModelName = Annotated[str, Query(max_length=200, description="Name of a model.")]


@router.get("/pairs", summary="Two models on every dataset, with the origin of each number", response_model=Pair)
def get_pair(
    connection: TheConnection, means: TheMeans, a: ModelName, b: ModelName, metric: MetricId,
    preprocess: PreprocessSteps = "l2", if_none_match: IfNoneMatch = None,
) -> Response:
    etag, body = pairs.pair(connection, means.cache, a=a, b=b, metric=metric, preprocess=preprocess)
    return json_answer(etag, body, if_none_match)


@router.get(
    "/pairs/moving", summary="Pairs whose place among all pairs depends most on the dataset",
    response_model=MovingPairs,
)
def get_moving(
    connection: TheConnection, means: TheMeans, metric: MetricId, preprocess: PreprocessSteps = "l2",
    limit: Annotated[int, Query(ge=1, le=200)] = 20, if_none_match: IfNoneMatch = None,
) -> Response:
    etag, body = pairs.moving_pairs(connection, means.cache, metric=metric, preprocess=preprocess, limit=limit)
    return json_answer(etag, body, if_none_match)


@router.get(
    "/pairs/disagreement", summary="Stimuli that two models disagree on most, with the neighbours both give them",
    response_model=Disagreement,
)
def get_disagreement(
    connection: TheConnection, means: TheMeans, a: ModelName, b: ModelName,
    dataset: Annotated[str, Query(max_length=200)], limit: Annotated[int, Query(ge=1, le=100)] = 12,
    order: Annotated[pair_disagreement.Order, Query(description="Which stimuli come first.")] = "disagreement",
    if_none_match: IfNoneMatch = None,
) -> Response:
    etag, body = pair_disagreement.disagreed(
        connection, means.cache, means.store, a=a, b=b, dataset=dataset, limit=limit, order=order
    )
    return json_answer(etag, body, if_none_match)
