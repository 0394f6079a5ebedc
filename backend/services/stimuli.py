"""Stimuli as people see them: what a picture is called, and the picture itself where its licence allows showing it.

A picture is decoded to its last pixel and written anew as PNG, so that what a browser gets is never the file that
somebody handed in: nothing hides behind its pixels, and its size is known.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image
from sqlalchemy import Connection

from backend.contracts.datasets import Stimulus
from backend.db.repositories import datasets
from backend.domain.errors import NotFound, NotPermitted, StoredFileDamaged
from backend.domain.identity import sha256_hex
from backend.services.catalogue import require_dataset
from backend.services.result_cache import ResultCache
from backend.storage import ArrayStore
from backend.storage.archives import UnreadablePicture, decode, open_again, read_picture


@dataclass(frozen=True)
class StimulusFile:
    """One picture of a dataset that may be shown: where it is, and its hash."""

    archive_sha256: str
    file: str
    sha256: str


def describe(dataset: Mapping[str, Any], row: Mapping[str, Any]) -> Stimulus:
    """A stimulus on the wire, with the path of its picture if that may be shown."""
    path = f"/api/v1/datasets/{dataset['name']}@{dataset['version']}/stimuli/{row['ord']}/image"
    return Stimulus.model_validate({**row, "image": path if dataset["shows_stimuli"] else None})


def find_picture(connection: Connection, reference: str, ord_: int) -> StimulusFile:
    """The picture of row `ord_` of a dataset. NotFound; NotPermitted where the licence does not let it be shown."""
    dataset = require_dataset(connection, reference)
    row = datasets.get_stimuli(connection, dataset["id"], [ord_]).get(ord_)
    if row is None:
        raise NotFound(
            f"{dataset['name']} has no stimulus {ord_}.", f"Rows are counted from 0 to {dataset['n_stimuli'] - 1}."
        )
    if not dataset["shows_stimuli"]:
        raise NotPermitted(
            f"The pictures of {dataset['name']} may not be shown: its manifest does not say that the licence "
            f"({dataset['licence']}) allows it.",
            "If it does, send the archive again with \"shows_stimuli\": true in its manifest.",
        )
    return StimulusFile(dataset["archive_sha256"], row["file"], row["sha256"])


def picture(cache: ResultCache, store: ArrayStore, found: StimulusFile, side: int, max_pixels: int) -> bytes:
    """The picture as PNG, at most `side` pixels wide and high, never enlarged. StoredFileDamaged if its bytes are not
    those that were added."""

    def make() -> bytes:
        archive = open_again(store.path(found.archive_sha256))
        try:
            data = read_picture(archive, found.file)
            if sha256_hex(data) != found.sha256:
                raise UnreadablePicture("its bytes are not those that were added")
            seen = decode(data, max_pixels)
        except UnreadablePicture as error:
            raise StoredFileDamaged(f"The stored picture {found.file} cannot be shown: {error}.") from error
        seen.thumbnail((side, side), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        Image.frombytes("RGB", seen.size, seen.tobytes()).save(buffer, "PNG")  # pixels alone: no metadata comes along
        return buffer.getvalue()

    made: bytes = cache.get(f"picture {found.sha256} {side}", make)
    return made
