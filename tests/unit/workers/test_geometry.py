"""Decoding once and normalising later gives exactly the pixels of timm's own evaluation transform."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from workers.extraction.geometry import Geometry, normalise

from timm.data import create_transform, resolve_data_config  # isort: skip

# Models whose data configs differ in size, crop, interpolation, mean and deviation.
MODELS = (
    "resnet18.a1_in1k", "vit_base_patch16_clip_224.openai", "vit_small_patch14_dinov2.lvd142m",
    "mixer_b16_224.goog_in21k", "efficientnet_b0.ra_in1k", "inception_v3.tv_in1k", "vit_base_patch16_siglip_384.webli",
    "test_vit.r160_in1k",
)  # fmt: skip
MADE: tuple[dict[str, Any], ...] = (
    {"crop_mode": "squash", "crop_pct": 1.0}, {"crop_mode": "border", "crop_pct": 0.8},
    {"crop_mode": "center", "crop_pct": 0.5}, {"interpolation": "nearest"}, {"interpolation": "lanczos"},
    {"interpolation": "bilinear", "input_size": [3, 48, 80]}, {"mean": [0.0, 0.1, 0.2], "std": [1.0, 0.5, 0.25]},
)  # fmt: skip


def pictures() -> list[Image.Image]:
    """Wide, high, square, smaller than the input and thin."""
    rng = np.random.default_rng(0)
    sizes = ((300, 200), (111, 257), (64, 64), (20, 31), (200, 9))
    return [Image.fromarray(rng.integers(0, 256, (h, w, 3), dtype=np.uint8)) for w, h in sizes]


def same_pixels(config: dict[str, Any]) -> None:
    theirs = create_transform(**config, is_training=False)
    ours = Geometry.of(config).transform()
    for picture in pictures():
        pixels = ours(picture)
        assert pixels.dtype == np.uint8 and pixels.shape == (*config["input_size"][1:], 3)
        assert torch.equal(normalise(torch.from_numpy(np.array(pixels))[None], config, "cpu")[0], theirs(picture))


@pytest.mark.parametrize("name", MODELS)
def test_the_pixels_of_published_models(name: str) -> None:
    from timm.models import get_pretrained_cfg

    pretrained = get_pretrained_cfg(name)
    assert pretrained is not None
    same_pixels(resolve_data_config(pretrained_cfg=pretrained.to_dict()))


@pytest.mark.parametrize("changes", MADE, ids=str)
def test_the_pixels_of_every_way_to_crop_and_scale(changes: dict[str, Any]) -> None:
    config = {
        "input_size": [3, 64, 64], "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
        "interpolation": "bicubic", "crop_pct": 0.875, "crop_mode": "center",
    }  # fmt: skip
    same_pixels(config | changes)


def test_only_what_decides_the_pixels_is_part_of_the_key() -> None:
    config = {"input_size": [3, 64, 64], "interpolation": "bicubic", "crop_pct": 0.9, "crop_mode": "center"}
    key = Geometry.of(config).key
    assert Geometry.of(config | {"mean": [0, 0, 0], "std": [1, 1, 1]}).key == key
    assert Geometry.of(config | {"input_size": (3, 64, 64), "crop_pct": 0.90}).key == key
    others = ({"input_size": [3, 64, 32]}, {"interpolation": "nearest"}, {"crop_pct": 1}, {"crop_mode": "squash"})
    assert len({key, *(Geometry.of(config | other).key for other in others)}) == 5
