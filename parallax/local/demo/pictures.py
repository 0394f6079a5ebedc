"""Pictures that scikit-image and scikit-learn carry in their packages, and patches cut from them.

`LICENCES` says where each is from; the wording follows the README of skimage/data and of sklearn/datasets/images.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
SIDE = 64

# name -> (package, file)
PICTURES = {
    "astronaut": ("skimage.data", "astronaut.png"),
    "brick": ("skimage.data", "brick.png"),
    "camera": ("skimage.data", "camera.png"),
    "cat": ("skimage.data", "chelsea.png"),
    "cell": ("skimage.data", "cell.png"),
    "china": ("sklearn.datasets.images", "china.jpg"),
    "clock": ("skimage.data", "clock_motion.png"),
    "coffee": ("skimage.data", "coffee.png"),
    "coins": ("skimage.data", "coins.png"),
    "color wheel": ("skimage.data", "color.png"),
    "flower": ("sklearn.datasets.images", "flower.jpg"),
    "grass": ("skimage.data", "grass.png"),
    "gravel": ("skimage.data", "gravel.png"),
    "horse": ("skimage.data", "horse.png"),
    "hubble deep field": ("skimage.data", "hubble_deep_field.jpg"),
    "histology": ("skimage.data", "ihc.png"),
    "logo": ("skimage.data", "logo.png"),
    "microaneurysms": ("skimage.data", "microaneurysms.png"),
    "moon": ("skimage.data", "moon.png"),
    "motorcycle": ("skimage.data", "motorcycle_left.png"),
    "page": ("skimage.data", "page.png"),
    "phantom": ("skimage.data", "phantom.png"),
    "retina": ("skimage.data", "retina.jpg"),
    "rocket": ("skimage.data", "rocket.jpg"),
    "handwriting": ("skimage.data", "text.png"),
}


@lru_cache(maxsize=32)
def picture(name: str) -> Image.Image:
    """A picture in RGB."""
    package, file = PICTURES[name]
    with files(package).joinpath(file).open("rb") as opened, Image.open(opened) as image:
        return image.convert("RGB")


def patches(name: str, count: int, rng: np.random.Generator, smallest: int, largest: int) -> list[Pixels]:
    """Square patches at random places, of a random side in pixels, brought to 64 x 64: uint8 (64, 64, 3) each."""
    source = picture(name)
    limit = min(source.size)
    found: list[Pixels] = []
    while len(found) < count:
        side = int(rng.integers(min(smallest, limit), min(largest, limit) + 1))
        left = int(rng.integers(0, source.width - side + 1))
        top = int(rng.integers(0, source.height - side + 1))
        patch = source.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))
        pixels = np.asarray(patch, dtype=np.uint8)
        # Flat patches (sky, margins) say nothing about a model.
        if pixels.std() >= 4.0:
            found.append(pixels)
    return found
