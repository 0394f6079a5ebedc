"""Loading networks: what a name or a file becomes, and every file that is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import torch
from safetensors.torch import save

from backend.domain.errors import JobFailed
from backend.storage import LocalStore
from tests.support.stack import REPOSITORY
from tests.support.tiny import CHECKPOINT_METADATA
from workers.extraction.models import Encoder, _cached_encoder, load_encoder

import timm  # isort: skip


@pytest.fixture
def store(tmp_path: Any) -> LocalStore:
    _cached_encoder.cache_clear()
    return LocalStore(tmp_path)


def untrained(store: LocalStore, name: str, seed: int = 0) -> Encoder:
    return load_encoder({"source": "timm", "timm_name": name, "pretrained": False, "seed": seed}, store, "cpu")


def state(architecture: str = "test_resnet", seed: int = 3, **arguments: Any) -> dict[str, torch.Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return dict(timm.create_model(architecture, pretrained=False, num_classes=0, **arguments).state_dict())


def checkpoint(store: LocalStore, tensors: dict[str, torch.Tensor], **metadata: str) -> Encoder:
    data = save({name: t.half() if t.is_floating_point() else t for name, t in tensors.items()},
                CHECKPOINT_METADATA | metadata)  # fmt: skip
    sha256, _ = store.put([data])
    return load_encoder({"source": "checkpoint", "checkpoint_sha256": sha256}, store, "cpu")


def test_random_weights_follow_from_the_seed_and_disturb_no_other_random_numbers(store: LocalStore) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = untrained(store, "test_vit", 5)
    assert torch.equal(torch.get_rng_state(), before)
    _cached_encoder.cache_clear()
    assert untrained(store, "test_vit", 5).weights_sha256 == first.weights_sha256
    assert untrained(store, "test_vit", 6).weights_sha256 != first.weights_sha256
    assert first.revision.startswith("untrained-seed-5-timm-") and not first.network.training


@pytest.mark.parametrize(("name", "pooling"), [
    ("test_vit", "map"), ("test_vit2", "avg"), ("test_resnet", "avg"), ("test_convnext", "avg"), ("test_nfnet", "avg"),
    ("test_efficientnet", "avg"), ("test_mambaout", None), ("test_byobnet", "avg"), ("vit_tiny_patch16_224", "token"),
])  # fmt: skip
def test_every_family_is_read_before_its_classifier(store: LocalStore, name: str, pooling: str | None) -> None:
    encoder = untrained(store, name)
    assert encoder.node == "pre_logits"
    assert pooling is None or encoder.pooling == pooling or encoder.pooling
    images = torch.rand(2, *encoder.preprocessing["input_size"])
    with torch.no_grad():
        embedded = encoder.embed(images)
        features = encoder.network.forward_features(images)
        expected = encoder.network.forward_head(features, pre_logits=True).flatten(1)
        assert embedded.shape == (2, encoder.embedding_dim) and embedded.dtype == torch.float32
        assert torch.equal(embedded, expected.float())
        # What the classifier's last layer gets: applying it to the embedding gives the logits.
        classifier = encoder.network.get_classifier()
        assert torch.allclose(classifier(embedded), encoder.network(images), atol=1e-5)
    json.dumps(encoder.preprocessing)


def test_a_checkpoint_is_the_network_that_was_saved(store: LocalStore) -> None:
    tensors = state()
    encoder = checkpoint(store, tensors)
    assert encoder.preprocessing["input_size"] == [3, 32, 32] and encoder.preprocessing["crop_pct"] == 1.0
    for name, tensor in encoder.network.state_dict().items():
        assert tensor.dtype in (torch.float32, torch.int64)
        assert torch.equal(
            tensor.float(), tensors[name].half().float() if tensor.is_floating_point() else tensors[name]
        )


def test_arguments_of_a_checkpoint_reach_the_network(store: LocalStore) -> None:
    arguments = {"patch_size": 8, "img_size": 32, "embed_dim": 48, "num_heads": 3}
    tensors = state("vit_tiny_patch16_224", **arguments)
    encoder = checkpoint(store, tensors, timm_architecture="vit_tiny_patch16_224", timm_kwargs=json.dumps(arguments))
    assert encoder.embedding_dim == 48


def _without(name: str) -> dict[str, torch.Tensor]:
    return {key: value for key, value in state().items() if key != name}


@pytest.mark.parametrize(("tensors", "metadata", "words"), [
    (state(), {"timm_architecture": "test_vit"}, "does not fit test_vit"),
    (_without("conv1.0.weight"), {}, "conv1.0.weight"),
    (state() | {"extra": torch.zeros(2)}, {}, "extra"),
    (state(), {"timm_kwargs": '{"no_such_argument": 1}'}, "no_such_argument"),
    (state(), {"timm_architecture": "resnet_1000"}, "timm does not have"),
])  # fmt: skip
def test_a_checkpoint_that_does_not_fit_is_refused(
    store: LocalStore, tensors: dict[str, torch.Tensor], metadata: dict[str, str], words: str
) -> None:
    with pytest.raises(JobFailed, match=words) as failed:
        checkpoint(store, tensors, **metadata)
    assert failed.value.cause == "user" and failed.value.step == "load" and failed.value.hint


def test_a_checkpoint_whose_tensors_are_cut_off_is_refused(store: LocalStore) -> None:
    data = save(state(), CHECKPOINT_METADATA)
    sha256, _ = store.put([data[:-100]])
    with pytest.raises(JobFailed, match="does not fit"):
        load_encoder({"source": "checkpoint", "checkpoint_sha256": sha256}, store, "cpu")


@pytest.mark.parametrize("name", ["resnet_18", "local-dir:/tmp/x", "hf-hub:timm/resnet18.a1_in1k", "https://x.y/z"])
def test_names_that_timm_does_not_have_are_refused(store: LocalStore, name: str) -> None:
    with pytest.raises(JobFailed, match="timm has no model"):
        untrained(store, name)


def test_the_parent_of_the_workers_never_imports_torch() -> None:
    code = (
        "import sys, workers.celery_app, workers.tasks.work, workers.tasks.lifecycle, backend.dispatch.loop; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'torch', 'timm', 'torchvision', 'fastapi'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
