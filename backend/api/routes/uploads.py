"""Files on their way in: raw bodies, streamed to the store, counted while they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import anyio
import anyio.from_thread
from anyio import CapacityLimiter
from anyio.lowlevel import RunVar
from fastapi import APIRouter, Header, Request, Response
from starlette.requests import ClientDisconnect

from backend.api.deps import Means, TheMeans
from backend.contracts.jobs import Checkpoint, Job
from backend.db.engine import transaction
from backend.domain.errors import InvalidInput, TooLarge
from backend.services import submissions, uploads

router = APIRouter(tags=["uploads"])
# Slow uploads wait for each other, never in the way of other requests, which share another pool of threads.
UPLOADS_AT_ONCE = 8
_limiter: RunVar[CapacityLimiter] = RunVar("uploads")
ContentLength = Annotated[int | None, Header(ge=0)]


@router.post("/checkpoints", status_code=201, summary="Store a checkpoint file (safetensors, raw body)")
async def upload_checkpoint(
    request: Request, means: TheMeans, content_length: ContentLength = None
) -> Checkpoint:
    """The same bytes sent twice are one file. The file is checked by its header; a model comes of it by POST /jobs."""
    sha256 = await _receive(request, means, means.settings.max_checkpoint_bytes, content_length)
    return await anyio.to_thread.run_sync(lambda: uploads.describe(means.store, sha256)[1])


@router.post("/datasets", status_code=202, summary="Store a dataset archive (zip, raw body) and queue its check")
async def upload_dataset(
    request: Request, response: Response, means: TheMeans, content_length: ContentLength = None
) -> Job:
    """Answers the job that decodes every picture and then adds the dataset."""
    sha256 = await _receive(request, means, means.settings.max_upload_bytes, content_length)

    def queue() -> Job:
        name = uploads.peek_dataset_name(means.store, sha256)
        with transaction(means.engine) as connection:
            job_id = submissions.ingest(connection, archive_sha256=sha256, name=name, settings=means.settings)
            row = submissions.require_job(connection, job_id)
            return Job.model_validate({**row, "children": row["children"] or {}})

    job = await anyio.to_thread.run_sync(queue)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return job


async def _receive(request: Request, means: Means, max_bytes: int, announced: int | None) -> str:
    """Streams a body into the store; its SHA-256. Refused before it comes if it says that it is too large."""
    if announced is not None and announced > max_bytes:
        raise TooLarge(f"The file has {announced:,} bytes; at most {max_bytes:,} are accepted.", "Send a smaller file.")
    stream = request.stream()

    def store() -> str:
        def chunks() -> Iterator[bytes]:
            while True:
                chunk = anyio.from_thread.run(anext, stream, None)
                if chunk is None:
                    return
                yield chunk

        return means.store.put(chunks(), max_bytes)[0]

    try:
        return await anyio.to_thread.run_sync(store, limiter=_uploads())
    except ClientDisconnect as error:
        # Nobody is left to read the answer; nothing was stored under a final name.
        raise InvalidInput("The upload was broken off.", "Send the file again.") from error


def _uploads() -> CapacityLimiter:
    """The places for uploads, of this event loop."""
    try:
        return _limiter.get()
    except LookupError:
        _limiter.set(limiter := CapacityLimiter(UPLOADS_AT_ONCE))
        return limiter
