"""The array store on a local (or shared) disk: written as temporary, fsynced, renamed; never half a file."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile

from backend.domain.errors import StorageFull, StoredFileDamaged, TooLarge

TEMPORARY_PREFIX = ".tmp-"
RESTORE = "Restore it from a backup, or send the same file again: it takes the damaged one's place."
# Verified files by (inode, size, modification time): hashing again what has not changed would only cost time.
_verified: dict[tuple[str, int, int, int], bool] = {}


def is_disk_full(error: OSError) -> bool:
    """Whether a write failed because there is no more room for it: disk, quota, or largest file size."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class LocalStore:
    """Files at `folder/ab/abcdef...`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, chunks: Iterable[bytes], max_bytes: int | None = None) -> tuple[str, int]:
        digest = hashlib.sha256()
        size = 0
        temporary: Path | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=self.folder, prefix=TEMPORARY_PREFIX, delete=False) as file:
                temporary = Path(file.name)
                for chunk in chunks:
                    size += len(chunk)
                    if max_bytes is not None and size > max_bytes:
                        raise TooLarge(
                            f"The file is larger than the {max_bytes:,} bytes that are accepted.",
                            "Send a smaller file.",
                        )
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            sha256 = digest.hexdigest()
            final = self._at(sha256)
            final.parent.mkdir(exist_ok=True)
            # Replacing an existing file of that name is right even if it was damaged: the bytes hash to the name.
            temporary.chmod(0o644)
            temporary.replace(final)
            self._sync_folder(final.parent)
            return sha256, size
        except OSError as error:
            if is_disk_full(error):
                raise StorageFull(
                    f"The disk of the array store ({self.folder}) is full; nothing was stored.",
                    "Free some space or point PARALLAX_STORE_PATH at a larger disk; the job can then be sent again.",
                ) from error
            raise
        finally:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    temporary.unlink()

    def path(self, sha256: str) -> Path:
        path = self._at(sha256)
        try:
            status = path.stat()
        except FileNotFoundError as error:
            raise StoredFileDamaged(f"The stored file {sha256[:12]} is missing from {self.folder}.", RESTORE) from error
        fingerprint = (str(path), status.st_ino, status.st_size, status.st_mtime_ns)
        if fingerprint not in _verified:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != sha256:
                raise StoredFileDamaged(
                    f"The stored file {sha256[:12]} is damaged: its bytes hash to {found[:12]}.", RESTORE
                )
            _verified[fingerprint] = True
        return path

    def sweep(self, used: set[str], older_than_s: float = 24 * 3600, temporary_older_than_s: float = 3600) -> int:
        """Removes abandoned temporary files and files that no row names; answers how many.

        `used` must have been read after the oldest file considered was written, hence the ages.
        """
        removed, now = 0, time.time()
        for path in [*self.folder.glob(f"{TEMPORARY_PREFIX}*"), *self.folder.glob("??/*")]:
            temporary = path.name.startswith(TEMPORARY_PREFIX)
            try:
                age = now - path.stat().st_mtime
            except FileNotFoundError:
                continue  # renamed or removed by another process meanwhile
            if (temporary and age > temporary_older_than_s) or (
                not temporary and path.name not in used and age > older_than_s
            ):
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _at(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise StoredFileDamaged(f"{sha256[:80]!r} is not the name of a stored file.")
        return self.folder / sha256[:2] / sha256

    @staticmethod
    def _sync_folder(folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
