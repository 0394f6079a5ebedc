"""The shape of the tree: what lies at the top, how files are called, how long they are."""

from __future__ import annotations

from tests.architecture.tree import PACKAGES, ROOT, files, sources

TOP = {
    "backend", "frontend", "workers", "migrations", "tests", "parallax", "docs", "benchmarks",
    "pyproject.toml", "constraints.txt", "Makefile", "docker-compose.yml", "Dockerfile", "README.md", "CHANGELOG.md",
    "LICENSE", "CITATION.cff", ".ci", ".gitignore", ".gitattributes", ".dockerignore", ".importlinter",
}
LEAST = TOP - {".gitattributes"}
# Names that say nothing about what is inside and so attract whatever has no place.
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base", "core", "shared", "lib"}
MOST_LINES = 400


def test_the_top_level_is_as_agreed() -> None:
    found = {path.parts[0] for path in files()}
    assert found <= TOP, f"not agreed upon: {sorted(found - TOP)}"
    assert found >= LEAST, f"missing: {sorted(LEAST - found)}"


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    bad = [path for path in files() if FORBIDDEN & {part.lower().partition(".")[0] for part in path.parts}]
    assert not bad, f"name these after what they hold: {[str(path) for path in bad]}"


def test_no_source_file_is_too_long_to_read() -> None:
    # A migration is written once and never edited: cutting it would not make it easier to read.
    lengths = {
        str(path): len((ROOT / path).read_text(encoding="utf-8").splitlines())
        for path in sources(".py", ".js", ".css")
        if path.parts[:2] != ("migrations", "versions")
    }
    long = {path: length for path, length in lengths.items() if length > MOST_LINES}
    assert not long, f"more than {MOST_LINES} lines: {long}"


def test_every_folder_of_code_is_a_package() -> None:
    folders = {path.parent for path in sources(".py") if path.parts[0] in (*PACKAGES, "tests")}
    assert not [str(folder) for folder in folders if not (ROOT / folder / "__init__.py").exists()]


def test_nothing_that_a_machine_makes_is_part_of_the_project() -> None:
    made = {".pyc", ".log", ".sqlite", ".db", ".pkl", ".pt", ".pth", ".DS_Store"}
    assert not [str(path) for path in files() if path.suffix in made]


def test_promises_are_kept_or_not_made() -> None:
    words = ("TO" + "DO", "FIX" + "ME", "X" * 3 + ":", "NotImplemented" + "Error", "pytest.mark." + "skip")
    found = [
        f"{path}:{number}: {word}"
        for path in sources(".py", ".js", ".css")
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1)
        for word in words
        if word in line and not (word.startswith("Not") and "except" in line)
    ]
    assert not found, "\n".join(found)
