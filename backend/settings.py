"""Every setting of Parallax, read from the environment, documented in one place.

`docs/settings.md` is generated from this class and a test keeps the two equal. Lengths of time are in seconds and
sizes in bytes or MiB, as their names say. Nothing else in the project reads the environment for configuration.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from backend.domain.errors import UnsafeSetting

DEFAULT_SECRET = "parallax-local-only"


class Settings(BaseSettings):
    """Settings of all processes. An environment variable has the field's name in upper case with `PARALLAX_` before it,
    except `DATABASE_URL` and `BROKER_URL`. Those two and `PARALLAX_SECRET` may also be given as a file
    (`DATABASE_URL_FILE` and so on), as container secrets are."""

    model_config = SettingsConfigDict(env_prefix="PARALLAX_", extra="ignore", populate_by_name=True)

    mode: Literal["local", "server"] = Field(
        "local", description="`local` binds to loopback and allows the default secret; `server` refuses it."
    )
    secret: SecretStr = Field(
        SecretStr(DEFAULT_SECRET), description="Signs paging cursors. Must be set outside local mode."
    )
    home: Path = Field(
        Path(".parallax"), description="Data folder: embedded servers, array store, decoded images, logs."
    )
    database_url: SecretStr = Field(
        SecretStr("postgresql+psycopg://parallax@127.0.0.1:5432/parallax"),
        validation_alias="DATABASE_URL",
        description="Postgres. `postgresql://` is understood as the psycopg driver.",
    )
    broker_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        validation_alias="BROKER_URL",
        description="Valkey or Redis that carries Celery tokens. It may lose them: Postgres is the truth.",
    )
    store_path: Path | None = Field(
        None, description="Folder of content-addressed files (embeddings, stimuli, checkpoints). Default: `home`/store."
    )
    cache_path: Path | None = Field(
        None,
        description="Folder of decoded images and prepared models, which can be deleted at any time. Default: "
        "`home`/cache.",
    )
    prepared_cache_bytes: int = Field(
        4 * 1024**3, ge=0,
        description="Most bytes of kernels, ranks and neighbour lists kept in the cache between comparisons.",
    )
    api_url: str = Field("http://127.0.0.1:8050/api/v1", description="Where the frontend and the client find the API.")

    lease_s: float = Field(30.0, gt=0, description="How long a claimed job is left alone without a heartbeat.")
    heartbeat_s: float | None = Field(None, gt=0, description="Time between heartbeats. Default: a third of the lease.")
    stall_s: float = Field(
        900.0, gt=0, description="A job without any progress for this long is given up by its worker."
    )
    dispatch_tick_s: float = Field(0.5, gt=0, description="Time between two rounds of the dispatcher.")
    max_tokens: int = Field(8, ge=1, description="Most tokens waiting in the broker per queue.")
    max_attempts: int = Field(4, ge=1, description="How often a job is tried when workers die under it.")
    retry_backoff_s: float = Field(
        1.0, ge=0, description="Base of the wait before another attempt: base x 2^attempt, at most 300 s."
    )
    compare_patience_s: float = Field(
        15.0, ge=0,
        description="A compare job waits this long for the dataset's extractions, so that one pass fills many rows.",
    )
    max_queued_per_owner: int = Field(20_000, ge=1, description="Most unfinished jobs of one owner; more is refused.")

    batch_size: int = Field(64, ge=1, description="First rung of the batch ladder of extraction.")
    chunk_size: int = Field(2048, ge=1, description="Stimuli per resumable chunk of an extraction.")
    compare_chunk_models: int = Field(
        64, ge=1, description="Models whose rows are committed together while a matrix is filled."
    )
    memory_mib: int = Field(1024, ge=64, description="Memory the similarity engine may use for its blocks.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Device of the worker; `auto` takes a GPU if there is one."
    )
    threads: int = Field(1, ge=1, description="Arithmetic threads per worker process; part of what makes bits repeat.")
    max_upload_bytes: int = Field(2 * 1024**3, ge=1, description="Largest dataset archive that is accepted.")
    max_checkpoint_bytes: int = Field(512 * 1024**2, ge=1, description="Largest checkpoint file that is accepted.")
    max_image_pixels: int = Field(64_000_000, ge=1, description="Largest picture that is decoded.")

    @field_validator("database_url")
    @classmethod
    def _use_psycopg(cls, url: SecretStr) -> SecretStr:
        text = url.get_secret_value()
        for prefix in ("postgresql://", "postgres://"):
            if text.startswith(prefix):
                return SecretStr("postgresql+psycopg://" + text[len(prefix) :])
        return url

    @model_validator(mode="after")
    def _refuse_default_secret(self) -> Self:
        if self.mode == "server" and self.secret.get_secret_value() == DEFAULT_SECRET:
            raise UnsafeSetting(
                "PARALLAX_SECRET still has its default value, which everybody knows, and PARALLAX_MODE is `server`. "
                "Set PARALLAX_SECRET (or PARALLAX_SECRET_FILE) to 32 or more random characters."
            )
        return self

    @property
    def store_folder(self) -> Path:
        return self.store_path or self.home / "store"

    @property
    def cache_folder(self) -> Path:
        return self.cache_path or self.home / "cache"

    @property
    def beat_s(self) -> float:
        return self.heartbeat_s or self.lease_s / 3


def _secrets_from_files() -> dict[str, str]:
    """Values of `<NAME>_FILE` variables: `DATABASE_URL_FILE=/run/secrets/database_url` and the like."""
    import os

    names = {"DATABASE_URL": "DATABASE_URL", "BROKER_URL": "BROKER_URL", "PARALLAX_SECRET": "secret"}
    return {
        field: Path(os.environ[f"{name}_FILE"]).read_text().strip()
        for name, field in names.items()
        if os.environ.get(f"{name}_FILE")
    }


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings(**_secrets_from_files())  # type: ignore[arg-type]
