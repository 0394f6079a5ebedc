"""Decode once for all models against decoding for each model.

    python -m benchmarks.bench_decode [--quick]

Both sides bring the same JPEG pictures (500 x 375, made here) to the network inputs of K models in G resize groups, on
one thread, in CPU seconds, in one run. The per-model side applies timm's own evaluation transform to every picture for
every model; the pooled side is the product's code: one decode, one resize per group, then normalisation per model and
batch. The inputs of both sides are compared and must agree to 1e-6.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from workers.extraction.geometry import Geometry, normalise
from workers.extraction.pools import open_pool

from timm.data import create_transform  # isort: skip

BATCH = 64


def preprocessing_of(group: int, model: int) -> dict[str, object]:
    """Data configs as the published timm models have them: four crops, two means."""
    mean = [0.485, 0.456, 0.406] if model % 2 else [0.5, 0.5, 0.5]
    return {
        "input_size": [3, 224, 224], "mean": mean, "std": [0.229, 0.224, 0.225], "interpolation": "bicubic",
        "crop_pct": (0.875, 0.9, 0.95, 1.0)[group], "crop_mode": "center",
    }


def make_archive(path: Path, count: int) -> list[dict[str, str]]:
    """An archive of JPEG pictures with structure at all scales, and its stimuli."""
    rng = np.random.default_rng(0)
    stimuli = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for i in range(count):
            coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).resize((500, 375), 3)
            noisy = np.asarray(coarse, dtype=np.int16) + rng.integers(-20, 20, (375, 500, 3))
            buffer = io.BytesIO()
            Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=92)
            archive.writestr(f"{i}.jpg", buffer.getvalue())
            stimuli.append({
                "stimulus_id": str(i), "file": f"{i}.jpg", "sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
            })
    return stimuli


def per_model(
    path: Path, stimuli: list[dict[str, str]], configs: list[dict[str, object]]
) -> tuple[float, torch.Tensor]:
    """CPU seconds of decoding for each model, and the last model's last batch."""
    started = time.process_time()
    batch = torch.empty(0)
    with zipfile.ZipFile(path) as archive:
        for config in configs:
            transform = create_transform(
                tuple(config["input_size"]), is_training=False, interpolation=config["interpolation"],
                crop_pct=config["crop_pct"], crop_mode=config["crop_mode"], mean=config["mean"], std=config["std"],
            )
            for first in range(0, len(stimuli), BATCH):
                batch = torch.stack([
                    transform(Image.open(io.BytesIO(archive.read(s["file"]))).convert("RGB"))
                    for s in stimuli[first : first + BATCH]
                ])
    return time.process_time() - started, batch


def pooled(
    folder: Path, path: Path, stimuli: list[dict[str, str]], configs: list[dict[str, object]]
) -> tuple[float, torch.Tensor]:
    """CPU seconds of decoding once for all models, and the last model's last batch."""
    started = time.process_time()
    geometries = [Geometry.of(config) for config in configs]
    batch = torch.empty(0)
    for config, geometry in zip(configs, geometries, strict=True):
        pixels = open_pool(
            cache=folder, archive=path, dataset_hash="0" * 64, stimuli=stimuli, geometry=geometry, also=geometries,
            max_pixels=10**8, progress=lambda step, done, total: None,
        )
        for first in range(0, len(stimuli), BATCH):
            batch = normalise(torch.from_numpy(np.array(pixels[first : first + BATCH])), config, "cpu")
    return time.process_time() - started, batch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer pictures and models: does it run?")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    count = 32 if quick else 192
    print(f"{count} JPEG pictures of 500 x 375; 1 thread; CPU seconds\n")
    print("| models | resize groups | per model | decode once | ratio | max difference |")
    print("|---|---|---|---|---|---|")
    for models, groups in ((2, 1),) if quick else ((4, 1), (16, 1), (16, 4)):
        configs = [preprocessing_of(model % groups, model) for model in range(models)]
        with tempfile.TemporaryDirectory() as name:
            folder, path = Path(name), Path(name) / "pictures.zip"
            stimuli = make_archive(path, count)
            slow, expected = per_model(path, stimuli, configs)
            fast, found = pooled(folder, path, stimuli, configs)
        difference = float((expected - found).abs().max())
        assert difference <= 1e-6, f"the two sides prepared different inputs: {difference}"
        ratio = f"{slow / fast:.1f}x"
        print(f"| {models} | {groups} | {slow:.2f} s | {fast:.2f} s | {ratio} | {difference:.0e} |", flush=True)


if __name__ == "__main__":
    main()
