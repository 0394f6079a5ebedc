"""The command line itself: exit statuses, messages without tracebacks, and help for every command."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backend.contracts.problems import FieldProblem, Problem
from backend.domain.errors import BadData, Conflict, InvalidInput, NotAvailable, NotFound, ParallaxError, UnsafeSetting
from backend.settings import get_settings
from parallax.cli import about, main, options
from parallax.client.client import ApiError

COMMANDS = ("demo", "up", "doctor", "version", "compare", "metrics", "api", "frontend", "dispatcher", "worker")
NOUNS = {
    "db": ("upgrade",), "datasets": ("add", "list"), "models": ("submit", "list"), "embeddings": ("diagnose",),
    "layers": ("search",), "consistency": ("compute",),
}


@pytest.fixture(autouse=True)
def fresh_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    get_settings.cache_clear()
    monkeypatch.setenv("PARALLAX_HOME", "/nonexistent/parallax")  # put back at the end, whatever a command sets


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The command with these arguments; its exit status."""
    monkeypatch.setattr(sys, "argv", ["parallax", *arguments])
    with pytest.raises(SystemExit) as ended:
        main.run()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("command", [*[(one,) for one in COMMANDS], *[(n, v) for n, vs in NOUNS.items() for v in vs]])
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main.app, [*command, "--help"])
    assert shown.exit_code == 0
    assert len(shown.output.split()) > 15


def test_no_command_is_left_out_of_these_tests() -> None:
    named = {one.name or one.callback.__name__ for one in main.app.registered_commands if one.callback}
    assert named == set(COMMANDS)
    assert {group.name for group in main.app.registered_groups} == set(NOUNS)


def test_version_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "version", "--json") == 0
    assert set(json.loads(capsys.readouterr().out)) == {"version"}


def test_a_word_that_is_no_command_is_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "dance") == 2


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInput("x"), 2), (BadData("x"), 1), (NotFound("x"), 2), (Conflict("x"), 3), (UnsafeSetting("x"), 3),
        (NotAvailable("x"), 1), (ParallaxError("x"), 1),
        (ApiError(Problem(title="x", status=422)), 2), (ApiError(Problem(title="x", status=409)), 3),
        (ApiError(Problem(title="x", status=0)), 1), (ApiError(Problem(title="x", status=503)), 1),
    ],
)  # fmt: skip
def test_expected_errors_end_in_a_message_a_hint_and_a_status(
    error: Exception, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if isinstance(error, ApiError):
        error.problem.hint, error.problem.fields = "Do that.", [FieldProblem(field="model.name", message="is empty")]
    else:
        error.hint = "Do that."  # type: ignore[attr-defined]

    def fail(_: str) -> str:
        raise error

    monkeypatch.setattr("importlib.metadata.version", fail)
    assert run(monkeypatch, "version") == status
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Error: x\n") and said.err.endswith("Do that.\n") and "Traceback" not in said.err
    assert ("model.name: is empty" in said.err) == isinstance(error, ApiError)
    assert about.version


def test_a_full_disk_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(_: str) -> str:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/x")

    monkeypatch.setattr("importlib.metadata.version", full)
    assert run(monkeypatch, "version") == 1
    assert capsys.readouterr().err.startswith("Error: No space left on device: /data/x\nFree some space")


def test_a_setting_that_cannot_be_understood_is_named_as_its_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PARALLAX_LEASE_S", "soon")
    assert run(monkeypatch, "doctor") == 2
    assert "PARALLAX_LEASE_S: Input should be a valid number" in capsys.readouterr().err


def test_the_data_folder_of_the_command_line_wins(tmp_path: Path) -> None:
    assert options.settings_with(tmp_path).home == tmp_path


def test_the_api_is_the_one_given_or_set_or_running_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from parallax.local.home import Home

    settings = options.settings_with(tmp_path)
    assert options.api_url(settings, "http://there/api/v1/") == "http://there/api/v1"
    assert options.api_url(settings, None) == settings.api_url
    home = Home(tmp_path)
    with home.lock():
        home.announce(url="http://127.0.0.1:8051")
        assert options.api_url(settings, None) == "http://127.0.0.1:8051/api/v1"
    monkeypatch.setenv("PARALLAX_API_URL", "http://set/api/v1")
    get_settings.cache_clear()
    assert options.api_url(options.settings_with(tmp_path), None) == "http://set/api/v1"


def test_a_file_that_is_not_there_is_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "datasets", "add", "/nonexistent.zip") == 2
