"""The data folder: one instance at a time, private secrets, logs of the last few runs."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from backend.domain.errors import Conflict, NotAvailable
from parallax.local.home import KEPT_LOGS, Home


def test_a_second_instance_is_refused_with_the_process_and_address_of_the_first(home: Home) -> None:
    with home.lock():
        home.announce(url="http://127.0.0.1:8050")
        told = r"already runs on .*data folder \(process \d+, at http://127.0.0.1:8050\)"
        with pytest.raises(Conflict, match=told), Home(home.folder).lock():
            pass
        assert home.running_instance()["url"] == "http://127.0.0.1:8050"
    assert home.running_instance() == {}
    with home.lock():
        pass


def test_a_lock_ends_with_the_process_that_held_it(home: Home) -> None:
    holder = (
        "import sys, os\nfrom pathlib import Path\nfrom parallax.local.home import Home\n"
        "home = Home(Path(sys.argv[1]))\n"
        "with home.lock():\n    home.announce(url='http://gone'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", holder, str(home.folder)], check=False)
    assert home.instance()["url"] == "http://gone"
    assert home.running_instance() == {}
    with home.lock():
        assert home.instance()["url"] == ""


def test_a_secret_is_made_once_and_is_private(home: Home) -> None:
    first = home.secret("postgres")
    assert home.secret("postgres") == first != home.secret("valkey")
    assert stat.S_IMODE((home.folder / "postgres.password").stat().st_mode) == 0o600


def test_what_is_remembered_is_recalled(home: Home) -> None:
    assert home.recall("place") is None
    home.remember("place", "somewhere")
    home.remember("other", "elsewhere")
    assert Home(home.folder).recall("place") == "somewhere"


def test_logs_of_the_last_runs_are_kept(home: Home) -> None:
    for run in range(KEPT_LOGS + 3):
        home.fresh_log("web").write_text(f"run {run}")
    newest = KEPT_LOGS + 2
    assert (home.logs / "web.log").read_text() == f"run {newest}"
    kept = sorted(path.name for path in home.logs.iterdir())
    assert kept == ["web.log", *(f"web.log.{age}" for age in range(1, KEPT_LOGS + 1))]
    assert (home.logs / f"web.log.{KEPT_LOGS}").read_text() == f"run {newest - KEPT_LOGS}"


def test_a_folder_that_cannot_be_made_is_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotAvailable, match="cannot be made") as refusal:
        Home(tmp_path / "file" / "home")
    assert "--home" in refusal.value.hint
