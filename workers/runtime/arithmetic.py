"""Arithmetic settings that make results repeat bit for bit on one class of device; for child processes alone."""

from __future__ import annotations

import os
from functools import lru_cache

from backend.domain.errors import JobFailed
from backend.settings import Settings


@lru_cache(maxsize=1)
def configure(threads: int | None) -> None:
    """Once per process: repeatable arithmetic on `threads` threads, or on as many as torch takes by itself."""
    # Must be set before CUDA's first use for its matrix products to be deterministic.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.set_grad_enabled(False)


def prepare_device(settings: Settings) -> str:
    """Configures torch once per process and answers the device to use: `cpu` or `cuda`."""
    configure(settings.threads)
    import torch

    if settings.device == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    if settings.device == "cuda":
        raise JobFailed(
            "start", "PARALLAX_DEVICE is `cuda`, but this worker sees no GPU.",
            "Start the worker on a machine with a GPU and its driver, or set PARALLAX_DEVICE to `auto`.", "ours",
        )
    return "cpu"
