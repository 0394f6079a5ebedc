"""Loading models: timm networks by name (weights from a hub, safetensors only) and checkpoint files of one's own.

A loaded model is an `Encoder`: images in, float32 embeddings out, read at a recorded node.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from backend.contracts.archives import read_checkpoint_header
from backend.domain.attributes import size_of
from backend.domain.errors import JobFailed, nearest_hint
from backend.domain.identity import canonical_json
from backend.storage import ArrayStore
from workers.extraction import torchvision_ops  # noqa: F401  (must come before timm)
from workers.runtime.context import JobRetry

import timm  # isort: skip
from timm.data import resolve_model_data_config  # isort: skip

WEIGHTS_FILE = "model.safetensors"
CONFIG_KEYS = ("input_size", "mean", "std", "interpolation", "crop_pct", "crop_mode")


@dataclass(frozen=True)
class Encoder:
    """A network ready to embed. `preprocessing` is its data config; `revision` pins its weights."""

    network: nn.Module
    node: str
    pooling: str
    preprocessing: dict[str, Any]
    revision: str
    weights_sha256: str
    n_parameters: int

    def embed(self, images: Tensor) -> Tensor:
        """Embeddings of normalised images (b, 3, h, w): float32 (b, d)."""
        if self.node == "pre_logits":
            embedded = self.network.forward_head(self.network.forward_features(images), pre_logits=True)
        else:
            embedded = self.network.forward_features(images).mean(dim=(-2, -1))
        return embedded.flatten(1).float()

    @property
    def embedding_dim(self) -> int:
        """Width of the embedding, by a forward pass over one empty image."""
        parameter = next(self.network.parameters())
        empty = torch.zeros(1, *self.preprocessing["input_size"], device=parameter.device)
        return int(self.embed(empty).shape[1])

    @property
    def size(self) -> str:
        return size_of(self.n_parameters)


def load_encoder(config: Mapping[str, Any], store: ArrayStore, device: str) -> Encoder:
    """The encoder that a model's `config` describes, in evaluation mode on a device. The last two are kept in memory.

    `config` has `source` and, for `timm`: `timm_name`, `pretrained`, `seed`, optionally `revision`; for `checkpoint`:
    `checkpoint_sha256`. Raises JobFailed (unknown name, damaged file) or JobRetry (the hub does not answer).
    """
    return _cached_encoder(canonical_json(dict(config)), device, _Unhashed(config, store))


class _Unhashed:
    """Carries values through a cache without being part of its key."""

    def __init__(self, config: Mapping[str, Any], store: ArrayStore) -> None:
        self.config = config
        self.store = store

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Unhashed)


@lru_cache(maxsize=2)
def _cached_encoder(key: bytes, device: str, source: _Unhashed) -> Encoder:
    if source.config["source"] == "checkpoint":
        return _from_checkpoint(source.config, source.store, device)
    return _from_timm(source.config, device)


def _from_timm(config: Mapping[str, Any], device: str) -> Encoder:
    name = config["timm_name"]
    architecture = name.partition(".")[0]
    if not timm.is_model(architecture):
        raise JobFailed("load", f"timm has no model named {name!r}.", nearest_hint(name, timm.list_models(), "models"))
    try:
        if config["pretrained"]:
            file, revision = _download(name, config.get("revision"))
            network = timm.create_model(name, pretrained=True, pretrained_cfg_overlay={"file": str(file)})
        else:
            # The untrained control: weights are a function of the seed and of timm's initialisation.
            with torch.random.fork_rng():
                torch.manual_seed(config["seed"])
                network = timm.create_model(name, pretrained=False)
            revision = f"untrained-seed-{config['seed']}-timm-{timm.__version__}"
    except (RuntimeError, SafetensorError) as error:
        raise JobFailed(
            "load", f"timm could not build {name!r}: {str(error)[:300]}",
            "Its weights may be damaged or belong to another network; choose another tag of this architecture.",
        ) from error
    return _encoder(network, resolve_model_data_config(network), revision, device)


def _download(name: str, revision: str | None) -> tuple[Path, str]:
    """The safetensors file of a pretrained model and the commit it is from. Only safetensors is ever opened."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    pretrained = timm.models.get_pretrained_cfg(name)
    if pretrained is None or not pretrained.hf_hub_id:
        raise JobFailed(
            "download", f"timm knows {name!r}, but no weights on a hub for it.",
            "Choose a name with a pretrained tag, such as resnet18.a1_in1k, or submit it untrained.",
        )
    repository = pretrained.hf_hub_id.partition("@")[0]
    try:
        path = Path(hf_hub_download(repository, WEIGHTS_FILE, revision=revision))
    except GatedRepoError as error:
        raise JobFailed(
            "download", f"The weights of {name!r} need an agreement with their owner ({repository}).",
            "Accept the terms on the hub and give the worker its token as HF_TOKEN.",
        ) from error
    except RevisionNotFoundError as error:
        raise JobFailed(
            "download", f"The hub has the revision {revision} of {repository} no more, to which {name!r} is pinned.",
            "Its embeddings stay valid; submit the model under another name to use the present weights.",
        ) from error
    except LocalEntryNotFoundError as error:
        # The library's word for "no answer, and nothing in the cache", although it is a kind of EntryNotFoundError.
        raise _hub_away(name, error) from error
    except (EntryNotFoundError, RepositoryNotFoundError) as error:
        raise JobFailed(
            "download", f"The hub has no {WEIGHTS_FILE} in {repository} for {name!r}.",
            "Only safetensors weights are loaded; choose another tag of this architecture.",
        ) from error
    except Exception as error:
        raise _hub_away(name, error) from error
    # The hub's cache keeps each file under its commit: .../snapshots/<commit>/model.safetensors
    return path, path.parent.name


def _hub_away(name: str, error: Exception) -> JobRetry:
    return JobRetry(
        "download", f"The weights of {name!r} could not be downloaded: {type(error).__name__}: {str(error)[:200]}",
        "The hub may be down or unreachable from the worker. Submit again later.",
    )


def _from_checkpoint(config: Mapping[str, Any], store: ArrayStore, device: str) -> Encoder:
    sha256 = config["checkpoint_sha256"]
    path = store.path(sha256)
    with path.open("rb") as file:
        header = read_checkpoint_header(file, path.stat().st_size)
    if not timm.is_model(header.timm_architecture):
        raise JobFailed(
            "load", f"The checkpoint names the architecture {header.timm_architecture!r}, which timm does not have.",
            nearest_hint(header.timm_architecture, timm.list_models(), "models"),
        )
    try:
        network = timm.create_model(header.timm_architecture, pretrained=False, num_classes=0, **header.timm_kwargs)
        tensors = {name: tensor.float() for name, tensor in load_file(path).items()}
        network.load_state_dict(tensors, strict=True)
    except Exception as error:
        raise JobFailed(
            "load", f"The checkpoint does not fit {header.timm_architecture}: {str(error)[:400]}",
            "Save the state of the network that timm builds from these arguments with num_classes=0.",
        ) from error
    return _encoder(network, header.data_config.model_dump(mode="json"), sha256, device)


def _encoder(network: nn.Module, data_config: Mapping[str, Any], revision: str, device: str) -> Encoder:
    network = network.eval().to(device)
    has_head = callable(getattr(network, "forward_head", None))
    if not callable(getattr(network, "forward_features", None)):
        raise JobFailed("load", f"{type(network).__name__} has no features to read (no forward_features).",
                        "Choose a classifier or feature model of timm.")
    preprocessing = {
        key: list(value) if isinstance(value := data_config[key], tuple) else value for key in CONFIG_KEYS
    }
    return Encoder(
        network=network,
        node="pre_logits" if has_head else "features_mean",
        pooling=str(getattr(network, "global_pool", None) or "mean") if has_head else "mean",
        preprocessing=preprocessing,
        revision=revision,
        weights_sha256=_hash_state(network),
        n_parameters=sum(parameter.numel() for parameter in network.parameters()),
    )


def _hash_state(network: nn.Module) -> str:
    """SHA-256 over names, shapes and values of all parameters and buffers: the network's identity as loaded."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(canonical_json([name, str(tensor.dtype), list(tensor.shape)]))
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
