"""Register: build a submitted network once, pin what identifies it, add it, and queue its extractions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from backend.contracts.archives import read_checkpoint_header
from backend.db.repositories import jobs, models
from backend.db.repositories.expansion import expand
from backend.domain.errors import JobFailed
from backend.domain.identity import EXTRACTOR_VERSION, key_of
from workers.extraction.models import Encoder, load_encoder
from workers.runtime.arithmetic import prepare_device
from workers.runtime.context import JobContext, Outcome


def run(context: JobContext) -> Outcome:
    """Loads the network of the submission and writes its model, with the jobs for its datasets, in one transaction."""
    context.progress("load")
    device = prepare_device(context.settings)
    submitted = context.job.spec["model"]
    encoder = load_encoder(_loading_config(submitted), context.store, device)
    values = _described(context, submitted, encoder)
    context.progress("register")

    def write(connection: Connection) -> None:
        taken = models.get(connection, values["name"])
        if taken is not None and taken["weights_sha256"] != values["weights_sha256"]:
            raise JobFailed(
                "register", f"Another model is called {values['name']!r} already.",
                "Submit it again under another name.",
            )
        model_id, name = models.add(connection, values)
        # The same network under another name is the model that is there already; the job says so.
        title = None
        if name != values["name"]:
            title = f"Compute {name}, the network that was submitted as {values['name']}"
        jobs.set_subject(connection, context.job, model_id=model_id, title=title)
        expand(
            connection, model_id=model_id, model=name, dataset_ids=context.job.spec["dataset_ids"],
            metrics=context.job.spec["metrics"], preprocess=context.job.spec["preprocess"],
            extractor_version=EXTRACTOR_VERSION, parent_id=context.job.id, owner=context.job.owner,
            max_attempts=context.settings.max_attempts,
        )

    return Outcome(key_of([encoder.weights_sha256, encoder.node, encoder.pooling, encoder.preprocessing]), write)


def _loading_config(submitted: dict[str, Any]) -> dict[str, Any]:
    if submitted["source"] == "checkpoint":
        return {"source": "checkpoint", "checkpoint_sha256": submitted["checkpoint_sha256"]}
    # A model that exists already comes with its revision, which stays pinned.
    names = ("source", "timm_name", "pretrained", "seed", "revision")
    return {name: submitted[name] for name in names if name in submitted}


def _described(context: JobContext, submitted: dict[str, Any], encoder: Encoder) -> dict[str, Any]:
    """The row of the model: what the submission says, with what loading it showed."""
    config = _loading_config(submitted)
    if submitted["source"] == "checkpoint":
        path = context.store.path(submitted["checkpoint_sha256"])
        with path.open("rb") as file:
            header = read_checkpoint_header(file, path.stat().st_size)
        said = {
            "timm_name": header.timm_architecture, "objective": header.objective, "architecture": header.architecture,
            "training_data": header.training_data, "description": header.description,
            "tags": sorted({*header.tags, *submitted["tags"]}),
        }
    else:
        if submitted["pretrained"]:
            config["revision"] = encoder.revision
        said = {
            name: submitted[name]
            for name in ("timm_name", "objective", "architecture", "training_data", "description", "tags")
        }
    return {
        **said, "name": submitted["name"], "source": submitted["source"], "config": config,
        "revision": encoder.revision, "weights_sha256": encoder.weights_sha256, "node": encoder.node,
        "pooling": encoder.pooling, "preprocessing": encoder.preprocessing, "size": encoder.size,
        "n_parameters": encoder.n_parameters, "embedding_dim": encoder.embedding_dim,
    }
