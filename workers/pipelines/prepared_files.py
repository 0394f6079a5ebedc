"""Prepared models (kernels, ranks, neighbour lists) kept in files between comparisons, so that one more model costs its
own preparation and reading the others'. A cache: anything in it may be deleted at any time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from zlib import crc32

from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from backend.settings import Settings


class PreparedFiles:
    """One safetensors file per prepared model, named by the hash of its key; the least recently used are deleted when
    together they pass `max_bytes`."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder, self._max_bytes = folder, max_bytes

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(settings.cache_folder / "prepared", settings.prepared_cache_bytes)

    def get(self, key: str) -> Mapping[str, NDArray[Any]] | None:
        path = self._path(key)
        try:
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        checksum, body = content[:4], memoryview(content)[4:]
        if crc32(body).to_bytes(4) != checksum:  # cut off by a crash, or damaged
            path.unlink(missing_ok=True)
            return None
        try:
            found: Mapping[str, NDArray[Any]] = load(bytes(body))
        except SafetensorError:
            return None
        return found

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Nothing is kept where the folder cannot be written: the cache only saves time."""
        body = save(dict(arrays))
        if len(body) > self._max_bytes // 4:
            return
        path = self._path(key)
        temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(crc32(body).to_bytes(4) + body)
            temporary.replace(path)
            self._make_room()
        except OSError:
            with suppress(OSError):
                temporary.unlink()

    def _make_room(self) -> None:
        files = []
        for path in self._folder.iterdir():
            try:
                status = path.stat()
            except FileNotFoundError:  # another worker made room
                continue
            files.append((status.st_mtime, status.st_size, path))
        used = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if used <= self._max_bytes:
                return
            path.unlink(missing_ok=True)
            used -= size

    def _path(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()
