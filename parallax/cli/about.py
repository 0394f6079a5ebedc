"""`parallax version`."""

from __future__ import annotations

import json

import typer

from parallax.cli.options import JsonOption


def version(as_json: JsonOption = False) -> None:
    """Print the version."""
    from importlib.metadata import version as installed_version

    found = installed_version("parallax")
    typer.echo(json.dumps({"version": found}) if as_json else f"parallax {found}")
