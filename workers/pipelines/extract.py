"""Extract: one model on one dataset, as a content-addressed embedding; in chunks, so that a kill costs at most one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from backend.db.repositories import datasets, embeddings, jobs, models
from backend.db.repositories.comparing import wanted_comparisons
from backend.db.repositories.probes import wanted_probes
from backend.domain.errors import JobFailed
from backend.domain.identity import EXTRACTOR_VERSION, embedding_key
from backend.storage import load_array, put_array
from workers.extraction.forward import OutOfDeviceMemory, embed_rows, refuse_constant
from workers.extraction.geometry import Geometry
from workers.extraction.models import Encoder, load_encoder
from workers.extraction.pools import open_pool
from workers.extraction.versions import library_versions
from workers.pipelines.neighbours import keep_neighbours
from workers.runtime.arithmetic import prepare_device
from workers.runtime.context import JobContext, Outcome
from workers.similarity.diagnostics import diagnose


def run(context: JobContext) -> Outcome:
    """Embeds the job's dataset with its model; then the matrices kept on this dataset want the new row."""
    context.progress("load")
    device = prepare_device(context.settings)
    with context.read() as connection:
        model = models.get_by_id(connection, context.job.spec["model_id"])
        dataset = datasets.get_by_id(connection, context.job.spec["dataset_id"])
        if model is None or dataset is None:
            raise JobFailed("load", "The model or the dataset of this job does not exist any more.", cause="ours")
        stimuli = datasets.list_stimuli(connection, dataset["id"])
        waiting = models.get_many(connection, jobs.waiting_models(connection, dataset["id"]))
    encoder = load_encoder(model["config"], context.store, device)
    if encoder.weights_sha256 != model["weights_sha256"]:
        raise JobFailed(
            "load", f"The weights of {model['name']} are not those it was registered with.",
            "The hub changed a pinned revision, or timm builds this network differently now. Register it anew.", "ours",
        )
    pixels = open_pool(
        cache=context.settings.cache_folder, archive=context.store.path(dataset["archive_sha256"]),
        dataset_hash=dataset["dataset_hash"], stimuli=stimuli, geometry=Geometry.of(encoder.preprocessing),
        also=[Geometry.of(row["preprocessing"]) for row in waiting],
        max_pixels=context.settings.max_image_pixels, progress=context.progress,
    )
    batch_size = context.settings.batch_size
    while True:
        try:
            return _embed(context, model, dataset, encoder, pixels, batch_size, device)
        except OutOfDeviceMemory:
            # One rung down for the whole job: mixing batch sizes inside one embedding would mix bits.
            batch_size //= 2
            _free_device_memory(device)
            if batch_size == 0:
                raise JobFailed(
                    "embed", f"{model['name']} does not fit the memory of the device, even one image at a time.",
                    "Run a worker on a larger GPU, or with PARALLAX_DEVICE=cpu.", "ours",
                ) from None


def _embed(
    context: JobContext, model: Mapping[str, Any], dataset: Mapping[str, Any], encoder: Encoder,
    pixels: NDArray[np.uint8], batch_size: int, device: str,
) -> Outcome:
    key = embedding_key(
        dataset=dataset["dataset_hash"],
        model={name: model[name] for name in ("timm_name", "revision", "weights_sha256", "node", "pooling")},
        preprocessing=model["preprocessing"], batch_size=batch_size, dtype="float32",
        extractor_version=EXTRACTOR_VERSION, device_class=device, threads=context.settings.threads,
        libraries=library_versions(),
    )
    with context.read() as connection:
        existing = embeddings.get_by_key(connection, key)
        done = embeddings.list_chunks(connection, key)
    if existing is not None:
        return Outcome(existing["file_sha256"], lambda connection: _want_rows(connection, context))

    n = len(pixels)
    rows_per_chunk = max(1, context.settings.chunk_size // batch_size) * batch_size
    parts = []
    for first in range(0, n, rows_per_chunk):
        last = min(first + rows_per_chunk, n)
        context.progress("embed", first, n)
        if done.get(first, (0, ""))[0] == last - first:
            parts.append(np.asarray(load_array(context.store, done[first][1])))
            continue
        part = embed_rows(
            encoder, pixels, first=first, last=last, batch_size=batch_size, device=device,
            progress=lambda row: context.progress("embed", row, n),
        )
        if last < n or first > 0:
            _keep_chunk(context, key, first, part)
        parts.append(part)
    embedding = np.concatenate(parts)
    refuse_constant(embedding)
    context.progress("store", n, n)
    file_sha256 = put_array(context.store, embedding)
    diagnostics = diagnose(embedding)
    note_neighbours = keep_neighbours(context, embedding, device)
    values = {
        "key": key, "model_id": model["id"], "dataset_id": dataset["id"], "dataset_hash": dataset["dataset_hash"],
        "file_sha256": file_sha256, "n": n, "d": embedding.shape[1], "dtype": "float32", "batch_size": batch_size,
        "extractor_version": EXTRACTOR_VERSION, "device_class": device, "library_versions": library_versions(),
        "job_id": context.job.id,
    }

    def write(connection: Connection) -> None:
        embedding_id = embeddings.add(connection, values)
        embeddings.add_diagnostics(connection, embedding_id, diagnostics)
        note_neighbours(connection, embedding_id)
        _want_rows(connection, context)

    return Outcome(file_sha256, write)


def _keep_chunk(context: JobContext, key: str, first: int, part: NDArray[np.float32]) -> None:
    values = {
        "key": key, "first_row": first, "n_rows": len(part), "file_sha256": put_array(context.store, part),
        "job_id": context.job.id,
    }
    context.commit_part(lambda connection: embeddings.add_chunk(connection, values))


def _want_rows(connection: Connection, context: JobContext) -> None:
    """Queues a comparison for every matrix that is kept on this dataset, and the probes of its labels; what is queued
    already is joined."""
    dataset_id, said = context.job.spec["dataset_id"], {
        "parent_id": context.job.parent_id or context.job.id, "owner": context.job.owner,
        "max_attempts": context.settings.max_attempts,
    }
    wanted = [*wanted_comparisons(connection, dataset_id, **said), *wanted_probes(connection, dataset_id, **said)]
    for number in jobs.enqueue(connection, wanted):
        jobs.request_like(connection, number, context.job.id)


def _free_device_memory(device: str) -> None:
    if device == "cuda":
        import torch

        torch.cuda.empty_cache()
