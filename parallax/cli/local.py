"""`parallax up` and `parallax demo`: everything on this machine by one command."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from parallax.cli.options import HomeOption, JsonOption, PortOption, settings_with

WEB_PORT = 8050


def up(home: HomeOption = None, port: PortOption = WEB_PORT) -> None:
    """Start Parallax on this machine and serve until Ctrl-C.

    Starts a database, a broker, the API with the pages, the dispatcher and a worker, and keeps them
    running. DATABASE_URL and BROKER_URL, if set, name servers of yours to use instead. Everything is kept
    in the data folder; starting again finds it there."""
    from parallax.local.home import Home
    from parallax.local.stack import serve

    settings = settings_with(home)
    typer.echo("Starting Parallax ...")

    def announce(url: str, _stopping: object) -> None:
        typer.echo(f"Parallax is at {url}   (Ctrl-C stops it; logs in {settings.home.absolute() / 'logs'})")

    raise typer.Exit(serve(settings, Home(settings.home), port, typer.echo, announce))


def demo(
    home: HomeOption = None,
    port: PortOption = WEB_PORT,
    once: Annotated[bool, typer.Option("--once", help="End when all work is done instead of serving.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Start Parallax with small real models and datasets, and compute everything live.

    The first start takes a few minutes on two cores; watch it here or in the browser. A later start finds
    its data, and an interrupted one goes on where it was. With --once the exit status is 0 only if every
    job succeeded."""
    from parallax.local.demo_run import DemoRun
    from parallax.local.demo_screen import screen_for
    from parallax.local.home import Home
    from parallax.local.stack import serve

    settings = settings_with(home)
    data_folder = Home(settings.home)
    screen = screen_for(to_stderr=as_json)
    run = DemoRun(data_folder, screen, once=once)
    screen.say("Starting Parallax ...")
    try:
        status = serve(settings, data_folder, port, screen.say, run, unfinished=1 if once else 0)
    finally:
        screen.close()
    if as_json and run.report is not None:
        typer.echo(json.dumps(run.report))
    raise typer.Exit(status)
