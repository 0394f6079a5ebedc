"""CPU seconds, the tables they are printed in, and the targets they are held against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from time import process_time
from typing import ParamSpec, TypeVar

import torch

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Stopwatch:
    """CPU seconds of several runs of the same work; `seconds` is their median."""

    def __init__(self) -> None:
        self.runs: list[float] = []

    def time(self, work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
        start = process_time()
        result = work(*args, **kwargs)
        self.runs.append(process_time() - start)
        return result

    @property
    def seconds(self) -> float:
        return median(self.runs)


def print_table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Rows are printed as they are made."""
    head = list(columns)
    print(f"\n### {title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}", flush=True)
    for row in rows:
        print(f"| {' | '.join(str(cell) for cell in row)} |", flush=True)


def times(ratio: float) -> str:
    return f"{ratio:.0f}x" if ratio >= 20 else f"{ratio:.1f}x"


def held_to(found: float, floor: float | None, *, at_most: bool = False) -> str:
    """The target and whether it is met; empty where there is none."""
    if floor is None:
        return ""
    met = found <= floor if at_most else found >= floor
    return f"{'<=' if at_most else '>='} {floor:g}: {'met' if met else 'missed'}"


def floor_flop(n: int, widths: Sequence[int]) -> float:
    """Operations that no way of computing the kernels and all their products in n x n saves: half of each square."""
    return n * n * sum(widths) + len(widths) ** 2 * n * n / 2


def product_rate(dtype: torch.dtype = torch.float32, device: str = "cpu", size: int = 2048) -> float:
    """Floating-point operations per second of a plain matrix product: CPU seconds on a CPU, else seconds of the
    device's own clock."""
    A = torch.randn(size, size, device=device, dtype=dtype)
    A @ A
    repeats = 5
    if device == "cpu":
        watch = Stopwatch()
        for _ in range(repeats):
            watch.time(torch.matmul, A, A)
        return 2 * size**3 / watch.seconds
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(repeats):
        A @ A
    end.record()
    torch.cuda.synchronize()
    return repeats * 2 * size**3 / (begin.elapsed_time(end) / 1000)
