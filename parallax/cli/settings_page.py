"""Writes `docs/settings.md` from the settings in the code, so that the two cannot differ.

python -m parallax.cli.settings_page > docs/settings.md
"""

from __future__ import annotations

from typing import Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from backend.settings import Settings
from parallax.cli.options import variable_of

HEAD = """\
# Settings

Every process reads its settings from the environment. Durations are in seconds, sizes in bytes or MiB, as the names
say. `DATABASE_URL`, `BROKER_URL` and `PARALLAX_SECRET` may instead be given as a file, as container secrets are:
`DATABASE_URL_FILE=/run/secrets/database_url`. On one machine (`parallax up`, `parallax demo`) none of them is needed.

This page is written by `make settings`.

| variable | default | meaning |
|---|---|---|
"""


def page() -> str:
    """The whole page, in Markdown."""
    return HEAD + "".join(_row(name, field) for name, field in Settings.model_fields.items())


def _row(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    variable = variable_of(alias if isinstance(alias, str) else name)
    meaning = (field.description or "").strip()
    if get_origin(field.annotation) is Literal:
        meaning += " One of " + ", ".join(f"`{value}`" for value in get_args(field.annotation)) + "."
    return f"| `{variable}` | {_default(field)} | {meaning} |\n".replace("|  |", "| |")


def _default(field: FieldInfo) -> str:
    value = field.default
    if value in (None, PydanticUndefined, ""):
        return ""
    return f"`{value.get_secret_value() if isinstance(value, SecretStr) else value}`"


if __name__ == "__main__":
    print(page(), end="")
