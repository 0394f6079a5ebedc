"""Pictures of stimuli, where the licence of their dataset lets them be shown."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from backend.api.answers import is_known
from backend.api.deps import IfNoneMatch, TheMeans
from backend.db.engine import transaction
from backend.services import stimuli

router = APIRouter(tags=["catalogue"])
PNG = "image/png"
DAY_S = 24 * 3600


@router.get(
    "/datasets/{name}/stimuli/{ord}/image", summary="The picture of one stimulus, where its licence allows showing it",
    response_class=Response,
    responses={200: {"content": {PNG: {}}, "description": "PNG, made anew from the pixels"},
               403: {"description": "The licence does not let the pictures of this dataset be shown"}},
)
def get_image(
    name: str, ord_: Annotated[int, Path(alias="ord", ge=0, le=2**31 - 1, description="Row of the embedding.")],
    means: TheMeans,
    size: Annotated[int, Query(ge=16, le=1024, description="Most pixels in width and height.")] = 256,
    if_none_match: IfNoneMatch = None,
) -> Response:
    with transaction(means.engine) as connection:  # ends before a picture is decoded
        found = stimuli.find_picture(connection, name, ord_)
    etag = f'"{found.sha256[:32]}-{size}"'
    # A version never changes; the newest version of a name may be another tomorrow.
    kept = f"private, max-age={DAY_S}" if "@" in name else "no-cache"
    headers = {"ETag": etag, "Cache-Control": kept, "X-Content-Type-Options": "nosniff",
               "Content-Security-Policy": "default-src 'none'; sandbox"}
    if is_known(etag, if_none_match):
        return Response(status_code=304, headers=headers)
    body = stimuli.picture(means.cache, means.store, found, size, means.settings.max_image_pixels)
    return Response(body, media_type=PNG, headers=headers)
