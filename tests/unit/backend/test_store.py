"""The array store: whole files under the name of their hash, or nothing."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from backend.domain.errors import StorageFull, StoredFileDamaged, TooLarge
from backend.storage import LocalStore, load_array, put_array
from tests.support.in_process import files_of_at_most


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "a store")


def files(store: LocalStore) -> list[str]:
    return sorted(path.name for path in store.folder.rglob("*") if path.is_file())


def test_a_file_is_found_under_its_hash(store: LocalStore) -> None:
    sha256, size = store.put([b"ab", b"", b"c"])
    assert (sha256, size) == (hashlib.sha256(b"abc").hexdigest(), 3)
    assert store.path(sha256).read_bytes() == b"abc"
    assert store.path(sha256).parent.name == sha256[:2]
    assert store.put([b"abc"])[0] == sha256 and files(store) == [sha256]


def test_an_empty_file_is_a_file(store: LocalStore) -> None:
    sha256, size = store.put([])
    assert size == 0 and store.path(sha256).read_bytes() == b""


@pytest.mark.parametrize("error", [RuntimeError("stopped"), KeyboardInterrupt(), TooLarge("too large")])
def test_a_write_that_ends_early_leaves_nothing(store: LocalStore, error: BaseException) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise error

    with pytest.raises(type(error)):
        store.put(chunks())
    assert files(store) == []


def test_more_bytes_than_accepted_are_refused_while_they_come(store: LocalStore) -> None:
    taken = []

    def chunks() -> Iterator[bytes]:
        for number in range(1000):
            taken.append(number)
            yield b"x" * 10

    with pytest.raises(TooLarge, match="50 bytes"):
        store.put(chunks(), max_bytes=50)
    assert len(taken) == 6 and files(store) == []


def test_a_full_disk_is_said_and_leaves_nothing_at_a_final_name(store: LocalStore) -> None:
    with files_of_at_most(1_000_000), pytest.raises(StorageFull, match="is full") as full:
        store.put(b"x" * 100_000 for _ in range(20))
    assert "PARALLAX_STORE_PATH" in full.value.hint and files(store) == []


def test_the_data_is_on_the_disk_before_it_has_its_name(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    events = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (events.append("fsync"), fsync(fd))[1])
    monkeypatch.setattr(Path, "replace", lambda self, target: (events.append("rename"), replace(self, target))[1])
    store.put([b"abc"])
    assert events == ["fsync", "rename", "fsync"]


@pytest.mark.parametrize("damage", [b"abd", b"ab", b"abcd", b""])
def test_a_damaged_file_is_found_and_mended_by_sending_it_again(store: LocalStore, damage: bytes) -> None:
    sha256, _ = store.put([b"abc"])
    store.path(sha256)
    path = store.folder / sha256[:2] / sha256
    path.write_bytes(damage)
    os.utime(path, ns=(1, 1))
    with pytest.raises(StoredFileDamaged, match="damaged"):
        store.path(sha256)
    store.put([b"abc"])
    assert store.path(sha256).read_bytes() == b"abc"


@pytest.mark.parametrize("name", ["", "abc", "../../etc/passwd", "A" * 64, "g" * 64, "0" * 63 + "/", "0" * 65])
def test_only_hashes_are_names(store: LocalStore, name: str) -> None:
    with pytest.raises(StoredFileDamaged):
        store.path(name)


def test_a_missing_file_is_said(store: LocalStore) -> None:
    with pytest.raises(StoredFileDamaged, match="missing") as missing:
        store.path("0" * 64)
    assert missing.value.hint


def test_many_writers_of_one_file_end_with_one_whole_file(store: LocalStore) -> None:
    data = os.urandom(200_000)
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda _: store.put([data[:100_000], data[100_000:]])[0], range(24)))
    assert files(store) == sorted(names) and store.path(names.pop()).read_bytes() == data


def test_the_sweep_removes_what_nobody_names_and_only_when_it_is_old(store: LocalStore) -> None:
    used, old, young = (store.put([data])[0] for data in (b"used", b"old", b"young"))
    for name, age_s in ((".tmp-old", 2 * 3600), (".tmp-young", 60)):
        (store.folder / name).write_bytes(b"half")
        os.utime(store.folder / name, (time.time() - age_s,) * 2)
    for sha256 in (used, old):
        os.utime(store.path(sha256), (time.time() - 25 * 3600,) * 2)
    assert store.sweep({used}) == 2
    assert files(store) == sorted([used, young, ".tmp-young"])


def test_arrays_come_back_bit_for_bit_and_equal_arrays_are_one_file(store: LocalStore) -> None:
    array = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    sha256 = put_array(store, array)
    for same in (np.asfortranarray(array), array.astype(">f4"), array[::-1][::-1]):
        assert put_array(store, same) == sha256
    for mmap in (False, True):
        found = load_array(store, sha256, mmap=mmap)
        assert found.dtype == np.float32 and found.tobytes() == array.tobytes()


def test_a_pickled_array_is_never_opened(store: LocalStore) -> None:
    import io

    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    sha256, _ = store.put([buffer.getvalue()])
    with pytest.raises(ValueError, match="allow_pickle"):
        load_array(store, sha256)
