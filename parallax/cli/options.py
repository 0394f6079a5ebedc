"""Options that several commands share, and the settings they lead to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from backend.settings import Settings

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help="Data folder. Default: PARALLAX_HOME, else .parallax here.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else.")]
PortOption = Annotated[
    int,
    typer.Option("--port", min=0, max=65535, help="Port of the pages; if it is taken, the next free one. 0: any."),
]
ApiOption = Annotated[
    str | None,
    typer.Option(
        "--api", metavar="URL", show_default=False,
        help="API, ending in /api/v1. Default: PARALLAX_API_URL, else what runs on the data folder.",
    ),
]  # fmt: skip


def settings_with(home: Path | None = None) -> Settings:
    """The settings of this process, with the data folder of `--home` if one was given. Raises InvalidInput
    naming every environment variable that cannot be understood."""
    from pydantic import ValidationError

    from backend.domain.errors import InvalidInput
    from backend.settings import get_settings

    if home is not None:
        os.environ["PARALLAX_HOME"] = str(home.expanduser().absolute())  # so that children read the same
    try:
        return get_settings()
    except ValidationError as error:
        problems = [f"{variable_of(str(one['loc'][0]))}: {one['msg']}" for one in error.errors()]
        raise InvalidInput("; ".join(problems), "docs/settings.md lists every variable.") from error
    except OSError as error:
        raise InvalidInput(
            f"A setting's file cannot be read: {error}", "Correct the variable ending in _FILE."
        ) from error


def variable_of(field: str) -> str:
    """The environment variable of a setting's field (or alias)."""
    return field.upper() if field.lower() in ("database_url", "broker_url") else f"PARALLAX_{field.upper()}"


def api_url(settings: Settings, given: str | None) -> str:
    """Where the API is: as given, as set, or as the instance that runs on the data folder has noted."""
    from parallax.local.home import Home

    if given:
        return given.rstrip("/")
    if "api_url" not in settings.model_fields_set and settings.home.exists():
        running = Home(settings.home).running_instance().get("url")
        if running:
            return f"{running}/api/v1"
    return settings.api_url
