"""Tiny made inputs: dataset archives of a few noisy pictures, and checkpoint files of small networks."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

TIMM_TEST_MODELS = ("test_vit", "test_resnet", "test_efficientnet", "test_convnext", "test_byobnet", "test_mambaout")


def picture(rng: np.random.Generator, side: int = 24, kind: str = "PNG") -> bytes:
    """One picture of smooth coloured noise, side x side."""
    coarse = (rng.random((6, 6, 3)) * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(buffer, kind)
    return buffer.getvalue()


def manifest(name: str, n: int, **changes: Any) -> dict[str, Any]:
    """The manifest of an archive of n pictures; `changes` replace or add keys."""
    return {
        "format": "parallax-dataset",
        "format_version": 1,
        "name": name,
        "version": 1,
        "title": name.title(),
        "domain": "structured",
        "licence": "CC0",
        "description": "made by a test",
        "source": "made",
        "stimuli": [
            {"id": f"s{i}", "file": f"stimuli/{i:04}.png", "label": str(i % 3), "group": None} for i in range(n)
        ],
    } | changes


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A stored zip of these files, the same bytes every time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return buffer.getvalue()


def archive(name: str, n: int = 12, seed: int = 0, side: int = 24, **changes: Any) -> bytes:
    """A dataset archive of n tiny pictures."""
    rng = np.random.default_rng(seed)
    described = manifest(name, n, **changes)
    pictures = {f"stimuli/{i:04}.png": picture(rng, side) for i in range(n)}
    return zipped({"manifest.json": json.dumps(described).encode()} | pictures)


def timm_submission(
    timm_name: str, seed: int, datasets: Sequence[str], metrics: Sequence[str] = (), **changes: Any
) -> dict[str, Any]:
    """The body of POST /jobs for an untrained network of timm."""
    model = {
        "source": "timm",
        "timm_name": timm_name,
        "pretrained": False,
        "seed": seed,
        "objective": "untrained",
        "architecture": "other",
        "training_data": "other",
    }
    return {"model": model | changes, "datasets": list(datasets), "metrics": list(metrics)}


CHECKPOINT_METADATA = {
    "format": "parallax-checkpoint",
    "format_version": "1",
    "name": "tiny",
    "timm_architecture": "test_resnet",
    "timm_kwargs": "{}",
    "objective": "supervised",
    "architecture": "convolutional",
    "training_data": "other",
    "description": "A tiny network of a test.",
    "seed": "0",
    "tags": '["tiny"]',
    "data_config": json.dumps(
        {
            "input_size": [3, 32, 32],
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "interpolation": "bicubic",
            "crop_pct": 1.0,
            "crop_mode": "center",
        }
    ),
}


def safetensors(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None) -> bytes:
    """A safetensors file of these arrays, without the library, so that its header can say anything."""
    kinds = {"float32": "F32", "float16": "F16", "int64": "I64"}
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": dict(metadata)}
    body = b""
    for name, array in tensors.items():
        data = np.ascontiguousarray(array).tobytes()
        header[name] = {
            "dtype": kinds[str(array.dtype)],
            "shape": list(array.shape),
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    encoded = json.dumps(header).encode()
    return len(encoded).to_bytes(8, "little") + encoded + body


def empty_checkpoint(**metadata: str) -> bytes:
    """A checkpoint file that is whole by its header and holds one small tensor."""
    return safetensors({"weight": np.zeros(4, np.float32)}, CHECKPOINT_METADATA | metadata)
