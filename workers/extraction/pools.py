"""Pools of decoded images: a dataset is decoded once for all models that wait for it.

A pool is an .npy file of pixels, uint8 (n, h, w, 3), for one dataset and one geometry, in a cache folder that may be
deleted
at any time. It is written as temporary and renamed; a lock lets one process decode while others wait for its result.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from backend.domain.errors import JobFailed, StorageFull
from backend.domain.identity import key_of
from backend.storage import is_disk_full
from backend.storage.archives import UnreadablePicture, decode, open_archive, read_picture
from workers.extraction.geometry import Geometry

Progress = Callable[[str, int, int], None]
EVERY = 32  # stimuli between two reports


def open_pool(
    *, cache: Path, archive: Path, dataset_hash: str, stimuli: Sequence[Any], geometry: Geometry,
    also: Sequence[Geometry], max_pixels: int, progress: Progress,
) -> NDArray[np.uint8]:
    """The decoded images of a dataset in one geometry, mapped read-only: uint8 (n, h, w, 3) in manifest order.

    Where they are not there yet, every picture is decoded once, for this geometry and for those in `also`. `stimuli`
    have `file` and `sha256`. Raises JobFailed if a picture's bytes changed since the dataset was added, StorageFull if
    the cache has no room.
    """
    wanted = _path(cache, dataset_hash, geometry)
    try:
        if not wanted.exists():
            with _locked(cache / f"{dataset_hash}.lock", progress, len(stimuli)):
                missing = [g for g in dict.fromkeys([geometry, *also]) if not _path(cache, dataset_hash, g).exists()]
                if not wanted.exists():
                    with open_archive(archive) as opened:
                        _decode(cache, opened, dataset_hash, stimuli, missing, max_pixels, progress)
    except OSError as error:
        if is_disk_full(error):
            raise StorageFull(
                f"The disk of the decoded images ({cache}) is full.",
                "Free some space or point PARALLAX_CACHE_PATH at a larger disk; the job can then be sent again.",
            ) from error
        raise
    return np.load(wanted, mmap_mode="r", allow_pickle=False)


def _path(cache: Path, dataset_hash: str, geometry: Geometry) -> Path:
    return cache / f"{key_of([dataset_hash, geometry.key])}.npy"


def _decode(
    cache: Path, archive: zipfile.ZipFile, dataset_hash: str, stimuli: Sequence[Any], geometries: Sequence[Geometry],
    max_pixels: int, progress: Progress,
) -> None:
    transforms = [geometry.transform() for geometry in geometries]
    # Unique among processes of all machines that share the folder: process numbers alone repeat in containers.
    temporary = [cache / f".tmp-{uuid4().hex}.npy" for _ in geometries]
    try:
        pools = [
            _new_pool(path, (len(stimuli), geometry.height, geometry.width, 3))
            for path, geometry in zip(temporary, geometries, strict=True)
        ]
        for row, stimulus in enumerate(stimuli):
            if row % EVERY == 0:
                progress("decode", row, len(stimuli))
            picture = _verified_picture(archive, stimulus, row, max_pixels)
            for pool, transform, geometry in zip(pools, transforms, geometries, strict=True):
                pool[row] = _transformed(picture, transform, geometry, stimulus, row)
        for pool, path, geometry in zip(pools, temporary, geometries, strict=True):
            pool.flush()
            path.replace(_path(cache, dataset_hash, geometry))
    finally:
        for path in temporary:
            path.unlink(missing_ok=True)


def _new_pool(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """An .npy file of that shape, mapped for writing, with its room on the disk taken beforehand: a write to a mapped
    file on a full disk would kill the process instead of raising an error."""
    pool = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):  # not on macOS
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return pool


def _verified_picture(archive: zipfile.ZipFile, stimulus: Any, row: int, max_pixels: int) -> Any:
    try:
        data = read_picture(archive, stimulus["file"])
        if hashlib.sha256(data).hexdigest() != stimulus["sha256"]:
            raise UnreadablePicture("its bytes are not those that were added")
        return decode(data, max_pixels)
    except UnreadablePicture as error:
        raise JobFailed(
            "decode", f"Stimulus {row} ({stimulus['stimulus_id']}, {stimulus['file']}) changed: {error}.",
            "The stored archive is damaged. Restore it, or add the dataset again as a new version.", "ours",
        ) from error


def _transformed(
    picture: Image, transform: Callable[[Image], NDArray[np.uint8]], geometry: Geometry, stimulus: Any, row: int
) -> NDArray[np.uint8]:
    try:
        return transform(picture)
    except ValueError as error:
        raise JobFailed(
            "decode", f"Stimulus {row} ({stimulus['stimulus_id']}, {stimulus['file']}) of {picture.width} x "
            f"{picture.height} pixels cannot be brought to {geometry.width} x {geometry.height} the way this model "
            f"wants it (crop mode {geometry.crop_mode}): {error}.", "Leave out pictures that are this thin.",
        ) from error


@contextmanager
def _locked(path: Path, progress: Progress, total: int) -> Iterator[None]:
    """Holds a lock between processes of this machine; waiting reports progress so that cancelling works."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                progress("wait for decoded images", 0, total)
                time.sleep(0.1)
        yield
