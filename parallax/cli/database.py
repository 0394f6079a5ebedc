"""`parallax db ...`: the schema of the database."""

from __future__ import annotations

import json
import threading

import typer

from parallax.cli.options import JsonOption, settings_with

commands = typer.Typer(no_args_is_help=True, help="The database's schema.")


@commands.callback()
def group() -> None:
    """The database's schema."""


@commands.command()
def upgrade(as_json: JsonOption = False) -> None:
    """Bring the database of DATABASE_URL to the schema of this version. Safe to repeat, and from several
    machines.

    `up` and `demo` do it by themselves."""
    from backend.db.migrate import head_revision
    from parallax.local.reachable import wait_for_database
    from parallax.local.stack import migrate

    url = settings_with().database_url.get_secret_value()
    wait_for_database(url, lambda line: typer.echo(line, err=True), threading.Event())
    migrate(url)
    revision = head_revision()
    typer.echo(json.dumps({"revision": revision}) if as_json else f"The database is at schema revision {revision}.")
