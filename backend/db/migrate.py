"""Bringing a database to the schema of this version (Alembic, folder `migrations/`)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

import migrations


def alembic_config(database_url: str) -> Config:
    """Alembic's configuration, made here: there is no ini file to keep in step."""
    config = Config()
    # No paths with a percent sign or a blank are misread: values are escaped, and locations are a list of one.
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str, revision: str = "head") -> None:
    """Migrates up to a revision. Safe to call at every start and from several processes: they wait for each other."""
    command.upgrade(alembic_config(database_url), revision)


def downgrade(database_url: str, revision: str) -> None:
    command.downgrade(alembic_config(database_url), revision)


def check(database_url: str) -> None:
    """Raises alembic.util.CommandError if the tables in the code and the migrations disagree."""
    command.check(alembic_config(database_url))


def head_revision() -> str | None:
    """The revision that this version of the code needs."""
    return ScriptDirectory.from_config(alembic_config("")).get_current_head()


def current_revision(connection: Connection) -> str | None:
    """The revision that the database has; None when it is empty."""
    return MigrationContext.configure(connection).get_current_revision()
