"""`parallax layers ...`: two models by all of their layers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parallax.cli.compare import DeviceOption, PreprocessOption
from parallax.cli.options import JsonOption

if TYPE_CHECKING:
    from workers.pipelines.embedding_files import EmbeddingFile
    from workers.similarity.layers import LayerSearch

commands = typer.Typer(no_args_is_help=True, help="Two models by all of their layers, from files.")
FOLDER_HELP = "Folder with one file of embeddings per layer."


@commands.callback()
def group() -> None:
    """Two models by all of their layers, from files."""


@commands.command()
def search(
    a: Annotated[Path, typer.Argument(metavar="A_DIR", help=FOLDER_HELP, show_default=False)],
    b: Annotated[Path, typer.Argument(metavar="B_DIR", help=FOLDER_HELP, show_default=False)],
    metric: Annotated[str, typer.Option("--metric", "-m", metavar="ID", help="See parallax metrics.")],
    preprocess: PreprocessOption = "l2",
    permutations: Annotated[
        int, typer.Option(min=1, metavar="K", help="Relabellings of the stimuli; p is never below 1 / (K + 1).")
    ] = 200,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Find the layers of two models that agree best, and hold that best against chance for the best of as many.

    Layers come in the order of their files' names, numbers read as numbers: layer2 before layer10."""
    from backend.domain.metrics import parse_metric, parse_preprocess
    from workers.pipelines.compare_files import device_of
    from workers.pipelines.embedding_files import check_order
    from workers.similarity.embeddings import check_shapes
    from workers.similarity.layers import search_layers

    wanted, steps, where = parse_metric(metric), parse_preprocess(preprocess), device_of(device)
    layers_a, layers_b = _layers(a), _layers(b)
    sources_a, sources_b = [one.source() for one in layers_a], [one.source() for one in layers_b]
    check_shapes([*sources_a, *sources_b], wanted.minimum_n, wanted.id)
    check_order([*layers_a, *layers_b])
    found = search_layers(sources_a, sources_b, wanted, steps, device=where, permutations=permutations)
    names_a, names_b = [one.name for one in layers_a], [one.name for one in layers_b]
    excluded = [f"{names_a[i]} of {a}: {why}" for i, why in found.excluded_a.items()]
    excluded += [f"{names_b[i]} of {b}: {why}" for i, why in found.excluded_b.items()]
    for line in excluded:
        typer.secho(f"Warning: {wanted.id} has no values for {line.rstrip('.')}.", fg=typer.colors.YELLOW, err=True)
    if as_json:
        typer.echo(json.dumps(_data(found, names_a, names_b, steps.id, layers_a[0].n, wanted.spec.direction)))
        return
    best_a, best_b = names_a[found.layers[0]], names_b[found.layers[1]]
    alike = "less" if wanted.spec.direction == "distance" else "more"
    typer.echo(f"Best: {best_a} of {a} with {best_b} of {b}: {found.best:.4f} ({wanted.id}, {alike} is more alike)")
    typer.echo(
        f"The best of {found.grid.size} pairs by chance: tau {found.tau:.4f}, p = {found.p:.4f} ({permutations} "
        f"permutations); calibrated {found.calibrated:.4f}\n"
    )
    typer.echo(_grid(found, names_a, names_b))


def _layers(folder: Path) -> list[EmbeddingFile]:
    """The layers in a folder, in natural order."""
    from workers.pipelines.embedding_errors import MissingPath
    from workers.pipelines.embedding_files import find_embeddings, open_embedding

    if not folder.is_dir():
        raise MissingPath(f"There is no folder {folder}.", hint="Give a folder with one file per layer.")
    return [open_embedding(path) for path in sorted(find_embeddings([folder]), key=lambda path: natural(path.stem))]


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers within names as numbers."""
    parts = [part for part in re.split(r"(\d+)", name) if part]
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _data(
    found: LayerSearch, names_a: list[str], names_b: list[str], preprocess: str, n: int, direction: str
) -> dict[str, object]:
    """The result as one JSON object; `grid[i][j]` is layer i of A with layer j of B, null where it has no value."""
    return {
        "metric": found.metric, "direction": direction, "preprocess": preprocess, "n": n,
        "layers_a": names_a, "layers_b": names_b,
        "best": {"layer_a": names_a[found.layers[0]], "layer_b": names_b[found.layers[1]], "value": found.best},
        "tau": found.tau, "p": found.p, "calibrated": found.calibrated,
        "null_mean": found.null_mean, "null_sd": found.null_sd,
        "grid": [[value if value == value else None for value in row] for row in found.grid.tolist()],
        "excluded_a": {names_a[i]: why for i, why in found.excluded_a.items()},
        "excluded_b": {names_b[i]: why for i, why in found.excluded_b.items()},
        "recipe": dict(found.recipe),
    }  # fmt: skip


def _grid(found: LayerSearch, names_a: list[str], names_b: list[str]) -> str:
    """All pairs as a table, rows the layers of A."""
    first = max(map(len, names_a))
    widths = [max(len(name), 7) for name in names_b]
    rows = ["  ".join([" " * first, *(name.rjust(width) for name, width in zip(names_b, widths, strict=True))])]
    for name, values in zip(names_a, found.grid.tolist(), strict=True):
        cells = [(f"{value:.4f}" if value == value else "-").rjust(w) for value, w in zip(values, widths, strict=True)]
        rows.append("  ".join([name.ljust(first), *cells]))
    return "\n".join(rows)
