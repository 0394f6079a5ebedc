"""From an archive to embeddings, in the real pipelines: what goes wrong is said, what is interrupted goes on."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from backend.db.repositories import embeddings as embedding_rows
from backend.storage import load_array
from tests.support.extracting import METRIC, embeddings, error_of, only_embedding, only_extraction, submission
from tests.support.in_process import InProcess
from tests.support.tiny import archive
from workers.extraction import forward, pools
from workers.extraction.models import Encoder
from workers.pipelines import extract

# --- the whole way -----------------------------------------------------------------------------------------------


def test_an_embedding_is_what_the_network_gives_picture_by_picture(worker: InProcess) -> None:
    from timm import create_model
    from timm.data import create_transform, resolve_model_data_config

    data = archive("noise", 10, seed=3)
    assert worker.add_dataset(data).state == "succeeded"
    assert worker.submit(submission("test_vit", 5)).state == "succeeded"
    embedded = only_embedding(worker)
    torch.manual_seed(5)
    network = create_model("test_vit", pretrained=False).eval()
    transform = create_transform(**resolve_model_data_config(network), is_training=False)
    with zipfile.ZipFile(io.BytesIO(data)) as opened, torch.no_grad():
        for row in range(10):
            image = Image.open(opened.open(f"stimuli/{row:04}.png")).convert("RGB")
            expected = network.forward_head(network.forward_features(transform(image)[None]), pre_logits=True)[0]
            np.testing.assert_allclose(embedded[row], expected.numpy(), rtol=2e-4, atol=2e-5)
    (row,) = worker.rows("SELECT n, d, dtype, batch_size, device_class, library_versions FROM embeddings")
    assert (row.n, row.d, row.dtype, row.batch_size, row.device_class) == (*embedded.shape, "float32", 4, "cpu")
    assert "torch" in row.library_versions and "timm" in row.library_versions
    assert worker.client.get("/matrices", params={"dataset": "noise", "metric": METRIC[0]}).json()["values"] == [[1.0]]


def test_the_diagnostics_of_an_embedding_come_with_it(
    worker: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.add_dataset(archive("noise", 10))
    worker.submit(submission(name="net"))
    (item,) = worker.client.get("/diagnostics", params={"dataset": "noise"}).json()["items"]
    X = only_embedding(worker).astype(np.float64)
    spread = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)
    assert item["model"] == "net"
    assert item["participation_ratio"] == pytest.approx((spread**2).sum() ** 2 / (spread**4).sum())
    share = spread[spread > 1e-12] / spread.sum()
    assert item["effective_rank"] == pytest.approx(np.exp(-(share * np.log(share)).sum()))
    assert 0 < item["outlier_dominance"] <= 1

    def refuse(*arguments: Any) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(embedding_rows, "add_diagnostics", refuse)
    worker.submit(submission(name="other", seed=1))
    assert list(embeddings(worker)) == ["net"], "an embedding never comes without its diagnostics"


def test_work_that_exists_is_not_done_again(worker: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    worker.add_dataset(archive("noise", 10))
    worker.submit(submission(name="net"))
    monkeypatch.setattr(extract, "embed_rows", lambda *a, **k: pytest.fail("it was embedded again"))
    again = worker.submit({"model": {"source": "existing", "name": "net"}, "datasets": ["noise"], "metrics": METRIC})
    assert again.state == "succeeded" and len(worker.jobs("extract")) == 1
    assert worker.add_dataset(archive("noise", 10)).state == "succeeded"
    assert worker.client.get("/datasets").json()["total"] == 1


def test_the_same_network_twice_is_one_model(worker: InProcess) -> None:
    worker.add_dataset(archive("noise", 10))
    worker.submit(submission(name="net"))
    second = worker.submit(submission(name="same-net"))
    assert second.state == "succeeded" and second.model == "net"
    assert worker.client.get("/models").json()["total"] == 1 and len(embeddings(worker)) == 1


# --- decoding once -----------------------------------------------------------------------------------------------


def test_pictures_are_decoded_once_for_all_models_that_wait(worker: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    worker.add_dataset(archive("noise", 10))
    decoded = 0
    original = pools.decode

    def counting(*arguments: Any) -> Image.Image:
        nonlocal decoded
        decoded += 1
        return original(*arguments)

    monkeypatch.setattr(pools, "decode", counting)
    # Three geometries: bicubic 0.95, bilinear 0.95, bicubic 1.0; the first pair shares one.
    for name in ("test_vit", "test_byobnet", "test_resnet", "test_mambaout"):
        assert worker.client.post("/jobs", json=submission(name)).status_code == 202
    worker.work_off()
    assert len(embeddings(worker)) == 4 and decoded == 10
    assert len(list(worker.settings.cache_folder.glob("*.npy"))) == 3
    worker.submit(submission("test_vit", seed=1))
    assert decoded == 10, "a later model finds them decoded"
    shutil.rmtree(worker.settings.cache_folder)
    worker.submit(submission("test_vit", seed=2))
    assert decoded == 20, "the cache may be deleted at any time"


# --- out of memory -----------------------------------------------------------------------------------------------


def out_of_memory_above(limit: int) -> Callable[[Encoder, torch.Tensor], torch.Tensor]:
    """An `embed` that has room for `limit` images, from the third batch on."""
    original, batches = Encoder.embed, 0

    def embed(self: Encoder, images: torch.Tensor) -> torch.Tensor:
        nonlocal batches
        batches += len(images) > 1
        if batches >= 3 and len(images) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory, says the test")
        return original(self, images)

    return embed


def test_out_of_memory_goes_down_the_ladder_for_the_whole_job(
    worker: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.add_dataset(archive("noise", 20))
    monkeypatch.setattr(Encoder, "embed", out_of_memory_above(2))
    worker.using(batch_size=8, chunk_size=8).submit(submission("test_vit", name="disturbed"))
    monkeypatch.undo()
    (row,) = worker.rows("SELECT batch_size, file_sha256 FROM embeddings e JOIN models m ON m.id = e.model_id "
                         "WHERE m.name = 'disturbed'")  # fmt: skip
    assert row.batch_size == 2
    assert worker.rows("SELECT * FROM embedding_chunks") == [], "those of the larger batches are forgotten"
    reference = undisturbed_bits(worker, "test_vit", batch_size=2)
    np.testing.assert_array_equal(load_array(worker.store, row.file_sha256), reference)


def undisturbed_bits(worker: InProcess, name: str, batch_size: int) -> np.ndarray:
    """The embedding of an untrained network on the dataset that is there, at one batch size, without the job system."""
    from workers.extraction.geometry import Geometry
    from workers.extraction.models import load_encoder
    from workers.runtime.arithmetic import prepare_device

    prepare_device(worker.settings)
    encoder = load_encoder({"source": "timm", "timm_name": name, "pretrained": False, "seed": 0}, worker.store, "cpu")
    (dataset,) = worker.rows("SELECT id, dataset_hash, archive_sha256 FROM datasets")
    pixels = pools.open_pool(
        cache=worker.settings.cache_folder, archive=worker.store.path(dataset.archive_sha256),
        dataset_hash=dataset.dataset_hash, stimuli=[], geometry=Geometry.of(encoder.preprocessing), also=[],
        max_pixels=10**6, progress=lambda *_: None,
    )  # fmt: skip
    return forward.embed_rows(
        encoder, pixels, first=0, last=len(pixels), batch_size=batch_size, device="cpu", progress=lambda _: None
    )


def test_not_even_one_image_fits(worker: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    worker.add_dataset(archive("noise", 10))

    def embed(self: Encoder, images: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("no room at all")

    monkeypatch.setattr(Encoder, "embedding_dim", 3)
    monkeypatch.setattr(Encoder, "embed", embed)
    worker.submit(submission(name="huge"))
    cause, step, message = error_of(only_extraction(worker))
    assert (cause, step) == ("ours", "embed") and "huge" in message and "one image" in message


# --- embeddings that mean nothing --------------------------------------------------------------------------------


@pytest.mark.parametrize(("spoil", "words"), [
    (lambda x, start: x.index_fill(0, torch.tensor([1]), float("nan")), "row 1 has values that are not finite"),
    (lambda x, start: torch.where(torch.arange(len(x))[:, None] == 3, float("inf"), x), "row 3 has values"),
    (lambda x, start: torch.ones_like(x), "same embedding for every stimulus (rows 0 to 9"),
    (lambda x, start: x.index_fill(0, torch.tensor([2]), 0.0), "row 2 is zero everywhere"),
], ids=["nan", "infinite", "constant", "zero row"])  # fmt: skip
def test_an_embedding_that_means_nothing_is_refused_by_row(
    worker: InProcess, monkeypatch: pytest.MonkeyPatch, spoil: Any, words: str
) -> None:
    worker.add_dataset(archive("noise", 10))
    original = Encoder.embed
    monkeypatch.setattr(Encoder, "embedding_dim", 3)
    monkeypatch.setattr(Encoder, "embed", lambda self, images: spoil(original(self, images), 0))
    worker.submit(submission())
    cause, step, message = error_of(only_extraction(worker))
    assert (cause, step) == ("user", "embed") and words in message
    assert embeddings(worker) == {}


def test_a_bad_row_of_a_later_batch_is_named_by_its_place_in_the_dataset(
    worker: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.add_dataset(archive("noise", 10))
    original, batches = Encoder.embed, [0]

    def embed(self: Encoder, images: torch.Tensor) -> torch.Tensor:
        embedded = original(self, images)
        batches[0] += 1
        return embedded.index_fill(0, torch.tensor([1]), float("nan")) if batches[0] == 3 else embedded

    monkeypatch.setattr(Encoder, "embedding_dim", 3)
    monkeypatch.setattr(Encoder, "embed", embed)
    worker.submit(submission())
    assert "row 9 has" in error_of(only_extraction(worker))[2]


# --- going on after a kill ---------------------------------------------------------------------------------------


class Killed(BaseException):
    """Passes through everything, as a kill does."""


def test_a_killed_extraction_goes_on_after_its_last_chunk(worker: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    worker.add_dataset(archive("noise", 22))  # batches of 4, chunks of 8: 0-7, 8-15, 16-21
    original, images_seen, alive = Encoder.embed, 0, True

    def embed(self: Encoder, images: torch.Tensor) -> torch.Tensor:
        nonlocal images_seen
        if len(images) > 1:
            images_seen += len(images)
            if alive and images_seen > 20:  # in the third chunk
                raise Killed
        return original(self, images)

    monkeypatch.setattr(Encoder, "embed", embed)
    with pytest.raises(Killed):
        worker.submit(submission())
    assert [row.first_row for row in worker.rows("SELECT first_row FROM embedding_chunks ORDER BY 1")] == [0, 8]
    worker.rows("UPDATE jobs SET lease_until = now() - interval '1 s' WHERE state = 'running'")
    from backend.db.engine import transaction
    from backend.db.repositories import jobs

    with transaction(worker.engine) as connection:
        assert len(jobs.reap(connection, 0.0).requeued) == 1
    alive, images_seen = False, 0
    worker.work_off()
    job = only_extraction(worker)
    assert (job.state, job.attempt) == ("succeeded", 2)
    assert images_seen == 8, "the last chunk alone: 6 rows in two batches of 4"
    assert worker.rows("SELECT * FROM embedding_chunks") == []
    monkeypatch.undo()
    np.testing.assert_array_equal(only_embedding(worker), undisturbed_bits(worker, "test_resnet", 4))


def test_a_job_that_is_cancelled_or_given_back_in_the_middle_writes_nothing_more(
    worker: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = worker.using(heartbeat_s=0.02)
    worker.add_dataset(archive("noise", 22))
    original = Encoder.embed
    ask = ["UPDATE workers SET draining = true"]

    def embed(self: Encoder, images: torch.Tensor) -> torch.Tensor:
        import time

        if len(images) > 1 and ask:
            worker.rows(ask.pop())
            time.sleep(0.3)
        return original(self, images)

    monkeypatch.setattr(Encoder, "embed", embed)
    assert worker.client.post("/jobs", json=submission()).status_code == 202
    from workers.runtime.runner import claim_next, run_job

    def run_one() -> str:
        from workers.pipelines import register

        job = claim_next(worker.engine, worker.settings, "test")
        assert job is not None
        pipeline = {"register": register.run, "extract": extract.run}[job.kind]
        return run_job(job, pipeline, settings=worker.settings, engine=worker.engine, store=worker.store, worker="test")

    assert run_one() == "succeeded"
    assert run_one() == "given back"
    job = only_extraction(worker)
    assert (job.state, job.attempt, job.max_attempts) == ("queued", 1, 5), "this attempt does not count"
    worker.rows("UPDATE workers SET draining = false")
    ask.append("UPDATE jobs SET cancel_requested = true WHERE kind = 'extract'")
    assert run_one() == "cancelled"
    assert only_extraction(worker).state == "cancelled" and embeddings(worker) == {}
