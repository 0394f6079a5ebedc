"""`parallax datasets ...`: the datasets of a running Parallax."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from parallax.cli.options import ApiOption, HomeOption, JsonOption, api_url, settings_with

commands = typer.Typer(no_args_is_help=True, help="Datasets: ordered, hashed lists of stimuli.")


@commands.callback()
def group() -> None:
    """Datasets: ordered, hashed lists of stimuli."""


@commands.command("list")
def list_datasets(api: ApiOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the datasets."""
    from parallax.client.client import Client

    with Client(api_url(settings_with(home), api)) as client:
        found = client.datasets()
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in found]))
        return
    for one in found:
        typer.echo(f"{one.name}@{one.version}  {one.n_stimuli} stimuli  {one.domain}  {one.title}")


@commands.command()
def add(
    archive: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="Zip with manifest.json and its pictures."),
    ],
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is checked and added.")] = True,
    api: ApiOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a dataset from an archive: every picture is decoded once and hashed before it is accepted.

    The archive is a zip whose manifest.json lists the stimuli in order (docs/how-to/add-a-dataset.md).
    """
    from parallax.cli.following import finish
    from parallax.client.client import Client

    with Client(api_url(settings_with(home), api), timeout_s=600) as client:
        raise typer.Exit(finish(client, client.upload_dataset(archive), wait, as_json))
