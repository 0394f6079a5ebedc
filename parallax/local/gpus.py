"""What a machine computes with, found without importing torch: a parent that has touched CUDA cannot fork workers."""

from __future__ import annotations

import math
import os
import subprocess
from contextlib import suppress
from pathlib import Path

MOST_CPU_PROCESSES = 4


def gpu_ids() -> list[str]:
    """Ids of the GPUs that may be used, as CUDA_VISIBLE_DEVICES takes them; empty without a working driver.
    If that variable is set, its choice stands."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    try:
        answer = subprocess.run(
            ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return []
    found = [line.strip() for line in answer.stdout.splitlines() if line.startswith("GPU-")]
    if chosen is None or not found:
        return found
    return [part.strip() for part in chosen.split(",") if part.strip() not in ("", "-1")]


def usable_cores() -> int:
    """Cores this process may use: its affinity, and the share of a container where that is less."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        cores = min(cores, max(1, math.ceil(int(quota) / int(period))))
    return cores


def cpu_processes() -> int:
    """Worker processes on a machine without a GPU, each with one arithmetic thread."""
    return min(usable_cores(), MOST_CPU_PROCESSES)
