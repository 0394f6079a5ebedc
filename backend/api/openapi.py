"""Prints the OpenAPI document of this version: `python -m backend.api.openapi > docs/openapi.json`."""

from __future__ import annotations

import json

from backend.api.app import create_app
from backend.settings import Settings


def document() -> str:
    """The document as committed: indented, ending in a line break."""
    return json.dumps(create_app(Settings()).openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(document(), end="")
