"""Ingest: check every picture of an archive and add the dataset. All pictures are used, or all faults are named."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Connection

from backend.contracts.archives import ArchiveManifest
from backend.db.repositories import datasets, jobs
from backend.domain.errors import JobFailed
from backend.domain.identity import dataset_hash
from backend.storage.archives import UnreadablePicture, decode, open_archive, read_manifest, read_picture
from workers.runtime.context import JobContext, Outcome

SHOWN_FAULTS = 20


def run(context: JobContext) -> Outcome:
    """Decodes every picture completely, hashes it, and writes the dataset with its manifest in one transaction."""
    context.progress("read")
    sha256 = context.job.spec["archive_sha256"]
    with open_archive(context.store.path(sha256)) as archive:
        manifest = read_manifest(archive)
        rows, faults = [], []
        for index, entry in enumerate(manifest.stimuli):
            context.progress("check pictures", index, len(manifest.stimuli))
            try:
                data = read_picture(archive, entry.file)
                decode(data, context.settings.max_image_pixels)
            except UnreadablePicture as error:
                faults.append(f"stimulus {index} ({entry.id}, {entry.file}): {error}")
                continue
            rows.append({"stimulus_id": entry.id, "file": entry.file, "label": entry.label, "group": entry.group,
                         "sha256": hashlib.sha256(data).hexdigest()})
    if faults:
        more = f"; and {len(faults) - SHOWN_FAULTS} more" if len(faults) > SHOWN_FAULTS else ""
        raise JobFailed(
            "check pictures",
            f"{len(faults)} of {len(manifest.stimuli)} pictures cannot be used: "
            f"{'; '.join(faults[:SHOWN_FAULTS])}{more}.",
            "Mend or leave out these pictures and send the archive again; nothing was added.",
        )
    hashed = dataset_hash((row["stimulus_id"], row["sha256"], row["label"], row["group"]) for row in rows)
    values = {
        "name": manifest.name, "version": manifest.version, "title": manifest.title, "dataset_hash": hashed,
        "archive_sha256": sha256, "n_stimuli": len(rows), "domain": manifest.domain, "licence": manifest.licence,
        "description": manifest.description, "source": manifest.source, "shows_stimuli": manifest.shows_stimuli,
    }

    def write(connection: Connection) -> None:
        _refuse_clash(connection, manifest, hashed)
        jobs.set_subject(connection, context.job, dataset_id=datasets.add(connection, values, rows))

    return Outcome(hashed, write)


def _refuse_clash(connection: Connection, manifest: ArchiveManifest, hashed: str) -> None:
    existing: Any = datasets.get_by_hash(connection, hashed)
    if existing is not None and (existing["name"], existing["version"]) != (manifest.name, manifest.version):
        raise JobFailed(
            "add", f"These stimuli are there already, as {existing['name']}@{existing['version']}.",
            "Use that dataset; the same stimuli under two names would be counted twice.",
        )
    taken = datasets.get(connection, f"{manifest.name}@{manifest.version}")
    if taken is not None and taken["dataset_hash"] != hashed:
        raise JobFailed(
            "add", f"{manifest.name}@{manifest.version} exists with other stimuli; a version never changes.",
            f"Send it as version {manifest.version + 1}.",
        )
