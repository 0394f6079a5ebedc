"""The import rules hold on this tree, and each of them can fail: a forbidden import that is planted is found."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGES, ROOT, files

# Contract -> (file that is extended or made, what is put into it).
PLANTED = {
    "whole": ("workers/runtime/arithmetic.py", "import frontend.theme"),
    "backend": ("backend/domain/jobs.py", "import backend.contracts.jobs"),
    "workers": ("workers/runtime/arithmetic.py", "import workers.pipelines.compare"),
    "frontend": ("frontend/theme.py", "import frontend.figures.heatmap"),
    "parallax": ("parallax/client/client.py", "import parallax.local.home"),
    "backend-is-light": ("backend/services/catalogue.py", "def later():\n    import torch"),
    "api-without-broker": ("backend/api/routes/jobs.py", "import redis"),
    "domain-is-pure": ("backend/domain/jobs.py", "import sqlalchemy"),
    "sql-in-one-place": ("workers/extraction/forward.py", "import sqlalchemy"),
    "tables-stay-inside": ("backend/services/catalogue.py", "import backend.db.tables.jobs"),
    "workers-serve-nobody": ("workers/pipelines/compare.py", "import backend.services.catalogue"),
    "similarity-is-pure": ("workers/similarity/cka.py", "import backend.storage"),
    "frontend-asks-the-api": ("frontend/pages/jobs.py", "import backend.db.engine"),
    "client-is-thin": ("parallax/client/client.py", "import backend.settings"),
    "nothing-above-the-command-line": ("workers/pipelines/compare.py", "import benchmarks"),
    "no-cycles": ("backend/db/tables/jobs.py", "import backend.db.repositories.jobs"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; from importlinter.cli import lint_imports_command as lint; sys.exit(lint())"
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"COLUMNS": "400"}
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120,
    )


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code and the rules, without anything else."""
    folder = tmp_path_factory.mktemp("tree")
    for path in files():
        if (path.parts[0] in PACKAGES and path.suffix == ".py") or path.name == ".importlinter":
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, folder / path)
    return folder


@contextmanager
def planted(path: Path, code: str) -> Iterator[None]:
    """The file with more code at its end, while the block lasts; a file that was not there goes away again."""
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{before or ''}\n\n{code}\n", encoding="utf-8")
    try:
        yield
    finally:
        if before is None:
            shutil.rmtree(path.parent)
        else:
            path.write_text(before, encoding="utf-8")


def rules() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


def contracts() -> dict[str, str]:
    """Short name of each contract -> the name that the linter prints."""
    found = rules()
    start = "importlinter:contract:"
    return {name.removeprefix(start): found[name]["name"] for name in found.sections() if name.startswith(start)}


def test_the_rules_hold(pristine: Path) -> None:
    result = lint(pristine)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_rule_has_an_import_that_breaks_it() -> None:
    assert set(PLANTED) == set(contracts())


@pytest.mark.parametrize("contract", sorted(PLANTED))
def test_a_planted_import_is_found(contract: str, pristine: Path) -> None:
    path, code = PLANTED[contract]
    assert (pristine / path).exists()
    with planted(pristine / path, code):
        result = lint(pristine)
    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{contracts()[contract]} BROKEN" in result.stdout, result.stdout


@pytest.mark.parametrize("package", ["backend", "workers", "frontend", "parallax"])
def test_a_new_folder_must_be_placed(package: str, pristine: Path) -> None:
    with planted(pristine / package / "novelty" / "__init__.py", ""):
        result = lint(pristine)
    assert result.returncode == 1 and "novelty" in result.stdout, result.stdout


@pytest.mark.parametrize("package", ["backend", "workers", "frontend", "parallax"])
def test_layers_are_exhaustive(package: str) -> None:
    section = rules()[f"importlinter:contract:{package}"]
    assert section["exhaustive"] == "true" and section["containers"] == package
    assert "exhaustive_ignores" not in section


def test_every_top_level_package_is_looked_at() -> None:
    assert rules()["importlinter"]["root_packages"].split() == sorted(PACKAGES)
