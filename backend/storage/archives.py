"""Reading dataset archives: pictures as bytes that hash to the manifest, decoded completely or refused."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from backend.contracts.archives import MANIFEST_FILE, MAX_MANIFEST_BYTES, ArchiveManifest, validated
from backend.domain.errors import InvalidInput

MAX_PICTURE_BYTES = 64 * 1024**2
EIGHT_BIT_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"})


class UnreadablePicture(Exception):
    """A picture cannot be decoded; the message says why."""


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive for reading. InvalidInput if it is no zip file."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise InvalidInput(
            f"This is not a zip file that can be read: {error}.",
            "Make a dataset archive as docs/how-to/add-a-dataset.md describes.",
        ) from error


def open_again(path: Path) -> zipfile.ZipFile:
    """The archive, kept open between calls: reading the directory of a large one takes longer than a picture of it."""
    status = path.stat()
    return _kept_open(path, status.st_ino, status.st_mtime_ns)


@lru_cache(maxsize=8)
def _kept_open(path: Path, inode: int, modified_ns: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


def read_manifest(archive: zipfile.ZipFile) -> ArchiveManifest:
    """The manifest, checked. InvalidInput or FieldErrors naming everything that is wrong."""
    try:
        raw = json.loads(_read(archive, MANIFEST_FILE, MAX_MANIFEST_BYTES))
    except UnreadablePicture as error:
        raise InvalidInput(f"The archive has no usable {MANIFEST_FILE}: {error}.",
                           "docs/how-to/add-a-dataset.md shows one.") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{MANIFEST_FILE} is not JSON: {error}.") from error
    return validated(ArchiveManifest, raw)


def read_picture(archive: zipfile.ZipFile, name: str) -> bytes:
    """The bytes of one picture. UnreadablePicture if it is missing, too large or damaged."""
    return _read(archive, name, MAX_PICTURE_BYTES)


def decode(data: bytes, max_pixels: int) -> Image.Image:
    """The picture in RGB, decoded to its last pixel (a truncated file is an error). UnreadablePicture says why not."""
    if not data:
        raise UnreadablePicture("the file is empty")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise UnreadablePicture(f"{width} x {height} pixels are more than the {max_pixels:,} accepted")
            return _in_rgb(picture)
    except UnreadablePicture:
        raise
    except UnidentifiedImageError:
        formats = "PNG, JPEG, WebP, BMP, TIFF, GIF"
        raise UnreadablePicture(f"it is not a picture in a format that is read ({formats})") from None
    except Exception as error:
        # Pillow's decoders raise many kinds of errors on damaged files; each means the same here.
        raise UnreadablePicture(f"it cannot be decoded ({str(error)[:120] or type(error).__name__})") from error


def _in_rgb(picture: Image.Image) -> Image.Image:
    """The picture in RGB; what is transparent is laid on white, as on a page.

    Pictures of more than 8 bits a channel are refused: converting them would clip, and turn them black or white.
    """
    if picture.mode not in EIGHT_BIT_MODES:
        raise UnreadablePicture(f"it has pixels of mode {picture.mode}; save it with 8 bits a channel")
    if picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info:
        seen = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")
    return picture.convert("RGB")


def _read(archive: zipfile.ZipFile, name: str, max_bytes: int) -> bytes:
    try:
        with archive.open(name) as file:
            data = file.read(max_bytes + 1)
    except KeyError:
        raise UnreadablePicture("the archive has no such file") from None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise UnreadablePicture(f"the archive is damaged there ({error})") from error
    except Exception as error:
        raise UnreadablePicture(f"the archive cannot be unpacked there ({type(error).__name__})") from error
    if len(data) > max_bytes:
        raise UnreadablePicture(f"it is larger than {max_bytes:,} bytes")
    return data
