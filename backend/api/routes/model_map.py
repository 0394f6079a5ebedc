"""The map of models. With a strong ETag."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from backend.api.answers import is_known, json_answer
from backend.api.deps import IfNoneMatch, MetricId, PreprocessSteps, TheMeans
from backend.api.scope import PREDICATE
from backend.contracts.model_map import ModelMap
from backend.domain.model_map import PERPLEXITY, SEED
from backend.services import model_map
from backend.services.consistency_scope import Asked

router = APIRouter(tags=["results"])


@router.get("/model-map", summary="Models in two dimensions, from their similarities", response_model=ModelMap)
def get_model_map(
    means: TheMeans, metric: MetricId, preprocess: PreprocessSteps = "l2",
    layer: Annotated[str, Query(max_length=20, description="Which numbers: `value` or `calibrated`.")] = "value",
    models: Annotated[str, Query(max_length=4000, description=f"Only these models: {PREDICATE}.")] = "",
    datasets: Annotated[str, Query(max_length=8000, description=(
        "One dataset, several joined by commas, or a predicate: of several the mean is drawn. Empty: all."
    ))] = "",
    labels: Annotated[str, Query(max_length=20, description="`published` or `audited`.")] = "published",
    method: Annotated[str, Query(max_length=20, description="`mds` or `tsne`.")] = "mds",
    seed: Annotated[int, Query(ge=0, lt=2**32, description="Of t-SNE.")] = SEED,
    perplexity: Annotated[float, Query(ge=1, le=500, description="Of t-SNE; fewer than models.")] = PERPLEXITY,
    if_none_match: IfNoneMatch = None,
) -> Response:
    asked = Asked(metric=metric, preprocess=preprocess, layer=layer, models=models, datasets=datasets, labels=labels)
    answer = model_map.model_map(means.engine, means.cache, asked, method=method, seed=seed, perplexity=perplexity)
    etag = f'"{answer.key}"'
    if is_known(etag, if_none_match):
        return Response(status_code=304, headers={"ETag": etag, "Cache-Control": "no-cache"})
    return json_answer(etag, answer.make(), if_none_match)
