"""Model sets with names."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from backend.api.answers import json_answer
from backend.api.deps import IfNoneMatch, TheConnection
from backend.contracts.consistency import ModelSet, NewModelSet
from backend.contracts.pages import Page
from backend.domain.identity import sha256_hex
from backend.services import model_sets

router = APIRouter(tags=["consistency"])


@router.get(
    "/model-sets", summary="Named model sets with the models they hold now", response_model=Page[ModelSet]
)
def list_model_sets(
    connection: TheConnection,
    labels: Annotated[str, Query(max_length=20, description="`published` or `audited`.")] = "published",
    if_none_match: IfNoneMatch = None,
) -> Response:
    with model_sets.naming("labels"):
        items = model_sets.list_sets(connection, labels)
    body = Page(items=items, next_cursor=None, total=len(items)).model_dump_json().encode()
    return json_answer(f'"{sha256_hex(body)[:32]}"', body, if_none_match)


@router.post("/model-sets", status_code=201, summary="Name a model set")
def save_model_set(new: NewModelSet, connection: TheConnection, response: Response) -> ModelSet:
    """Repeating it does no harm; a name that stands for another predicate is not changed (409)."""
    response.headers["Location"] = "/api/v1/model-sets"
    return model_sets.save(connection, new)


@router.delete("/model-sets/{name}", status_code=204, summary="Forget the name of a model set")
def delete_model_set(name: str, connection: TheConnection) -> None:
    model_sets.delete(connection, name)
