"""`parallax compare`: files of embeddings against each other, without a server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from parallax.cli.options import JsonOption

if TYPE_CHECKING:
    from backend.domain.metrics import Metric

FILES_HELP = "Folders or files (.safetensors, .npy, .npz, .parquet). A model is named by its file's stem."
STEPS_HELP = "What is done to the rows first: none, or l2, center, clamp=q, clamp-exact=q joined by +."
DEVICE_HELP = "auto takes a GPU if there is one. OMP_NUM_THREADS sets the threads of a CPU."
GROUPS_HELP = "CSV of stimuli that belong together: sample_id,group, or one group per line."
PathsArgument = Annotated[list[Path], typer.Argument(metavar="PATH...", help=FILES_HELP, show_default=False)]
PreprocessOption = Annotated[str, typer.Option(metavar="STEPS", help=STEPS_HELP)]
MemoryOption = Annotated[
    int, typer.Option("--memory-mib", min=1, help="Memory for the work beside what Python itself takes.")
]
DeviceOption = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help=DEVICE_HELP)]
MEMORY_MIB = 2048


def compare(
    paths: PathsArgument,
    out: Annotated[Path, typer.Option("--out", metavar="OUT.npz", help="Where the matrices go; replaced at the end.")],
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", "-m", metavar="ID", help="See parallax metrics; repeat. Default: the usual ones."),
    ] = None,
    preprocess: PreprocessOption = "l2",
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Also what chance would give: null, tau, z, calibrated value, p, q.")
    ] = False,
    uncertainty: Annotated[bool, typer.Option("--uncertainty", help="Also 95 % intervals over stimuli.")] = False,
    memory_mib: MemoryOption = MEMORY_MIB,
    device: DeviceOption = "auto",
    groups: Annotated[Path | None, typer.Option(metavar="FILE", help=GROUPS_HELP)] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="OUT.png", help="Draw the clustered heatmap; one file per metric.")
    ] = None,
    attributes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV with a column model and others, drawn as side bars.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the embeddings of many models on one dataset, every pair by every metric.

    OUT.npz holds `names` and for each metric the full matrix `ID/values`, and what else was asked for beside it
    (docs/how-to/compare-embeddings-offline.md). Nothing is written unless everything succeeded.
    """
    from backend.domain.calibration import ALPHA
    from backend.domain.metrics import DEFAULT_METRICS, parse_metric, parse_preprocess
    from workers.pipelines.attributes import read_attributes
    from workers.pipelines.compare_files import compare_files, write_matrices
    from workers.pipelines.embedding_files import find_embeddings
    from workers.pipelines.whole_files import check_output

    metrics = [parse_metric(one) for one in metric] if metric else list(DEFAULT_METRICS)
    steps = parse_preprocess(preprocess)
    check_output(out, ".npz")
    if plot:
        check_output(plot, ".png")
    bars = {}
    if attributes:
        bars = read_attributes(attributes, [path.stem for path in find_embeddings(paths, [out])])
    with _progress() as progress:
        compared = compare_files(
            paths, metrics, steps, calibrate=calibrate, uncertainty=uncertainty, groups=groups, memory_mib=memory_mib,
            device=device, beside=[out], progress=progress,
        )  # fmt: skip
    from parallax.cli.compare_report import draw, report, table

    pictures = draw(compared, plot, _dataset(paths), bars) if plot else {}
    write_matrices(compared, out)
    for path, write in pictures.items():
        write(path)
    said = report(compared, out, list(pictures))
    for one in said["metrics"]:
        for name, reason in one["excluded"].items():
            typer.secho(f"Warning: {one['id']} has no values for {name}: {reason}.", fg=typer.colors.YELLOW, err=True)
    ways = said["metrics"][0]["recipe"].get("ways")
    if ways and ways * ALPHA < 1:
        typer.secho(
            f"Warning: groups change places with groups of their size alone, which leaves {ways} arrangements: no p "
            f"can reach {ALPHA}, whatever the values. Give more groups, or groups of equal size.",
            fg=typer.colors.YELLOW, err=True,
        )
    typer.echo(json.dumps(said) if as_json else table(said))


def _dataset(paths: list[Path]) -> str:
    """What to call the stimuli: the folder, or that of the first file."""
    first = paths[0].resolve()
    return (first if first.is_dir() else first.parent).name


@contextmanager
def _progress() -> Iterator[Callable[[Metric, int, int], None] | None]:
    """A bar per metric on standard error, where somebody watches it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=console) as bars:
        tasks: dict[str, object] = {}

        def advance(metric: Metric, done: int, total: int) -> None:
            if metric.id not in tasks:
                tasks[metric.id] = bars.add_task(metric.id, total=total)
            bars.update(tasks[metric.id], completed=done, total=total)  # type: ignore[arg-type]

        yield advance
