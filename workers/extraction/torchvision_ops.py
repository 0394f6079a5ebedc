"""Makes torchvision (and with it timm) importable beside a torch built without CUDA.

The registry's torchvision is a CUDA build. Beside a CPU torch its compiled operators cannot be loaded, and importing
it dies with `operator torchvision::nms does not exist`. Declaring the two operators that its Python code refers to is
enough: they stay uncallable, and nothing here calls them. Where the compiled operators load, this does nothing.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch

_library: torch.library.Library | None = None  # kept alive: its declarations end with it


def make_importable() -> None:
    """Call before the first import of torchvision or timm in a process."""
    global _library
    spec = find_spec("torchvision")
    if _library is not None or spec is None or spec.origin is None:
        return
    try:
        for compiled in Path(spec.origin).parent.glob("_C*.so"):
            torch.ops.load_library(str(compiled))
    except OSError:
        _library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            _library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


make_importable()
