"""`parallax consistency ...`: consistency across datasets from files, without a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from parallax.cli.options import JsonOption

if TYPE_CHECKING:
    from workers.pipelines.consistency_files import Block, ConsistencyOfFiles
    from workers.pipelines.matrix_files import MatrixStack

commands = typer.Typer(no_args_is_help=True, help="Consistency of similarities across datasets, from files.")
MATRICES_HELP = (
    "A folder with one output of parallax compare a dataset (its stem names the dataset), or one .npz file with the "
    "arrays values (datasets, models, models), models and datasets."
)
ANCHORS = "--anchors"


class _TakesSeveral(TyperCommand):
    """`--anchors A B C` means `--anchors A --anchors B --anchors C`, which is what the parser knows."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        written: list[str] = []
        inside = False
        for argument in args:
            if argument.startswith("-"):
                inside = argument == ANCHORS
                first = True
            elif inside:
                written += [] if first else [ANCHORS]
                first = False
            written.append(argument)
        return super().parse_args(ctx, written)


@commands.callback()
def group() -> None:
    """Consistency of similarities across datasets, from files."""


@commands.command(cls=_TakesSeveral)
def compute(
    matrices: Annotated[Path, typer.Option(metavar="PATH", help=MATRICES_HELP)],
    attributes: Annotated[
        Path, typer.Option(metavar="models.csv", help="CSV with a column model and others, one line a model.")
    ],
    by: Annotated[str, typer.Option(metavar="COLUMN", help="Column whose values make the sets of models.")],
    out: Annotated[Path, typer.Option(metavar="OUT.csv", help="Where the table goes; replaced at the end.")],
    method: Annotated[Literal["pearson", "spearman"], typer.Option(help="The correlation over pairs.")] = "pearson",
    metric: Annotated[
        str | None, typer.Option("--metric", "-m", metavar="ID", help="Which metric, where the files hold several.")
    ] = None,
    anchors: Annotated[
        list[str] | None,
        typer.Option(ANCHORS, metavar="NAME ...", help="Models that are held alone against every set."),
    ] = None,
    intervals: Annotated[bool, typer.Option("--intervals", help="95 % intervals that resample models.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Correlate similarities across datasets over the pairs of every two sets of models.

    OUT.csv has a line for every pair of datasets in each pair of sets, and for all models as the baseline `all,all`
    (docs/how-to/check-consistency-offline.md). Nothing is written unless everything succeeded.
    """
    from workers.pipelines.attributes import read_attributes
    from workers.pipelines.consistency_files import consistency_of, write_csv
    from workers.pipelines.matrix_files import read_matrices
    from workers.pipelines.whole_files import check_output

    check_output(out, ".csv")
    stack = read_matrices(matrices, metric)
    known = read_attributes(attributes, stack.models)
    found = consistency_of(stack, by, known, method=method, anchors=anchors or [], intervals=intervals)
    write_csv(found, out)
    for note in found.notes:
        typer.secho(f"Warning: {note}.", fg=typer.colors.YELLOW, err=True)
    said = _report(stack, found, by, method, out)
    typer.echo(json.dumps(said) if as_json else _table(said))


def _report(stack: MatrixStack, found: ConsistencyOfFiles, by: str, method: str, out: Path) -> dict[str, Any]:
    """The result in numbers, as `--json` prints it: each pair of sets by the distribution of r over dataset pairs."""
    return {
        "out": str(out), "metric": stack.metric, "method": method, "by": by, "datasets": stack.datasets,
        "models": len(stack.models), "set_pairs": [_summary(block) for block in found.blocks],
        "interval": found.interval, "warnings": found.notes,
    }  # fmt: skip


def _summary(block: Block) -> dict[str, Any]:
    import numpy as np

    pairs = np.triu_indices(len(block.table.r), 1)
    r = block.table.r[pairs]
    r = r[~np.isnan(r)]
    q1, median, q3 = (float(q) for q in np.quantile(r, (0.25, 0.5, 0.75))) if r.size else (None, None, None)
    low, high = (None if np.isnan(end) else end for end in block.median_interval or (np.nan, np.nan))
    return {
        "set_a": block.names[0], "set_b": block.names[1], "models_a": block.table.n_models_a,
        "models_b": block.table.n_models_b, "n_pairs": int(block.table.n_pairs[pairs].max()),
        "dataset_pairs": int(r.size), "median": median, "q1": q1, "q3": q3, "ci_low": low, "ci_high": high,
        "small": block.table.small,
    }  # fmt: skip


def _table(said: dict[str, Any]) -> str:
    """The report as a small table: r over pairs of datasets."""
    head = ["sets", "pairs of models", "pairs of datasets", "median r", "quartiles"]
    with_interval = bool(said["interval"])
    lines = [[*head, *(["95 % interval"] if with_interval else [])]]
    for one in said["set_pairs"]:
        median = "-" if one["median"] is None else f"{one['median']:.3f}"
        cells = [f"{one['set_a']}, {one['set_b']}", f"{one['n_pairs']:,}", str(one["dataset_pairs"]), median]
        cells.append(_between(one["q1"], one["q3"]))
        if with_interval:
            cells.append(_between(one["ci_low"], one["ci_high"]))
        lines.append(cells)
    flags = ["", *("  few models" if one["small"] else "" for one in said["set_pairs"])]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    rows = [
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]) + flag
        for line, flag in zip(lines, flags, strict=True)
    ]
    ends = [said["interval"]] if with_interval else []
    return "\n".join([*rows, "", *ends, f"Written: {said['out']}"])


def _between(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"{low:.3f} to {high:.3f}"
