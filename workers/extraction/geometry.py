"""The geometric part of a model's preprocessing: what decides which pixels a network sees.

Models that share it share their decoded images; mean and deviation are applied per batch. Both parts together are
exactly timm's own evaluation transform (a test compares them pixel by pixel).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from backend.domain.identity import key_of
from workers.extraction import torchvision_ops  # noqa: F401  (must come before timm)

from timm.data import create_transform  # isort: skip

GEOMETRY_VERSION = 1  # raised whenever the pixels of the same geometry change


@dataclass(frozen=True)
class Geometry:
    """Size, crop and interpolation: the key of a pool of decoded images."""

    height: int
    width: int
    interpolation: str
    crop_pct: float
    crop_mode: str

    @classmethod
    def of(cls, preprocessing: Mapping[str, Any]) -> Geometry:
        _, height, width = preprocessing["input_size"]
        return cls(
            int(height), int(width), str(preprocessing["interpolation"]), float(preprocessing["crop_pct"]),
            str(preprocessing["crop_mode"]),
        )

    @property
    def key(self) -> str:
        return key_of({"geometry": vars(self), "version": GEOMETRY_VERSION})

    def transform(self) -> Callable[[Image.Image], NDArray[np.uint8]]:
        """A function from an RGB picture to its pixels, uint8 (height, width, 3)."""
        steps = create_transform(
            (3, self.height, self.width), is_training=False, interpolation=self.interpolation, crop_pct=self.crop_pct,
            crop_mode=self.crop_mode, use_prefetcher=True,
        ).transforms
        # The last step turns the picture into an array for timm's prefetcher, which normalises later, as we do.
        geometric = steps[:-1]

        def apply(picture: Image.Image) -> NDArray[np.uint8]:
            for step in geometric:
                picture = step(picture)
            return np.asarray(picture, dtype=np.uint8)

        return apply


def normalise(pixels: Tensor, preprocessing: Mapping[str, Any], device: str) -> Tensor:
    """Pixels uint8 (b, h, w, 3) -> network input float32 (b, 3, h, w): divided by 255, minus mean, over deviation."""
    images = pixels.to(device).permute(0, 3, 1, 2).contiguous().to(torch.float32).div_(255)
    mean = torch.tensor(preprocessing["mean"], device=device).view(1, 3, 1, 1)
    deviation = torch.tensor(preprocessing["std"], device=device).view(1, 3, 1, 1)
    return images.sub_(mean).div_(deviation)
