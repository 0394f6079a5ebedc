"""Probe: train and test what is missing of the linear probes on one dataset, model by model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from sqlalchemy import Connection

from backend.db.repositories import datasets, probes
from backend.domain.errors import JobFailed
from backend.domain.groups import group_numbers
from backend.domain.identity import canonical_json
from backend.domain.probing import PROTOCOL, SEEDS, parts, usable_labels
from backend.storage import load_array
from workers.probing.probe import Probe, probe
from workers.runtime.arithmetic import prepare_device
from workers.runtime.context import JobContext, Outcome


def run(context: JobContext) -> Outcome:
    """Probes of all current embeddings that lack some; those of a model are committed as they come."""
    context.progress("load")
    device, dataset_id = prepare_device(context.settings), context.job.spec["dataset_id"]
    with context.read() as connection:
        if datasets.get_by_id(connection, dataset_id) is None:
            raise JobFailed("load", "The dataset of this job does not exist any more.", cause="ours")
        stimuli = datasets.list_stimuli(connection, dataset_id)
        todo = probes.lacking(connection, dataset_id)
    labels = usable_labels([row["label"] for row in stimuli])
    groups = group_numbers([stimuli[row]["group"] for row in labels.rows])
    splits = {seed: parts(labels.codes, groups, seed) for seed in SEEDS}
    digest = hashlib.sha256()
    for done, row in enumerate(todo):

        def still_wanted(done: int = done) -> None:
            context.progress("probe", done, len(todo))

        still_wanted()
        features = np.asarray(load_array(context.store, row["file_sha256"]))[labels.rows]
        runs = {
            seed: probe(features, labels.codes, splits[seed], seed=seed, device=device, progress=still_wanted)
            for seed in SEEDS if seed not in row["done"]
        }
        rows = [_row(context, row, seed, run, labels.left_out) for seed, run in runs.items()]
        digest.update(canonical_json([[one["seed"], one["top1"], one["recipe"]] for one in rows]))

        def write(connection: Connection, rows: list[dict[str, Any]] = rows) -> None:
            probes.add(connection, rows)

        context.commit_part(write)
    return Outcome(digest.hexdigest())


def _row(
    context: JobContext, embedding: Mapping[str, Any], seed: int, run: Probe, left_out: list[str]
) -> dict[str, Any]:
    return {
        "embedding_id": embedding["id"], "protocol": PROTOCOL, "seed": seed, "top1": run.top1, "top5": run.top5,
        "mean_class_recall": run.mean_class_recall, "job_id": context.job.id,
        "recipe": run.recipe | ({"labels_left_out": left_out} if left_out else {}),
    }
