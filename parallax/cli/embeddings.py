"""`parallax embeddings ...`: files of embeddings, each by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from parallax.cli.compare import PathsArgument
from parallax.cli.options import JsonOption

commands = typer.Typer(no_args_is_help=True, help="Files of embeddings, each by itself.")


@commands.callback()
def group() -> None:
    """Files of embeddings, each by itself."""


@commands.command()
def diagnose(
    paths: PathsArgument,
    paired_with: Annotated[
        Path | None,
        typer.Option("--paired-with", metavar="FILE", help="The other tower of the one model given: its modality gap."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say how many directions each model's features fill, and whether a few features outweigh all others.

    With --paired-with also how far the two towers of one model lie apart; their rows belong together pair by pair."""
    from backend.domain.diagnostics import DIAGNOSTICS, MODALITY_GAP
    from backend.domain.errors import InvalidInput
    from workers.pipelines.embedding_files import check_order, find_embeddings, open_embedding
    from workers.similarity.diagnostics import diagnose as diagnose_rows
    from workers.similarity.diagnostics import modality_gap
    from workers.similarity.embeddings import check_shapes

    files = [open_embedding(path) for path in find_embeddings(paths)]
    if paired_with is not None:
        if len(files) != 1:
            raise InvalidInput(
                f"--paired-with is for one file, and {len(files)} were given.", hint="Give one tower and the other."
            )
        files += [open_embedding(path) for path in find_embeddings([paired_with])]
        check_shapes([file.source() for file in files], 2, "the modality gap")
        check_order(files)
    found = []
    for file in files:
        numbers = diagnose_rows(file.source().load(), str(file.path))
        found.append({"model": file.name, "n": file.n, "d": file.d, **numbers})
    gap = modality_gap(*(file.source().load() for file in files)) if paired_with is not None else None
    if as_json:
        typer.echo(json.dumps({"models": found, MODALITY_GAP: gap}))
        return
    names = [name for name, one in DIAGNOSTICS.items() if not one.two_towers]
    width = max(5, *(len(str(one["model"])) for one in found))
    typer.echo("  ".join(["model".ljust(width), *(DIAGNOSTICS[name].title.rjust(19) for name in names)]))
    for one in found:
        typer.echo("  ".join([str(one["model"]).ljust(width), *(f"{one[name]:19.4g}" for name in names)]))
    if gap is not None:
        typer.echo(f"{DIAGNOSTICS[MODALITY_GAP].title}: {gap:.4f} (0 to 2)")
