"""The compose file as data, with its anchors and merges resolved."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML

from tests.architecture.tree import ROOT

OURS = ("api", "frontend", "dispatcher", "worker-cpu", "worker-gpu", "migrate")
OTHERS = ("postgres", "valkey", "nginx")


@lru_cache(maxsize=1)
def compose() -> dict[str, Any]:
    """The whole file."""
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(ROOT / "docker-compose.yml")
    return loaded


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"][name]
    return found
