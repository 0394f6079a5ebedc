"""The three objectives that the demo's networks were trained with, and the distortions they see."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from parallax.local.demo.networks import embed, normalised
from parallax.local.demo.training_images import TrainingSet

Loss = Callable[[nn.Module, Tensor], Tensor]
TEMPERATURE = 0.2


def distorted(images: Tensor, *, strong: bool) -> Tensor:
    """Randomly cropped, mirrored and recoloured images: uint8 (b, 64, 64, 3) -> float (b, 3, 64, 64) in [0, 1].

    `strong` is for self-supervision: crops down to a fifth of the area, colours shifted and sometimes removed.
    """
    pixels = images.permute(0, 3, 1, 2).float() / 255
    count = len(pixels)
    smallest = 0.45 if strong else 0.8
    scale = torch.empty(count, 1).uniform_(smallest, 1.0)
    shift = (torch.rand(count, 2) * 2 - 1) * (1 - scale)
    mirror = torch.where(torch.rand(count, 1) < 0.5, -1.0, 1.0) if strong else torch.ones(count, 1)
    matrix = torch.zeros(count, 2, 3)
    matrix[:, 0, 0], matrix[:, 1, 1], matrix[:, :, 2] = (scale * mirror)[:, 0], scale[:, 0], shift
    pixels = F.grid_sample(
        pixels, F.affine_grid(matrix, [count, 3, 64, 64], align_corners=False), padding_mode="reflection",
        align_corners=False,
    )
    strength = 0.4 if strong else 0.15
    gain = 1 + (torch.rand(count, 3, 1, 1) * 2 - 1) * strength
    offset = (torch.rand(count, 1, 1, 1) * 2 - 1) * strength / 2
    pixels = (pixels * gain + offset).clamp(0, 1)
    if strong:
        grey = torch.rand(count, 1, 1, 1) < 0.2
        pixels = torch.where(grey, pixels.mean(dim=1, keepdim=True).expand_as(pixels), pixels)
    return pixels


def supervised(data: TrainingSet, width: int) -> tuple[Loss, nn.Module]:
    """Cross-entropy over the classes of the training set."""
    classes = torch.from_numpy(data.classes)
    images = torch.from_numpy(data.images)
    head = nn.Linear(width, len(data.class_names))

    def loss(network: nn.Module, rows: Tensor) -> Tensor:
        embedded = embed(network, normalised(distorted(images[rows], strong=False)))
        return F.cross_entropy(head(embedded), classes[rows], label_smoothing=0.1)

    return loss, head


def self_supervised(data: TrainingSet, width: int) -> tuple[Loss, nn.Module]:
    """SimCLR: two distorted views of a picture must find each other among all others of the batch."""
    images = torch.from_numpy(data.images)
    head = nn.Sequential(nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, 64))

    def loss(network: nn.Module, rows: Tensor) -> Tensor:
        views = torch.cat([distorted(images[rows], strong=True) for _ in range(2)])
        projected = F.normalize(head(embed(network, normalised(views))), dim=1)
        scores = projected @ projected.T / TEMPERATURE
        scores.fill_diagonal_(float("-inf"))
        half = len(rows)
        return F.cross_entropy(scores, torch.cat([torch.arange(half) + half, torch.arange(half)]))

    return loss, head


class CaptionEncoder(nn.Module):
    """A text encoder for short captions: the mean of learned word vectors, through a small network."""

    def __init__(self, captions: list[str], width: int) -> None:
        super().__init__()
        words = sorted({word for caption in captions for word in self.split(caption)})
        index = {word: i + 1 for i, word in enumerate(words)}
        longest = max(len(self.split(caption)) for caption in captions)
        tokens = torch.zeros(len(captions), longest, dtype=torch.long)
        for row, caption in enumerate(captions):
            found = [index[word] for word in self.split(caption)]
            tokens[row, : len(found)] = torch.tensor(found)
        self.register_buffer("tokens", tokens)
        self.words = nn.EmbeddingBag(len(words) + 1, 64, mode="mean", padding_idx=0)
        self.network = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, width))

    @staticmethod
    def split(caption: str) -> list[str]:
        return re.findall(r"[a-z]+", caption.lower())

    def forward(self, rows: Tensor) -> Tensor:
        encoded: Tensor = self.network(self.words(self.tokens[rows]))  # type: ignore[index]
        return encoded


def image_text(data: TrainingSet, width: int) -> tuple[Loss, nn.Module]:
    """CLIP: a picture and its caption must find each other among all others of the batch.

    Equal captions within a batch share the credit, as they are equally right.
    """
    images = torch.from_numpy(data.images)
    captions = CaptionEncoder(data.captions, 64)
    project = nn.Linear(width, 64)
    _, same = torch.unique(captions.tokens, dim=0, return_inverse=True)  # type: ignore[arg-type]

    def loss(network: nn.Module, rows: Tensor) -> Tensor:
        seen = F.normalize(project(embed(network, normalised(distorted(images[rows], strong=False)))), dim=1)
        read = F.normalize(captions(rows), dim=1)
        scores = seen @ read.T / 0.1
        right = (same[rows][:, None] == same[rows][None, :]).float()
        right = right / right.sum(dim=1, keepdim=True)
        return (F.cross_entropy(scores, right) + F.cross_entropy(scores.T, right)) / 2

    return loss, nn.ModuleList([captions, project])


OBJECTIVE_LOSSES = {"sup": supervised, "ssl": self_supervised, "imgtxt": image_text}
