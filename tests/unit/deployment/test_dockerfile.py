"""The Dockerfile: its lint, and what only a look at the package can tell."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

from tests.architecture.tree import PACKAGES, ROOT, files
from tests.unit.deployment.compose import service


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    assert hadolint, "hadolint comes with the extra `dev`"
    result = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0 and not result.stdout, result.stdout + result.stderr


def test_the_images_do_not_run_as_root_and_say_how_they_are() -> None:
    for target in ("web", "worker"):
        stage = dockerfile().partition(f"\nFROM base AS {target}\n")[2].partition("\nFROM ")[0]
        assert "\nUSER 10001:10001\n" in f"\n{stage}" and "\nHEALTHCHECK " in f"\n{stage}", target


def test_only_the_worker_gets_torch_and_at_the_pinned_version() -> None:
    stages = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", dockerfile(), re.M | re.S))
    assert "'.[workers]'" in stages["worker-dependencies"] and "workers]" not in stages["web-dependencies"]
    assert all("--constraint constraints.txt" in stages[f"{name}-dependencies"] for name in ("web", "worker"))
    assert "--from=web-build" in stages["web"] and "--from=worker-build" in stages["worker"]
    assert dockerfile().count("pip install") == dockerfile().count("pip install --no-cache-dir")


def test_everything_the_package_needs_reaches_the_builder() -> None:
    named = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(PACKAGES) <= named
    copied = {"pyproject.toml", "constraints.txt", "README.md", "LICENSE"}
    assert copied <= named


def test_every_data_file_of_the_package_is_installed() -> None:
    """What an editable installation hides: a file that no pattern names is missing from a real one."""
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    forgotten = [
        str(path) for path in files()
        if path.parts[0] in PACKAGES and path.suffix not in (".py", ".md")
        and not any(fnmatch(path.name, pattern) for pattern in patterns)
    ]
    assert not forgotten, f"name these in tool.setuptools.package-data of pyproject.toml: {forgotten}"


def test_volumes_find_their_folders_owned_by_the_account_of_the_image() -> None:
    made = re.search(r"install -d -o parallax -g parallax (.*)", dockerfile())
    assert made
    for name in ("api", "worker-cpu"):
        for volume in service(name)["volumes"]:
            assert volume.partition(":")[2] in made.group(1).split()


def test_the_health_checks_of_compose_and_image_are_the_same() -> None:
    """The worker's and the dispatcher's look at processes; both files must mean the same check."""
    commands = re.findall(r'CMD \["sh", "-c", "(.*)"\]', dockerfile())
    plain = [command.replace('\\"', '"').replace("\\\\", "\\") for command in commands]
    in_compose = [
        service(name)["healthcheck"]["test"][1].replace("$$", "$") for name in ("dispatcher", "worker-cpu")
    ]
    assert plain == in_compose
