"""The command `parallax`.

Exit status: 0 done, 1 failed on data, a job or a service, 2 usage or unusable input, 3 refused. What can be
expected to go wrong ends in a message and what to do about it on standard error, never in a traceback."""

from __future__ import annotations

import errno
import sys

import typer

from parallax.cli import (
    about,
    compare,
    consistency,
    database,
    datasets,
    doctor,
    embeddings,
    layers,
    local,
    metrics,
    models,
    services,
)

FAILED, USAGE, REFUSED = 1, 2, 3
# What the machine may say to any file operation, and what to do about it. Any other OSError is a fault of ours.
EXPECTED = {
    errno.ENOSPC: "Free some space; nothing that was finished is lost, and starting again goes on.",
    errno.EDQUOT: "Your quota is used up; free some space, or use a data folder elsewhere (--home).",
    errno.EACCES: "Use a data folder that you may write to (--home), or correct the permissions.",
    errno.EROFS: "The disk is read-only; use a data folder elsewhere (--home).",
}

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="When model A looks similar to model B, does that survive a change of dataset? Start with: parallax demo",
)
HERE, FILES, SERVICES = "On this machine", "Files of embeddings, without a server", "Single services"
WORK = "Work with a running Parallax"
app.command(rich_help_panel=HERE)(local.demo)
app.command(rich_help_panel=HERE)(local.up)
app.command(rich_help_panel=HERE)(doctor.doctor)
app.command(rich_help_panel=HERE)(about.version)
app.command(rich_help_panel=FILES)(compare.compare)
app.command(rich_help_panel=FILES)(metrics.metrics)
app.add_typer(consistency.commands, name="consistency", rich_help_panel=FILES)
app.add_typer(embeddings.commands, name="embeddings", rich_help_panel=FILES)
app.add_typer(layers.commands, name="layers", rich_help_panel=FILES)
app.add_typer(datasets.commands, name="datasets", rich_help_panel=WORK)
app.add_typer(models.commands, name="models", rich_help_panel=WORK)
app.add_typer(database.commands, name="db", rich_help_panel=SERVICES)
app.command(rich_help_panel=SERVICES)(services.api)
app.command(rich_help_panel=SERVICES)(services.frontend)
app.command(rich_help_panel=SERVICES)(services.dispatcher)
app.command(rich_help_panel=SERVICES)(services.worker)


def run() -> None:
    """Entry point of the command."""
    from backend.domain.errors import ParallaxError
    from parallax.client.client import ApiError

    try:
        app(prog_name="parallax")
    except ParallaxError as error:
        sys.exit(report(error.message, error.hint, status_of(error)))
    except ApiError as error:
        problem = error.problem
        details = [f"{field.field}: {field.message} {field.hint}".strip() for field in problem.fields]
        message = problem.detail or problem.title
        sys.exit(report("\n  ".join([message, *details]), problem.hint, status_of_http(problem.status)))
    except OSError as error:
        if error.errno not in EXPECTED:
            raise
        sys.exit(report(f"{error.strerror}: {error.filename or 'while writing'}", EXPECTED[error.errno], FAILED))
    except KeyboardInterrupt:
        sys.exit(130)


def report(message: str, hint: str, status: int) -> int:
    """Prints what went wrong and what to do; answers the exit status."""
    typer.secho(f"Error: {message}", fg=typer.colors.RED, err=True)
    if hint:
        typer.echo(hint, err=True)
    return status


def status_of(error: Exception) -> int:
    """The exit status of an error raised on purpose."""
    from backend.domain.errors import BadData, Conflict, InvalidInput, NotFound, TooManyJobs, UnsafeSetting

    if isinstance(error, BadData):
        return FAILED
    if isinstance(error, (InvalidInput, NotFound)):
        return USAGE
    return REFUSED if isinstance(error, (Conflict, TooManyJobs, UnsafeSetting)) else FAILED


def status_of_http(status: int) -> int:
    """The exit status of an answer of the API."""
    if status in (401, 403, 409, 413, 429):
        return REFUSED
    return USAGE if 400 <= status < 500 else FAILED


if __name__ == "__main__":
    run()
