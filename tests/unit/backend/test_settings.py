"""Settings: where they come from, and the one that is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.domain.errors import UnsafeSetting
from backend.settings import DEFAULT_SECRET, Settings, get_settings


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing of the developer's environment, and nothing remembered."""
    import os

    for name in list(os.environ):
        if name.startswith(("PARALLAX_", "DATABASE_URL", "BROKER_URL")):
            monkeypatch.delenv(name)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def test_a_server_does_not_start_with_the_secret_that_everybody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().secret.get_secret_value() == DEFAULT_SECRET, "local mode needs none"
    monkeypatch.setenv("PARALLAX_MODE", "server")
    with pytest.raises(UnsafeSetting, match="PARALLAX_SECRET"):
        Settings()
    monkeypatch.setenv("PARALLAX_SECRET", "x" * 32)
    assert Settings().mode == "server"


def test_secrets_may_be_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (
        ("DATABASE_URL", "postgresql://u:p@db/x\n"), ("BROKER_URL", "redis://:p@v/0"), ("PARALLAX_SECRET", "s" * 40),
    ):  # fmt: skip
        file = tmp_path / name
        file.write_text(value)
        monkeypatch.setenv(f"{name}_FILE", str(file))
    monkeypatch.setenv("PARALLAX_MODE", "server")
    settings = get_settings()
    assert settings.database_url.get_secret_value() == "postgresql+psycopg://u:p@db/x"
    assert settings.broker_url.get_secret_value() == "redis://:p@v/0"
    assert settings.secret.get_secret_value() == "s" * 40


@pytest.mark.parametrize("prefix", ["postgresql://", "postgres://", "postgresql+psycopg://"])
def test_every_spelling_of_a_postgres_address_is_understood(prefix: str) -> None:
    settings = Settings(DATABASE_URL=f"{prefix}u:p@h/d")
    assert settings.database_url.get_secret_value() == "postgresql+psycopg://u:p@h/d"


def test_secrets_are_not_shown() -> None:
    settings = Settings(DATABASE_URL="postgresql://u:hunter2@h/d", secret="hunter3")
    assert "hunter" not in repr(settings) and "hunter" not in settings.model_dump_json()


def test_defaults_that_follow_from_others(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, lease_s=30)
    assert settings.store_folder == tmp_path / "store" and settings.cache_folder == tmp_path / "cache"
    assert settings.beat_s == 10
    assert Settings(heartbeat_s=2, lease_s=30).beat_s == 2
    assert Settings(store_path=Path("/s"), cache_path=Path("/c")).store_folder == Path("/s")


@pytest.mark.parametrize(("name", "value"), [
    ("PARALLAX_LEASE_S", "0"), ("PARALLAX_MODE", "cloud"), ("PARALLAX_BATCH_SIZE", "0"), ("PARALLAX_DEVICE", "tpu"),
    ("PARALLAX_MAX_ATTEMPTS", "x"),
])  # fmt: skip
def test_a_value_out_of_range_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=name.removeprefix("PARALLAX_").lower()):
        Settings()
