"""The page about checking consistency offline is followed as it stands."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from backend.domain.consistency import SMALL_MODELS
from tests.unit.cli.files import CommandLine
from tests.unit.cli.matrices import read_rows
from tests.unit.docs.markdown import snippets, text_of

PAGE = "docs/how-to/check-consistency-offline.md"
NUMBERS = {8: "eight", 10: "ten", 12: "twelve"}


def test_the_page_can_be_followed(
    parallax: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write, read = (one.text for one in snippets(PAGE, "python"))
    exec(compile(write, PAGE, "exec"), {})
    (commands,) = snippets(PAGE, "sh")
    ends = [parallax(*shlex.split(line)[1:]) for line in commands.text.splitlines()]
    assert [(one.status, one.err) for one in ends] == [(0, ""), (0, "")]
    said = json.loads(ends[1].out)
    assert (said["method"], len(said["datasets"])) == ("spearman", 5)
    told = set(re.findall(r"^\| (`.+) \|", text_of(PAGE).partition("## What is in the table")[2], re.M))
    columns = {name for cell in told for name in re.findall(r"`(\w+)`", cell.partition(" | ")[0])}
    assert columns == set(read_rows(tmp_path / "anchors.csv")[0])
    assert f"fewer than\n{NUMBERS[SMALL_MODELS]} models" in text_of(PAGE)
    exec(compile(read, PAGE, "exec"), {})
    assert re.fullmatch(r"\w+ and \w+: r = 0\.\d{3}\n", capsys.readouterr().out)
