"""Embeddings in files: safetensors, npy, npz and parquet, known by shape before their numbers are read."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from backend.domain.errors import ParallaxError
from workers.pipelines.embedding_errors import (
    BadSampleIds,
    DuplicateNames,
    DuplicateSamples,
    MissingFeatures,
    MissingPath,
    NoEmbeddings,
    NoFeatures,
    NotTwoDimensional,
    OtherSampleOrder,
    SeveralArrays,
    UnknownFileType,
    UnreadableFile,
)
from workers.similarity.embeddings import EmbeddingSource
from workers.similarity.errors import NotFloatRows

FEATURES, SAMPLE_IDS, SAMPLE_ID = "features", "sample_ids", "sample_id"
Array = NDArray[Any]


@dataclass(frozen=True)
class EmbeddingFile:
    """An embedding of `n` stimuli by `d` features at `path`; its model is called `name`. `sample_ids` has the id of
    every row, in a file that tells them; `read` gives the array (n, d), floating point."""

    path: Path
    n: int
    d: int
    sample_ids: tuple[str, ...] | None
    read: Callable[[], Array]

    @property
    def name(self) -> str:
        return self.path.stem

    def source(self, check: Callable[[Array], None] | None = None) -> EmbeddingSource:
        """For the engine, named by its path in messages. `check` sees the rows whenever they are loaded, and may refuse
        them."""

        def load() -> Array:
            with _reading(self.path):
                rows = self.read()
            if check is not None:
                check(rows)
            return rows

        return EmbeddingSource(str(self.path), self.n, self.d, load)

    def row(self, row: int) -> str:
        """A row in words."""
        known = f", sample {self.sample_ids[row]}" if self.sample_ids else ""
        return f"Row {row} (counted from 0{known}) of {self.path}"


def find_embeddings(paths: Sequence[Path], beside: Sequence[Path] = ()) -> list[Path]:
    """The files themselves, and those of folders by name, without hidden files, other types, and `beside`.

    Raises MissingPath, NoEmbeddings, DuplicateNames."""
    found: list[Path] = []
    skipped = {path.absolute() for path in beside}
    for path in paths:
        if path.is_dir():
            inside = sorted(
                one for one in path.iterdir()
                if one.is_file() and one.suffix in READERS and one.name[0] != "." and one.absolute() not in skipped
            )
            if not inside:
                raise NoEmbeddings(f"The folder {path} has no embeddings.", hint=f"It needs files of {_types()}.")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise MissingPath(f"There is no file or folder {path}.", hint="Correct the path.")
    first: dict[str, Path] = {}
    for path in found:
        if path.stem in first:
            raise DuplicateNames(
                f"{first[path.stem]} and {path} would both be the model {path.stem}.",
                hint="Models are named by the files' stems: rename one file, or leave it out.",
            )
        first[path.stem] = path
    return found


def open_embedding(path: Path) -> EmbeddingFile:
    """The file by shape and ids, its numbers still unread.

    Raises UnknownFileType, UnreadableFile, MissingFeatures, SeveralArrays, NotTwoDimensional, NoFeatures,
    NotFloatRows, BadSampleIds and DuplicateSamples."""
    if path.suffix not in READERS:
        raise UnknownFileType(f"{path} is not of a type that is read.", hint=f"Give a file of {_types()}.")
    with _reading(path):
        opened = READERS[path.suffix](path)
    ids = opened.sample_ids
    if ids is not None and len(ids) != opened.n:
        raise BadSampleIds(f"{path} has {len(ids)} sample ids for {opened.n} rows.", hint="Give one id per row.")
    place: dict[str, int] = {}
    for row, one in enumerate(ids or ()):
        if place.setdefault(one, row) != row:
            raise DuplicateSamples(
                f"{path} has the sample {one} twice: rows {place[one]} and {row} (counted from 0).",
                hint="Every stimulus has one row.",
            )
    return opened


def check_order(files: Sequence[EmbeddingFile]) -> None:
    """Refuse files whose ids say that row i is not the same sample in all of them (OtherSampleOrder). Files without
    ids are taken at their word. All have the same number of rows."""
    knowing = [file for file in files if file.sample_ids is not None]
    for file in knowing[1:]:
        first, ids, others = knowing[0], knowing[0].sample_ids or (), file.sample_ids or ()
        if ids == others:
            continue
        row = next(i for i, (a, b) in enumerate(zip(ids, others, strict=True)) if a != b)
        where = f"At row {row} (counted from 0) {first.path} has {ids[row]} and {file.path} has {others[row]}"
        if set(ids) == set(others):
            raise OtherSampleOrder(
                f"{where}: the same samples in a different order.", hint="Write the rows of both in one order."
            )
        missing = len(set(ids) - set(others))
        raise OtherSampleOrder(
            f"{where}; {missing} of {len(ids)} samples are not in both.",
            hint="Compare embeddings of the same stimuli in the same order.",
        )


def _types() -> str:
    *most, last = READERS
    return f"{', '.join(most)} or {last}"


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turns what the libraries say of a file that they cannot read into one error."""
    try:
        yield
    except ParallaxError:
        raise
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, SafetensorError) as error:
        said = (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise UnreadableFile(
            f"{path} cannot be read as {path.suffix}: {said}.", hint="Write it again, as the type its suffix says."
        ) from error


def _shape(path: Path, shape: Sequence[int], dtype: str, floating: bool) -> tuple[int, int]:
    """n and d, once they are known to be those of rows of features."""
    if not floating:
        raise NotFloatRows(
            f"{path} holds {dtype} of shape {tuple(shape)}, and features are floating-point numbers.",
            hint="Store features as float32, one row per stimulus.",
        )
    if len(shape) != 2:
        raise NotTwoDimensional(
            f"{path} holds an array of shape {tuple(shape)}.",
            hint="Give one row of features per stimulus, (stimuli, features); flatten or pool the rest.",
        )
    if shape[1] == 0:
        raise NoFeatures(
            f"{path} has no features: its array is of shape {tuple(shape)}.",
            hint="Give one row of at least one feature per stimulus, (stimuli, features).",
        )
    return shape[0], shape[1]


def _safetensors(path: Path) -> EmbeddingFile:
    with safe_open(path, "pt") as file:
        if FEATURES not in file.keys():  # noqa: SIM118 (the file is no mapping)
            given = ", ".join(sorted(file.keys())[:8]) or "none"
            raise MissingFeatures(f"{path} has no tensor `{FEATURES}`; its tensors: {given}.", hint="Rename yours.")
        described = file.get_slice(FEATURES)
        dtype = str(described.get_dtype())
        n, d = _shape(path, described.get_shape(), dtype, dtype in ("F16", "BF16", "F32", "F64"))
        written = (file.metadata() or {}).get(SAMPLE_IDS)

    def read() -> Array:
        with safe_open(path, "pt") as file:
            rows = file.get_tensor(FEATURES)
        return (rows.float() if dtype == "BF16" else rows).numpy()

    return EmbeddingFile(path, n, d, None if written is None else _ids(path, written), read)


def _ids(path: Path, written: str) -> tuple[str, ...]:
    """Sample ids from a JSON list of names or whole numbers."""
    try:
        ids = json.loads(written)
    except json.JSONDecodeError:
        ids = None
    if not isinstance(ids, list) or not all(isinstance(one, (str, int)) for one in ids):
        raise BadSampleIds(
            f"The metadata `{SAMPLE_IDS}` of {path} is no list of names: {written[:60]!r}.",
            hint='Write a JSON list, ["cat_1.png", "cat_2.png"], one name per row.',
        )
    return tuple(str(one) for one in ids)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type that the header of an npy file gives."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype


def _npy(path: Path) -> EmbeddingFile:
    with path.open("rb") as file:
        shape, dtype = _header(file)
    n, d = _shape(path, shape, str(dtype), np.issubdtype(dtype, np.floating))
    np.load(path, mmap_mode="r", allow_pickle=False)  # a file that was cut short is found now
    return EmbeddingFile(path, n, d, None, lambda: np.load(path, mmap_mode="r", allow_pickle=False))


def _npz(path: Path) -> EmbeddingFile:
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if len(names) != 1:
            raise SeveralArrays(
                f"{path} has {len(names)} arrays: {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}."
                if names else f"{path} has no array.",
                hint="Store the features alone, as one array.",
            )
        with archive.open(archive.namelist()[0]) as file:
            shape, dtype = _header(file)
    n, d = _shape(path, shape, str(dtype), np.issubdtype(dtype, np.floating))

    def read() -> Array:
        with np.load(path, allow_pickle=False) as file:
            return np.asarray(file[names[0]])

    return EmbeddingFile(path, n, d, None, read)


def _parquet(path: Path) -> EmbeddingFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        schema, n = file.schema_arrow, file.metadata.num_rows
        lists = [column for column in schema if pa.types.is_fixed_size_list(column.type)]
        given = ", ".join(f"{column.name} ({column.type})" for column in schema)
        if len(lists) != 1 or SAMPLE_ID not in schema.names:
            kind = SeveralArrays if len(lists) > 1 else MissingFeatures
            raise kind(
                f"{path} needs a column `{SAMPLE_ID}` and one column of fixed-size lists; its columns: {given}.",
                hint=f"Write `{SAMPLE_ID}` and the features as pyarrow.list_(pyarrow.float32(), d).",
            )
        kind_of_value, d = lists[0].type.value_type, lists[0].type.list_size
        _shape(path, (n, d), str(kind_of_value), pa.types.is_floating(kind_of_value))
        ids = file.read([SAMPLE_ID])[SAMPLE_ID].to_pylist()
    if not all(isinstance(one, (str, int)) for one in ids):
        raise BadSampleIds(f"The column `{SAMPLE_ID}` of {path} is not of names.", hint="Give every row its sample.")

    def read() -> Array:
        column = pq.read_table(path, columns=[lists[0].name])[lists[0].name].combine_chunks()
        if column.null_count:
            row = column.is_null().to_pylist().index(True)
            raise UnreadableFile(f"Row {row} (counted from 0) of {path} is empty.", hint="Give it its features.")
        return column.flatten().to_numpy(zero_copy_only=False).reshape(n, d)

    return EmbeddingFile(path, n, d, tuple(str(one) for one in ids), read)


READERS: dict[str, Callable[[Path], EmbeddingFile]] = {
    ".safetensors": _safetensors, ".npy": _npy, ".npz": _npz, ".parquet": _parquet,
}
