from __future__ import annotations

import pytest

from tests.support.in_process import plain_torch  # noqa: F401 (a fixture)
from tests.unit.cli.files import CommandLine


@pytest.fixture
def parallax(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], plain_torch: None) -> CommandLine:  # noqa: F811
    """Runs `parallax` with arguments, in this process."""
    return CommandLine(monkeypatch, capsys)
