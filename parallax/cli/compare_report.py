"""What `parallax compare` says and draws of its result."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import typer

from backend.domain.attributes import MODEL_ATTRIBUTES
from backend.domain.calibration import ALPHA
from backend.domain.quantities import Q
from frontend.figures.heatmap_data import heatmap_data
from frontend.figures.heatmap_image import write_heatmap
from workers.pipelines.compare_files import COMPUTED, VALUES, FilesCompared, MetricCompared
from workers.pipelines.whole_files import write_whole

MOST_VALUES = 8  # of an attribute that is drawn: colours that can be told apart


def report(compared: FilesCompared, out: Path, plots: Sequence[Path]) -> dict[str, Any]:
    """The result in numbers, as `--json` prints it."""
    return {
        "out": str(out), "plots": [str(path) for path in plots], "names": compared.names, "n": compared.n,
        "preprocess": compared.preprocess.id, "device": compared.device,
        "metrics": [_summary(one) for one in compared.metrics],
    }  # fmt: skip


def _summary(one: MetricCompared) -> dict[str, Any]:
    """One metric: least, median and most of the values between different models, both directions where they differ.
    `significant` is the share of them with q <= 0.05, None without calibration."""
    computed = one.squares[COMPUTED]
    between = np.tril(computed, -1) if one.metric.spec.symmetric else computed & ~np.eye(len(computed), dtype=bool)
    values = one.squares[VALUES][between]
    ends = [float(f(values)) for f in (np.min, np.median, np.max)] if len(values) else [None] * 3
    return {
        "id": one.metric.id, "version": one.metric.version, "title": one.metric.title,
        "direction": one.metric.spec.direction, "models": int(computed.diagonal().sum()),
        "pairs": int((computed | computed.T)[np.tril_indices(len(computed), -1)].sum()),
        "min": ends[0], "median": ends[1], "max": ends[2],
        "significant": float((one.squares[Q][between] <= ALPHA).mean()) if Q in one.squares and len(values) else None,
        "excluded": dict(one.excluded), "recipe": dict(one.recipe),
    }  # fmt: skip


def table(said: Mapping[str, Any]) -> str:
    """The report as a small table."""
    head = ["metric", "models", "n", "pairs", "min", "median", "max", f"q <= {ALPHA}", "more alike"]
    lines = [head]
    for one in said["metrics"]:
        numbers = ["-" if one[name] is None else f"{one[name]:.4f}" for name in ("min", "median", "max")]
        share = "-" if one["significant"] is None else f"{one['significant']:.0%}"
        alike = "smaller" if one["direction"] == "distance" else "larger"
        lines.append([one["id"], str(one["models"]), str(said["n"]), str(one["pairs"]), *numbers, share, alike])
    keep = [i for i in range(len(head)) if head[i] != f"q <= {ALPHA}" or any(line[i] != "-" for line in lines[1:])]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    rows = ["  ".join(line[i].ljust(widths[i]) if i == 0 else line[i].rjust(widths[i]) for i in keep) for line in lines]
    made = [said["out"], *said["plots"]]
    return "\n".join([*rows, "", f"Rows preprocessed: {said['preprocess']}. Written: {', '.join(made)}"])


def draw(
    compared: FilesCompared, plot: Path, dataset: str, attributes: Mapping[str, Sequence[str]]
) -> dict[Path, Callable[[Path], None]]:
    """A picture of every metric, drawn and ready to be written: at `plot`, or where there are several metrics at names
    made of it and their ids."""
    bars = {name: values for name, values in attributes.items() if _can_be_told(name, values)}
    made: dict[Path, Callable[[Path], None]] = {}
    for one in compared.metrics:
        path = plot if len(compared.metrics) == 1 else plot.with_name(f"{plot.stem}.{_in_file(one.metric.id)}.png")
        data = heatmap_data(
            compared.names, one.squares[VALUES], title=one.metric.title, direction=one.metric.spec.direction,
            symmetric=one.metric.spec.symmetric, upper=one.metric.spec.upper, attributes=bars,
            subject=f"{dataset}, n = {compared.n:,}", reasons=one.excluded,
            note=f"preprocessing {compared.preprocess.id}",
        )  # fmt: skip
        drawn = io.BytesIO()
        write_heatmap(data, drawn)
        made[path] = partial(_write, drawn.getvalue())
    return made


def _write(content: bytes, path: Path) -> None:
    write_whole(path, lambda file: file.write(content))


def _in_file(metric_id: str) -> str:
    """A metric's id as part of a file's name."""
    return re.sub("[:,=]", "_", metric_id)


def _can_be_told(attribute: str, values: Sequence[str]) -> bool:
    """Whether an attribute has few enough values to be drawn; says so where it has not."""
    if attribute in MODEL_ATTRIBUTES or len(set(values)) <= MOST_VALUES:
        return True
    said = f"Note: {attribute} has {len(set(values))} values and is not drawn; {MOST_VALUES} colours can be told apart."
    typer.echo(said, err=True)
    return False
