"""Pretrained weights from a hub: pinned, safetensors alone, and what is said when the hub does not deliver."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
from safetensors.torch import save

from backend.contracts.jobs import Job
from tests.support.extracting import METRIC
from tests.support.hub import COMMIT, Hub
from tests.support.in_process import InProcess
from tests.support.tiny import archive

NAME, REPOSITORY = "test_resnet.r160_in1k", "timm/test_resnet.r160_in1k"
WEIGHTS = f"{REPOSITORY}/model.safetensors"


def weights(seed: int = 7) -> bytes:
    """What the repository of the model holds: the state of a network with its classifier."""
    import torch

    from workers.extraction import torchvision_ops  # noqa: F401  (must come before timm)

    from timm import create_model  # isort: skip

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return bytes(save(create_model("test_resnet", pretrained=False).state_dict()))


class Bomb:
    """Makes a noise when it is unpickled."""

    exploded: list[str] = []  # noqa: RUF012

    def __reduce__(self) -> Any:
        return (Bomb.exploded.append, ("a pickle was opened",))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub that has the model's weights, and pickles beside them; nothing is cached yet."""
    pickled = pickle.dumps(Bomb())
    files = {WEIGHTS: weights(), f"{REPOSITORY}/pytorch_model.bin": pickled, f"{REPOSITORY}/model.pt": pickled}
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_ETAG_TIMEOUT", 0.25)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.25)
    sleep = time.sleep
    monkeypatch.setattr(
        time, "sleep", lambda seconds: sleep(min(seconds, 0.02))
    )  # the library pauses before it retries
    with Hub(files).serving() as serving:
        point_to(serving.url, monkeypatch)
        yield serving
    assert not Bomb.exploded
    files = [asked for asked in serving.asked if "/resolve/" in asked]
    assert all(asked.endswith("model.safetensors") for asked in files), files


def point_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As HF_ENDPOINT does, which is read when the library is imported."""
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", url)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


def submission(name: str = NAME) -> dict[str, Any]:
    model = {
        "source": "timm", "timm_name": name, "objective": "supervised", "architecture": "convolutional",
        "training_data": "imagenet-1k",
    }  # fmt: skip
    return {"model": model, "datasets": ["noise"], "metrics": METRIC}


def error_of(job: Job) -> tuple[str, str, str, str]:
    assert job.state == "failed" and job.error is not None, job
    return job.error.cause, job.error.step, job.error.message, job.error.hint


def test_weights_are_downloaded_once_and_pinned_to_their_commit(worker: InProcess, hub: Hub) -> None:
    worker.add_dataset(archive("noise", 8))
    assert worker.submit(submission()).state == "succeeded"
    model = worker.client.get("/models").json()["items"][0]
    assert model["revision"] == COMMIT and model["timm_name"] == NAME
    assert [job.state for job in worker.jobs("extract")] == ["succeeded"]
    assert f"HEAD /{REPOSITORY}/resolve/main/model.safetensors" in hub.asked
    assert sum(asked.startswith("GET") and "/resolve/" in asked for asked in hub.asked) == 1

    # The weights are those of the file, classifier aside.
    from workers.extraction.models import load_encoder

    encoder = load_encoder({"source": "timm", "timm_name": NAME, "pretrained": True}, worker.store, "cpu")
    import torch
    from safetensors.torch import load

    for name, tensor in load(weights()).items():
        assert torch.equal(encoder.network.state_dict()[name], tensor), name


def test_a_pinned_revision_is_asked_for_again_as_it_was(worker: InProcess, hub: Hub) -> None:
    from workers.extraction.models import _cached_encoder

    worker.add_dataset(archive("noise", 8))
    worker.submit(submission())
    worker.add_dataset(archive("more", 8, seed=1))
    _cached_encoder.cache_clear()
    hub.files[WEIGHTS] = weights(seed=8)  # the repository moves on
    hub.asked.clear()
    body = {"model": {"source": "existing", "name": "test_resnet.r160_in1k"}, "datasets": ["more"]}
    assert worker.submit(body).state == "succeeded"
    assert [job.state for job in worker.jobs("extract")] == ["succeeded", "succeeded"]
    assert not any("/main/" in asked for asked in hub.asked)


def test_a_revision_whose_content_changed_is_refused(
    worker: InProcess, hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from workers.extraction.models import _cached_encoder

    worker.add_dataset(archive("noise", 8))
    worker.submit(submission())
    worker.add_dataset(archive("more", 8, seed=1))
    _cached_encoder.cache_clear()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "another hub"))
    hub.files[WEIGHTS] = weights(seed=8)
    job = worker.submit({"model": {"source": "existing", "name": "test_resnet.r160_in1k"}, "datasets": ["more"]})
    messages = [error_of(failed)[2] for failed in [job, *worker.jobs("extract", "failed")] if failed.state == "failed"]
    assert len(messages) == 1
    assert "weights" in messages[0] or "Another model" in messages[0]


def test_a_repository_without_safetensors_is_refused_at_once(worker: InProcess, hub: Hub) -> None:
    worker.add_dataset(archive("noise", 8))
    del hub.files[WEIGHTS]
    job = worker.submit(submission())
    cause, step, message, hint = error_of(job)
    assert (cause, step, job.attempt) == ("user", "download", 1)
    assert "model.safetensors" in message and REPOSITORY in message and "safetensors" in hint


def test_a_repository_that_does_not_exist_or_is_gated(worker: InProcess, hub: Hub) -> None:
    worker.add_dataset(archive("noise", 8))
    hub.fault = "gated"
    cause, step, message, hint = error_of(worker.submit(submission()))
    assert (cause, step) == ("user", "download") and "agreement" in message and "HF_TOKEN" in hint
    hub.files.clear()
    hub.fault = ""
    assert "has no model.safetensors" in error_of(worker.submit(submission()))[2]


@pytest.mark.parametrize("fault", ["500", "slow", "gone"])
def test_a_hub_that_does_not_answer_is_tried_again_and_then_given_up(
    worker: InProcess, hub: Hub, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.add_dataset(archive("noise", 8))
    hub.fault = fault
    if fault == "gone":
        point_to("http://127.0.0.1:9", monkeypatch)
    answer = worker.client.post("/jobs", json=submission())
    number = answer.json()["id"]
    worker.rows("UPDATE jobs SET max_attempts = 2 WHERE kind = 'register'")
    worker.work_off()
    job = worker.job(number)
    assert (job.state, job.attempt) == ("queued", 1)
    waiting = worker.rows(
        f"SELECT not_before > now() AS later, progress ->> 'note' AS note FROM jobs WHERE id = {number}"
    )
    assert waiting[0].later and "could not be downloaded" in waiting[0].note
    worker.rows(f"UPDATE jobs SET not_before = now() WHERE id = {number}")
    worker.work_off()
    cause, step, message, hint = error_of(worker.job(number))
    assert (cause, step) == ("ours", "download") and NAME in message and "hub" in hint


def test_a_download_that_is_cut_off_is_not_used(worker: InProcess, hub: Hub) -> None:
    worker.add_dataset(archive("noise", 8))
    hub.fault = "cut"
    number = worker.client.post("/jobs", json=submission()).json()["id"]
    worker.work_off()
    assert worker.job(number).state == "queued"
    hub.fault = ""
    worker.rows("UPDATE jobs SET not_before = now() WHERE state = 'queued'")
    worker.work_off()
    assert worker.job(number).state == "succeeded"


@pytest.mark.parametrize("data", [b"", b"\x80\x04.", b"not safetensors at all", (2**60).to_bytes(8, "little") + b"{}"])
def test_a_file_that_is_no_safetensors_is_refused(worker: InProcess, hub: Hub, data: bytes) -> None:
    worker.add_dataset(archive("noise", 8))
    hub.files[WEIGHTS] = data
    cause, step, message, hint = error_of(worker.submit(submission()))
    assert step in ("load", "download") and cause == "user" and hint
    assert NAME in message or REPOSITORY in message


def test_weights_of_another_network_are_refused(worker: InProcess, hub: Hub) -> None:
    import torch

    worker.add_dataset(archive("noise", 8))
    hub.files[WEIGHTS] = bytes(save({"conv1.weight": torch.zeros(2, 2)}))
    cause, step, message, _ = error_of(worker.submit(submission()))
    assert (cause, step) == ("user", "load") and NAME in message
