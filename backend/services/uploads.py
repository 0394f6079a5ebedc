"""Files that people hand in before they submit: stored by content, checked by their header."""

from __future__ import annotations

import json
import zipfile

from backend.contracts.archives import (
    MANIFEST_FILE,
    MAX_MANIFEST_BYTES,
    ArchiveManifest,
    CheckpointHeader,
    read_checkpoint_header,
    validated,
)
from backend.contracts.jobs import Checkpoint
from backend.domain.errors import InvalidInput, StoredFileDamaged
from backend.storage import ArrayStore

HOW_TO = "Make a dataset archive as docs/how-to/add-a-dataset.md describes."


def describe(store: ArrayStore, sha256: str) -> tuple[CheckpointHeader, Checkpoint]:
    """What a stored checkpoint file says of itself. Raises FieldErrors or InvalidInput if it is not one."""
    path = store.path(sha256)
    size = path.stat().st_size
    with path.open("rb") as file:
        header = read_checkpoint_header(file, size)
    return header, Checkpoint(
        checkpoint_sha256=sha256, size_bytes=size, name=header.name, timm_architecture=header.timm_architecture,
        objective=header.objective, architecture=header.architecture, training_data=header.training_data,
        description=header.description, tags=header.tags,
    )


def find_header(store: ArrayStore, sha256: str | None) -> CheckpointHeader | None:
    """The header of a checkpoint file if it is stored; None otherwise."""
    if sha256 is None:
        return None
    try:
        return describe(store, sha256)[0]
    except StoredFileDamaged:
        return None


def peek_dataset_name(store: ArrayStore, sha256: str) -> str:
    """The name in a dataset archive's manifest. InvalidInput if the file is no archive, so that the sender learns at
    once.

    Pictures are not looked at: that is the job's work.
    """
    try:
        with zipfile.ZipFile(store.path(sha256)) as archive, archive.open(MANIFEST_FILE) as file:
            raw = json.loads(file.read(MAX_MANIFEST_BYTES + 1))
    except KeyError as error:
        raise InvalidInput(f"The archive has no {MANIFEST_FILE}.", HOW_TO) from error
    except Exception as error:
        # zipfile and zlib raise many kinds of errors on damaged files; each means the same here.
        raise InvalidInput(f"This is not a dataset archive: {str(error)[:200]}", HOW_TO) from error
    return validated(ArchiveManifest, raw).name
