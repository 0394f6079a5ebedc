"""Postgres under root: it runs as another account, which must reach its files. Collected only where we are root."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from parallax.local import postgres
from parallax.local.binaries import PostgresBinaries, postgres_candidates
from parallax.local.home import Home


def test_under_a_folder_closed_to_its_account_the_cluster_lies_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_to_all = folder.parent / "shared"
    open_to_all.mkdir()
    monkeypatch.setattr(postgres, "SHARED_FOLDERS", (open_to_all,))
    closed = folder.parent / "closed"
    closed.mkdir(mode=0o700)
    home = Home(closed / "home")
    server = postgres.prepare(home, preferred_port=0)
    assert server.cluster.is_relative_to(open_to_all)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    with postgres.running(server, home.fresh_log("postgres")):
        server.create_database()
    assert postgres.prepare(home, preferred_port=0).cluster == server.cluster


def test_programs_its_account_cannot_reach_are_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = postgres_candidates()[-1]
    closed = folder.parent / "closed"
    (closed / "pg").mkdir(parents=True)
    closed.chmod(0o700)
    for part in real.folder.parent.iterdir():
        (closed / "pg" / part.name).symlink_to(part)
    hidden = PostgresBinaries(closed / "pg" / real.folder.name, real.major, real.origin)
    monkeypatch.setattr(postgres, "find_postgres", lambda *_: hidden)
    server = postgres.prepare(Home(folder), preferred_port=0)
    assert server.binaries.is_relative_to(folder)
