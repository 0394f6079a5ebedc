"""What the demo's networks were trained on: other stimuli than those they are compared on.

Other pictures, the other half of the digits, and rendered shapes and letters from other seeds (small letters, not
capitals).
Every image has a class (supervised training) and a caption (image-text training); self-supervised training uses
neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parallax.local.demo.pictures import patches
from parallax.local.demo.rendered import SHAPES, letter, shape
from parallax.local.demo.stimuli import digit_rows

SEED = 987_654_321
SMALL_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Picture -> the words of its captions.
TRAINING_PICTURES = {
    "flower": "an orange flower with many petals",
    "motorcycle": "a red motorcycle in a garage",
    "camera": "a man with a camera on a tripod in a field",
    "page": "a printed page of text",
    "handwriting": "handwritten words on lined paper",
    "clock": "a blurred clock in motion",
    "color wheel": "a wheel of all colours",
    "logo": "a green and orange logo with a snake",
    "horse": "the black silhouette of a horse",
    "phantom": "a grey phantom of a head scan",
}
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True)
class TrainingSet:
    """Images uint8 (n, 64, 64, 3), classes int64 (n,), one caption each, and the names of the classes."""

    images: NDArray[np.uint8]
    classes: NDArray[np.int64]
    captions: list[str]
    class_names: list[str]


def training_set() -> TrainingSet:
    """All training images, the same every time; about 7,500."""
    rng = np.random.default_rng(SEED)
    entries: list[tuple[NDArray[np.uint8], str, str]] = []
    for name, words in TRAINING_PICTURES.items():
        entries += [(p, name, f"a picture of {words}") for p in patches(name, 220, rng, 40, 160)]
    for _, pixels, digit in digit_rows("training"):
        entries.append((pixels, f"digit {digit}", f"the handwritten digit {NUMBERS[digit]} in white on black"))
    for kind in SHAPES:
        for _ in range(300):
            rendered = shape(rng, kind)
            entries.append((rendered.pixels, rendered.label, rendered.caption))
    for character in SMALL_LETTERS:
        for _ in range(75):
            rendered = letter(rng, character)
            entries.append((rendered.pixels, f"letter {character}", rendered.caption))
    names = sorted({label for _, label, _ in entries})
    index = {name: i for i, name in enumerate(names)}
    return TrainingSet(
        images=np.stack([pixels for pixels, _, _ in entries]),
        classes=np.array([index[label] for _, label, _ in entries], dtype=np.int64),
        captions=[caption for _, _, caption in entries],
        class_names=names,
    )
