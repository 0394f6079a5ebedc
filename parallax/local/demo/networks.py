"""The networks of the demo: four small timm architectures, and the checkpoint files they are kept in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from workers.extraction import torchvision_ops  # noqa: F401  (must come before timm)

import timm  # isort: skip

DATA_CONFIG = {
    "input_size": [3, 64, 64], "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "interpolation": "bicubic",
    "crop_pct": 1.0, "crop_mode": "center",
}
OBJECTIVES = {"sup": "supervised", "ssl": "self-supervised", "imgtxt": "image-text", "untrained": "untrained"}
WORDS = {
    "sup": "trained to name the class of a picture (54 classes)",
    "ssl": "trained without labels, to recognise two distorted views of one picture (contrastive)",
    "imgtxt": "trained to match pictures with their captions (contrastive, with a small text encoder)",
    "untrained": "with random weights, as a control",
}


@dataclass(frozen=True)
class Architecture:
    """A timm architecture with the arguments that make it small, and the published word for its kind."""

    timm_name: str
    arguments: dict[str, Any]
    kind: str


ARCHITECTURES = {
    "vit": Architecture(
        "vit_tiny_patch16_224", {"img_size": 64, "patch_size": 8, "embed_dim": 80, "depth": 4, "num_heads": 2},
        "transformer",
    ),
    "resnet": Architecture(
        "resnet18",
        {"channels": [16, 32, 48, 96], "layers": [1, 1, 2, 2], "stem_width": 16, "stem_type": "deep"}, "convolutional",
    ),
    "convnext": Architecture("convnext_atto", {"dims": [24, 48, 96, 128], "depths": [1, 1, 2, 1]}, "convolutional"),
    "swin": Architecture(
        "swin_tiny_patch4_window7_224",
        {
            "img_size": 64, "patch_size": 4, "window_size": 4, "embed_dim": 24, "depths": [1, 1, 2],
            "num_heads": [2, 2, 4],
        },
        "transformer",
    ),
}


@dataclass(frozen=True)
class Recipe:
    """One network of the zoo."""

    architecture: str
    objective: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.architecture}-{self.objective}-s{self.seed}"


def recipes() -> list[Recipe]:
    """Every architecture with every objective and two seeds, and three untrained networks."""
    trained = [Recipe(a, o, s) for s in (0, 1) for o in ("sup", "ssl", "imgtxt") for a in ARCHITECTURES]
    # A fourth would take the checkpoints over the 20 MB that the repository gives them.
    return [*trained, *(Recipe(a, "untrained", 0) for a in ("vit", "resnet", "swin"))]


def build(recipe: Recipe) -> nn.Module:
    """A network with fresh weights from the recipe's seed."""
    architecture = ARCHITECTURES[recipe.architecture]
    torch.manual_seed(1_000 * recipe.seed + sorted(ARCHITECTURES).index(recipe.architecture))
    network: nn.Module = timm.create_model(
        architecture.timm_name, pretrained=False, num_classes=0, **architecture.arguments
    )
    return network


def embed(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Embeddings at the node that Parallax reads: before the classifier."""
    embedded: torch.Tensor = network.forward_head(network.forward_features(images), pre_logits=True)  # type: ignore[operator]
    return embedded


def normalised(images: torch.Tensor) -> torch.Tensor:
    """Pixels uint8 (b, 64, 64, 3) or float in [0, 1] (b, 3, 64, 64) -> network input."""
    if images.dtype == torch.uint8:
        images = images.permute(0, 3, 1, 2).float() / 255
    return (images - 0.5) / 0.25


def save_checkpoint(recipe: Recipe, network: nn.Module, path: Path) -> None:
    """Writes the network as a checkpoint file that Parallax accepts: float16, with all that rebuilding it needs."""
    architecture = ARCHITECTURES[recipe.architecture]
    metadata = {
        "format": "parallax-checkpoint", "format_version": "1", "name": recipe.name,
        "timm_architecture": architecture.timm_name, "timm_kwargs": json.dumps(architecture.arguments),
        "data_config": json.dumps(DATA_CONFIG), "objective": OBJECTIVES[recipe.objective],
        "architecture": architecture.kind, "training_data": "other", "seed": str(recipe.seed),
        "description": f"A small {architecture.timm_name} {WORDS[recipe.objective]}; seed {recipe.seed}.",
        "tags": json.dumps(["demo", recipe.architecture]),
    }
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in network.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    save_file(tensors, temporary, metadata=metadata)
    temporary.chmod(0o644)  # save_file makes it private
    temporary.replace(path)
