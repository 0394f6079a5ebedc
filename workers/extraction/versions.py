"""Versions of the libraries that decide an embedding's bits, recorded beside it."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version


@lru_cache(maxsize=1)
def library_versions() -> str:
    return ", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision", "timm", "pillow", "numpy"))
