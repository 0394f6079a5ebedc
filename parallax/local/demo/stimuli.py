"""The demo's datasets: what models are compared on. Training uses other stimuli (`training_images`)."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.contracts.archives import MANIFEST_FILE
from parallax.local.demo.pictures import SIDE, patches, picture
from parallax.local.demo.rendered import SHAPES, letter, shape

Pixels = NDArray[np.uint8]
SEED = 20261122
SKIMAGE = "scikit-image's data folder"
DESCRIBED = ("name", "title", "domain", "licence", "shows_stimuli", "description", "source")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class DemoStimulus:
    """One picture, uint8 (64, 64, 3). Stimuli of one group (patches of one picture) are resampled together."""

    id: str
    pixels: Pixels
    label: str
    group: str | None = None


@dataclass(frozen=True)
class DemoDataset:
    """A dataset of the demo, as its archive's manifest describes it."""

    name: str
    title: str
    domain: str
    licence: str
    description: str
    source: str
    stimuli: list[DemoStimulus]
    shows_stimuli: bool = True  # every licence here allows it


def demo_datasets() -> list[DemoDataset]:
    """All datasets, by name; the same stimuli every time. Takes a few seconds."""
    return sorted(
        (_photographs(), _coins(), _digits(), _scientific(), _textures(), _shapes(), _letters()),
        key=lambda dataset: dataset.name,
    )


def write_archive(dataset: DemoDataset, path: Path) -> None:
    """Writes a dataset as an archive that Parallax ingests; equal datasets give equal bytes."""
    manifest = {
        "format": "parallax-dataset", "format_version": 1, "version": 1,
        **{name: getattr(dataset, name) for name in DESCRIBED},
        "stimuli": [
            {"id": stimulus.id, "file": f"stimuli/{i:05d}.png", "label": stimulus.label, "group": stimulus.group}
            for i, stimulus in enumerate(dataset.stimuli)
        ],
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, MANIFEST_FILE, json.dumps(manifest, indent=1).encode())
        for i, stimulus in enumerate(dataset.stimuli):
            buffer = io.BytesIO()
            Image.fromarray(stimulus.pixels).save(buffer, "PNG", compress_level=6)
            _add(archive, f"stimuli/{i:05d}.png", buffer.getvalue())


def digit_rows(part: str) -> list[tuple[int, Pixels, int]]:
    """Handwritten digits of scikit-learn as (row, pixels, digit): `compared` has the even rows, `training` the odd."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    start = {"compared": 0, "training": 1}[part]
    rows = range(start, len(digits.target), 2)
    return [(row, _enlarged(digits.images[row]), int(digits.target[row])) for row in rows]


def _enlarged(grey: NDArray[np.float64]) -> Pixels:
    """An 8 x 8 digit (0..16) as RGB of 64 x 64."""
    small = Image.fromarray((grey * (255 / 16)).astype(np.uint8))
    return np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC).convert("RGB"), dtype=np.uint8)


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    # A fixed date, so that the same dataset gives the same bytes on every day.
    archive.writestr(zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0)), data)


def _of_pictures(names: Iterable[str], count: int, seed: int, smallest: int, largest: int) -> list[DemoStimulus]:
    """Patches of several pictures: the picture is both label and group."""
    rng = np.random.default_rng([SEED, seed])
    return [
        DemoStimulus(f"{name.replace(' ', '-')}-{i:03d}", pixels, name, name)
        for name in names
        for i, pixels in enumerate(patches(name, count, rng, smallest, largest))
    ]


def _photographs() -> DemoDataset:
    return DemoDataset(
        "photographs", "Photographs", "natural-multi",
        "Public domain (astronaut: NASA; rocket: SpaceX), CC0 (cat, coffee), CC BY 2.0 (temple)",
        "Patches of 56 to 150 pixels of five photographs: a portrait, a cat, a cup of coffee, a rocket, a temple.",
        f"{SKIMAGE}; scikit-learn's sample images",
        _of_pictures(("astronaut", "cat", "coffee", "rocket", "china"), 120, 1, 56, 150),
    )


def _coins() -> DemoDataset:
    """Each of the 24 coins seen many times: cut out with a margin, turned and shifted."""
    rng = np.random.default_rng([SEED, 2])
    source = picture("coins")
    xs, ys = (54, 112, 168, 224, 284, 344), (50, 128, 195, 266)
    stimuli = []
    for row, y in enumerate(ys):
        for column, x in enumerate(xs):
            coin = f"coin-{row * len(xs) + column:02d}"
            for i in range(22):
                turned = source.rotate(float(rng.uniform(-40, 40)), Image.Resampling.BICUBIC, center=(x, y))
                half = float(rng.uniform(26, 34))
                left, top = x - half + float(rng.uniform(-5, 5)), y - half + float(rng.uniform(-5, 5))
                left = min(max(left, 0), source.width - 2 * half)
                top = min(max(top, 0), source.height - 2 * half)
                box = (left, top, left + 2 * half, top + 2 * half)
                view = turned.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box)
                stimuli.append(DemoStimulus(f"{coin}-{i:02d}", np.asarray(view, dtype=np.uint8), coin, coin))
    return DemoDataset(
        "coins", "Coins", "natural-single", "No known restrictions (Brooklyn Museum, via scikit-image)",
        "Twenty-four Greek coins, each seen from 22 turns and distances; views of one coin form a group.", SKIMAGE,
        stimuli,
    )


def _digits() -> DemoDataset:
    stimuli = [
        DemoStimulus(f"digit-{row:04d}", pixels, str(digit)) for row, pixels, digit in digit_rows("compared")[:600]
    ]
    return DemoDataset(
        "digits", "Handwritten digits", "natural-single", "CC BY 4.0 (UCI, optical recognition of handwritten digits)",
        "Handwritten digits of 8 x 8 pixels, enlarged. Every second one; the others were used for training.",
        "scikit-learn's digits", stimuli,
    )


def _scientific() -> DemoDataset:
    names = ("histology", "retina", "hubble deep field", "moon", "cell", "microaneurysms")
    return DemoDataset(
        "scientific", "Scientific images", "specialized",
        "CC0 (histology, retina, cell, microaneurysms), public domain (moon: NASA; Hubble deep field: NASA, ESA)",
        "Patches of stained tissue, a retina, deep sky, the moon, a cell and small vessels of an eye.", SKIMAGE,
        _of_pictures(names, 90, 4, 48, 100),
    )


def _textures() -> DemoDataset:
    return DemoDataset(
        "textures", "Textures", "structured", "CC0 (CC0Textures, via scikit-image)",
        "Patches of 40 to 160 pixels of brick, grass and gravel.", SKIMAGE,
        _of_pictures(("brick", "grass", "gravel"), 160, 5, 40, 160),
    )


def _shapes() -> DemoDataset:
    rng = np.random.default_rng([SEED, 6])
    rendered = [shape(rng, kind) for _ in range(75) for kind in SHAPES]
    return DemoDataset(
        "shapes", "Rendered shapes", "structured", "MIT (rendered by Parallax)",
        "Eight shapes of ten colours and three sizes, anywhere on a mottled ground.", "rendered",
        [DemoStimulus(f"shape-{i:03d}", r.pixels, r.label) for i, r in enumerate(rendered)],
    )


def _letters() -> DemoDataset:
    rng = np.random.default_rng([SEED, 7])
    rendered = [letter(rng, character, shift=4, turn=6, size="large") for _ in range(20) for character in LETTERS]
    return DemoDataset(
        "letters", "Rendered letters", "structured", "MIT (rendered by Parallax)",
        "The capital letters in ten colours, large and nearly upright, on a mottled ground.", "rendered",
        [DemoStimulus(f"letter-{i:03d}", r.pixels, r.label) for i, r in enumerate(rendered)],
    )
