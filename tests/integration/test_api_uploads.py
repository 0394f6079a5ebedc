"""Files on their way in: what is accepted, and every kind of file that is not what it should be."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from backend.contracts.jobs import Checkpoint, Job
from backend.settings import Settings
from tests.support.problems import fields_of, refused
from tests.support.rows import add_dataset
from tests.support.tiny import CHECKPOINT_METADATA, archive, empty_checkpoint, manifest, safetensors, zipped

PICKLE = b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."


def stored(settings: Settings) -> list[str]:
    """Names of all files in the store, temporary ones too."""
    return sorted(path.name for path in settings.store_folder.rglob("*") if path.is_file())


def test_a_checkpoint_is_stored_under_its_hash_and_described(client: TestClient, settings: Settings) -> None:
    data = empty_checkpoint()
    for _ in range(2):
        answer = client.post("/checkpoints", content=data)
        assert answer.status_code == 201
        said = Checkpoint.model_validate(answer.json())
        assert said.checkpoint_sha256 == hashlib.sha256(data).hexdigest() and said.size_bytes == len(data)
        assert (said.name, said.timm_architecture, said.tags) == ("tiny", "test_resnet", ["tiny"])
    assert stored(settings) == [hashlib.sha256(data).hexdigest()]


def test_a_submission_may_name_a_stored_checkpoint(client: TestClient, engine: Engine) -> None:
    from backend.db.engine import transaction

    with transaction(engine) as connection:
        add_dataset(connection, "digits")
    sha256 = client.post("/checkpoints", content=empty_checkpoint()).json()["checkpoint_sha256"]
    body = {"model": {"source": "checkpoint", "checkpoint_sha256": sha256}, "datasets": ["digits"]}
    answer = client.post("/jobs", json=body)
    assert answer.status_code == 202 and "tiny" in answer.json()["title"]


def test_a_dataset_archive_is_stored_and_its_check_queued(client: TestClient, settings: Settings) -> None:
    data = archive("noise")
    first = client.post("/datasets", content=data)
    job = Job.model_validate(first.json())
    assert first.status_code == 202 and first.headers["Location"] == f"/api/v1/jobs/{job.id}"
    assert (job.kind, job.state) == ("ingest", "queued") and "noise" in job.title
    assert client.post("/datasets", content=data).json()["id"] == job.id, "the same bytes are the same work"
    assert stored(settings) == [hashlib.sha256(data).hexdigest()]


def header(text: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(text)) + text + body


BAD_CHECKPOINTS: dict[str, bytes] = {
    "empty": b"",
    "short": b"abc",
    "pickle": PICKLE,
    "zip of torch.save": zipped({"archive/data.pkl": PICKLE}),
    "header longer than the file": struct.pack("<Q", 10_000) + b"{}",
    "header of petabytes": struct.pack("<Q", 2**60) + b"{}" * 100,
    "negative header": b"\xff" * 8 + b"{}" * 100,
    "header is no JSON": header(b"{{{{{{{{"),
    "header is no UTF-8": header(b'{"__metadata__": {"format": "\xff"}}'),
    "header is nested": header(b"[" * 100_000),
    "header is a list": header(b"[]          "),
    "no metadata": safetensors({"a": np.zeros(2, np.float32)}, None),
    "metadata is a list": header(b'{"__metadata__": [1, 2]}'),
    "html": b"<!doctype html><html><body>hello</body></html>",
}


@pytest.mark.parametrize("data", BAD_CHECKPOINTS.values(), ids=list(BAD_CHECKPOINTS))
def test_what_is_no_checkpoint_is_refused(client: TestClient, data: bytes) -> None:
    problem = refused(client.post("/checkpoints", content=data), 422)
    assert problem.hint or problem.fields


@pytest.mark.parametrize(("changes", "field"), [
    ({"format": "other"}, "format"),
    ({"format_version": "2"}, "format_version"),
    ({"name": "Bad Name"}, "name"),
    ({"objective": "magic"}, "objective"),
    ({"architecture": ""}, "architecture"),
    ({"timm_architecture": ""}, "timm_architecture"),
    ({"timm_kwargs": "not json"}, "timm_kwargs"),
    ({"timm_kwargs": '{"pretrained": true}'}, "timm_kwargs"),
    ({"timm_kwargs": '{"checkpoint_path": "/etc/passwd"}'}, "timm_kwargs"),
    ({"timm_kwargs": "[1]"}, "timm_kwargs"),
    ({"data_config": "{}"}, "data_config.input_size"),
    ({"data_config": json.dumps({"input_size": [3, 0, 32], "mean": [0, 0, 0], "std": [1, 1, 1]})},
     "data_config.input_size.1"),
    ({"data_config": json.dumps({"input_size": [3, 10**9, 32], "mean": [0, 0, 0], "std": [1, 1, 1]})},
     "data_config.input_size.1"),
    ({"data_config": json.dumps({"input_size": [3, 32, 32], "mean": [0, 0, 0], "std": [0, 1, 1]})},
     "data_config.std.0"),
    ({"data_config": '{"input_size": [3, 32, 32], "mean": [NaN, 0, 0], "std": [1, 1, 1]}'}, "data_config.mean.0"),
    ({"tags": "{}"}, "tags"),
])  # fmt: skip
def test_metadata_that_is_wrong_is_refused_by_name(client: TestClient, changes: dict[str, str], field: str) -> None:
    said = fields_of(refused(client.post("/checkpoints", content=empty_checkpoint(**changes)), 422))
    assert field in said, said


def test_all_wrong_metadata_is_named_at_once(client: TestClient) -> None:
    data = safetensors({}, dict.fromkeys(CHECKPOINT_METADATA, "?"))
    assert len(fields_of(refused(client.post("/checkpoints", content=data), 422))) >= 7


def with_manifest(value: Any) -> bytes:
    return zipped({"manifest.json": value if isinstance(value, bytes) else json.dumps(value).encode()})


def _doubled() -> dict[str, Any]:
    doubled = manifest("noise", 4)
    doubled["stimuli"][1]["id"] = "s0"
    return doubled


BAD_ARCHIVES: dict[str, bytes] = {
    "empty": b"",
    "no zip": b"hello",
    "pickle": PICKLE,
    "half a zip": archive("noise")[:400],
    "end of a zip": archive("noise")[-400:],
    "no manifest": zipped({"other.json": b"{}"}),
    "manifest is no JSON": with_manifest(b"{"),
    "manifest is no UTF-8": with_manifest(b'{"name": "\xff"}'),
    "manifest is nested": with_manifest(b"[" * 100_000),
    "manifest is a list": with_manifest([]),
    "manifest is empty": with_manifest({}),
    "another format": with_manifest(manifest("noise", 4, format="other")),
    "bad name": with_manifest(manifest("Noise!", 4)),
    "version 0": with_manifest(manifest("noise", 4, version=0)),
    "unknown domain": with_manifest(manifest("noise", 4, domain="abstract")),
    "no licence": with_manifest(manifest("noise", 4, licence="")),
    "an id twice": with_manifest(_doubled()),
    "too few stimuli": with_manifest(manifest("noise", 3)),
    "unknown key": with_manifest(manifest("noise", 4, extra=1)),
}


@pytest.mark.parametrize("data", BAD_ARCHIVES.values(), ids=list(BAD_ARCHIVES))
def test_what_is_no_archive_is_refused_at_once(client: TestClient, data: bytes) -> None:
    problem = refused(client.post("/datasets", content=data), 422)
    assert problem.hint or problem.fields
    assert client.get("/jobs").json()["total"] == 0


def chunks(data: bytes, size: int = 10_000) -> Iterator[bytes]:
    """A body without Content-Length."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize(("path", "limit"), [("/checkpoints", 200_000), ("/datasets", 300_000)])
@pytest.mark.parametrize("announced", [True, False])
def test_a_file_that_is_too_large_is_refused(
    client: TestClient, settings: Settings, path: str, limit: int, announced: bool
) -> None:
    data = b"x" * (limit + 1)
    problem = refused(client.post(path, content=data if announced else chunks(data)), 413)
    assert f"{limit:,}" in problem.detail and problem.hint
    assert stored(settings) == [], "nothing is kept"


def test_a_length_that_lies_does_not_help(client: TestClient, settings: Settings) -> None:
    answer = client.post("/checkpoints", content=chunks(b"x" * 200_001), headers={"Content-Length": "5"})
    assert answer.status_code in (400, 413)
    refused(client.post("/checkpoints", content=chunks(b"x"), headers={"Content-Length": "-5"}), 422)
    assert stored(settings) == []


def test_uploads_without_length_work(client: TestClient) -> None:
    assert client.post("/checkpoints", content=chunks(empty_checkpoint(), 50)).status_code == 201
