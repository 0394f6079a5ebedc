"""What the documentation says exists: links, files, folders, commands, endpoints, metrics, targets."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import typer

from tests.architecture.tree import ROOT, packages
from tests.unit.docs.markdown import links, pages, snippets, text_of

PATHS = re.compile(r"`((?:backend|benchmarks|docs|frontend|migrations|parallax|tests|workers)/[\w./-]*)`")


@pytest.mark.parametrize("page", pages(), ids=str)
def test_links_lead_somewhere(page: Any) -> None:
    broken = [link for link in links(page) if not (ROOT / page.parent / link.partition("#")[0]).exists()]
    assert not broken


@pytest.mark.parametrize("page", pages(), ids=str)
def test_files_and_folders_that_are_named_exist(page: Any) -> None:
    assert not [path for path in PATHS.findall(text_of(page)) if not (ROOT / path).exists()]


def test_every_page_is_in_an_index() -> None:
    listed = {(ROOT / "docs" / link).resolve() for link in links("docs/README.md")}
    listed |= {(ROOT / "docs/decisions" / link).resolve() for link in links("docs/decisions/README.md")}
    written = {(ROOT / page).resolve() for page in pages() if page.parts[0] == "docs"}
    unlisted = {str(page.relative_to(ROOT)) for page in written - listed if page.name != "README.md"}
    assert not unlisted


def test_the_architecture_names_every_folder_of_code() -> None:
    text = text_of("docs/architecture.md")
    assert not [folder for folder in packages() if f"`{folder}/`" not in text]


def test_the_architecture_shows_the_layers_that_are_enforced() -> None:
    rows = dict(re.findall(r"^\| (\w+) \| ((?:[^|\\]|\\\|)+) \|", text_of("docs/architecture.md"), re.M))
    rules = (ROOT / ".importlinter").read_text()
    for package in ("backend", "workers", "frontend", "parallax"):
        section = rules.partition(f"[importlinter:contract:{package}]")[2].partition("\n[")[0]
        layers = section.partition("layers =\n")[2].split("\n\n")[0].split("\n")
        enforced = " > ".join(f"({layer})" if "|" in layer else layer for layer in map(str.strip, layers) if layer)
        assert rows[package].strip().replace("\\|", "|") == enforced


def test_every_command_is_listed() -> None:
    from parallax.cli.main import app

    def walk(command: Any, words: tuple[str, ...]) -> list[str]:
        below = getattr(command, "commands", None)
        if below is None:
            return [" ".join(words)]
        return [line for name, one in below.items() for line in walk(one, (*words, name))]

    commands = set(walk(typer.main.get_command(app), ("parallax",)))
    assert set(re.findall(r"^\| `(parallax [^`]+)` \|", text_of("docs/commands.md"), re.M)) == commands


def test_every_endpoint_is_listed() -> None:
    from backend.api.app import PREFIX, create_app

    spec = create_app().openapi()
    exist = {f"{verb.upper()} {path.removeprefix(PREFIX)}" for path, verbs in spec["paths"].items() for verb in verbs}
    listed = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)`", text_of("docs/api.md")))
    assert listed == exist


def test_targets_of_make_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in pages():
        assert set(re.findall(r"`make ([a-z-]+)", text_of(page))) <= targets, page
    assert [line.split()[1] for line in snippets("README.md")[0].text.splitlines()] == ["demo", "test"]


def test_commands_that_are_shown_can_be_typed() -> None:
    from tests.unit.deployment.test_compose import parse

    shown = [
        line for page in pages() for one in snippets(page) if one.language in ("", "bash", "sh")
        for line in one.text.splitlines() if line.startswith("parallax ")
    ]
    assert len(shown) >= 5
    for line in shown:
        if "my-photos.zip" not in line:  # an argument that must be a file that exists
            parse(line.split()[1:])


def test_the_citation_file_is_valid() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.citation-file-format", "CITATION.cff"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_one_version_is_told_everywhere() -> None:
    import tomllib

    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## [{version}] - " in text_of("CHANGELOG.md")
    assert f"${{PARALLAX_VERSION:-{version}}}" in (ROOT / "docker-compose.yml").read_text()


def test_the_readme_tells_the_size_of_the_demo() -> None:
    from parallax.local.demo import demo_checkpoints, demo_datasets

    words = {6: "six", 7: "seven", 8: "eight", 9: "nine"}
    assert f"{len(demo_checkpoints())} small networks on {words[len(demo_datasets())]} datasets" in text_of("README.md")


def test_no_page_names_a_path_of_somebodys_machine() -> None:
    private = re.compile(r"(/home/\w+/|/root/|/Users/|C:\\)")
    assert not [str(page) for page in pages() if private.search(text_of(page))]


def test_words_of_the_glossary_are_those_of_the_code() -> None:
    from backend.domain.attributes import DOMAINS, MODEL_ATTRIBUTES
    from backend.domain.jobs import KINDS, STATES

    text = text_of("docs/glossary.md")
    for word in (*KINDS, *STATES, *DOMAINS, *MODEL_ATTRIBUTES["objective"]):
        assert f"`{word}`" in text, word
