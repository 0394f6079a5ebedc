"""What is read from files of embeddings, and what is wrong with those that are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

from tests.unit.cli.files import SUFFIXES, features, folder_of, ids, write
from workers.pipelines import embedding_errors as errors
from workers.pipelines.embedding_files import check_order, find_embeddings, open_embedding
from workers.similarity.errors import NotFloatRows


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_rows_come_back_as_they_were_written(tmp_path: Path, suffix: str, dtype: str) -> None:
    rows = features(1)[0].astype(dtype)
    opened = open_embedding(write(tmp_path / f"vit.b16{suffix}", rows, ids(len(rows))))
    assert (opened.name, opened.n, opened.d) == ("vit.b16", *rows.shape)
    assert opened.sample_ids == (tuple(ids(len(rows))) if suffix in (".safetensors", ".parquet") else None)
    read = opened.source().load()
    assert read.dtype == rows.dtype
    np.testing.assert_array_equal(read, rows)


def test_bfloat16_is_read_without_loss(tmp_path: Path) -> None:
    rows = torch.from_numpy(features(1)[0]).bfloat16()
    save_torch({"features": rows}, tmp_path / "a.safetensors")
    np.testing.assert_array_equal(open_embedding(tmp_path / "a.safetensors").read(), rows.float().numpy())


def test_columns_before_rows_and_several_row_groups(tmp_path: Path) -> None:
    rows = features(1, n=25)[0]
    np.save(tmp_path / "a.npy", np.asfortranarray(rows))
    np.testing.assert_array_equal(open_embedding(tmp_path / "a.npy").read(), rows)
    flat = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])
    pq.write_table(pa.table({"sample_id": range(25), "x": flat}), tmp_path / "b.parquet", row_group_size=10)
    opened = open_embedding(tmp_path / "b.parquet")
    np.testing.assert_array_equal(opened.read(), rows)
    assert opened.sample_ids == tuple(str(i) for i in range(25))


def test_shapes_are_known_without_reading_the_numbers(tmp_path: Path) -> None:
    """Four gigabytes that are not there: only their headers are looked at."""
    shape = (10_000, 100_000)
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + 4 * shape[0] * shape[1])
    opened = open_embedding(tmp_path / "a.npy")
    assert (opened.n, opened.d) == shape
    assert not opened.read()[7, :5].any()


def test_a_folder_is_read_by_name_without_what_is_no_embedding(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "emb", models=2)
    for name in ("notes.txt", ".hidden.npy", "out.npz"):
        (folder / name).write_text("x")
    (folder / "deeper.npy").mkdir()
    other = write(tmp_path / "zz.npy", features(1)[0])
    found = find_embeddings([other, folder], beside=[folder / "out.npz"])
    assert [path.name for path in found] == ["zz.npy", "m0.npy", "m1.npy"]


def refused(tmp_path: Path, name: str, error: type[Exception], *words: str) -> None:
    with pytest.raises(error) as raised:
        open_embedding(tmp_path / name)
    for word in (name, *words):
        assert word in str(raised.value)
    assert raised.value.hint  # type: ignore[attr-defined]


def test_what_cannot_be_found(tmp_path: Path) -> None:
    with pytest.raises(errors.MissingPath, match="nothing-here"):
        find_embeddings([tmp_path / "nothing-here"])
    with pytest.raises(errors.NoEmbeddings, match=str(tmp_path)):
        find_embeddings([tmp_path])
    folder_of(tmp_path / "a"), folder_of(tmp_path / "b")
    with pytest.raises(errors.DuplicateNames, match=r"a/m0.npy and .*b/m0.npy"):
        find_embeddings([tmp_path / "a", tmp_path / "b"])


def test_files_that_are_not_what_they_should_be(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2")
    refused(tmp_path, "a.csv", errors.UnknownFileType)
    for suffix in SUFFIXES:
        (tmp_path / f"junk{suffix}").write_bytes(b"not at all what the suffix says")
        refused(tmp_path, f"junk{suffix}", errors.UnreadableFile)
        (tmp_path / f"empty{suffix}").write_bytes(b"")
        refused(tmp_path, f"empty{suffix}", errors.UnreadableFile)
        whole = write(tmp_path / f"cut{suffix}", features(1)[0]).read_bytes()
        (tmp_path / f"cut{suffix}").write_bytes(whole[: len(whole) // 2])
        refused(tmp_path, f"cut{suffix}", errors.UnreadableFile)


def test_features_that_are_not_there_or_too_many(tmp_path: Path) -> None:
    rows = features(1)[0]
    save_file({"embeddings": rows}, tmp_path / "a.safetensors")
    refused(tmp_path, "a.safetensors", errors.MissingFeatures, "`features`", "embeddings")
    np.savez(tmp_path / "a.npz", x=rows, y=rows)
    refused(tmp_path, "a.npz", errors.SeveralArrays, "2 arrays: x, y")
    np.savez(tmp_path / "none.npz")
    refused(tmp_path, "none.npz", errors.SeveralArrays, "no array")
    lists = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])
    pq.write_table(pa.table({"sample_id": ids(24), "x": lists, "y": lists}), tmp_path / "a.parquet")
    refused(tmp_path, "a.parquet", errors.SeveralArrays, "x (fixed_size_list")
    pq.write_table(pa.table({"name": ids(24), "x": lists}), tmp_path / "b.parquet")
    refused(tmp_path, "b.parquet", errors.MissingFeatures, "`sample_id`", "name (string)")
    pq.write_table(pa.table({"sample_id": ids(24), "x": rows.tolist()}), tmp_path / "c.parquet")
    refused(tmp_path, "c.parquet", errors.MissingFeatures, "x (list<")


def test_numbers_that_are_no_features(tmp_path: Path) -> None:
    whole = np.zeros((5, 3), dtype=np.int64)
    for suffix in SUFFIXES:
        write(tmp_path / f"whole{suffix}", whole)
        refused(tmp_path, f"whole{suffix}", NotFloatRows, "(5, 3)")
    np.save(tmp_path / "object.npy", np.array([[1.0, "x"]], dtype=object), allow_pickle=True)
    refused(tmp_path, "object.npy", NotFloatRows, "object")
    for suffix in (".safetensors", ".npy", ".npz"):
        write(tmp_path / f"deep{suffix}", np.zeros((5, 3, 2), dtype=np.float32))
        refused(tmp_path, f"deep{suffix}", errors.NotTwoDimensional, "(5, 3, 2)")


@pytest.mark.parametrize("written", ["[1.5]", "{}", "no json", '["a", null]'])
def test_sample_ids_that_are_no_list_of_names(tmp_path: Path, written: str) -> None:
    save_file({"features": features(1)[0]}, tmp_path / "a.safetensors", metadata={"sample_ids": written})
    refused(tmp_path, "a.safetensors", errors.BadSampleIds, "sample_ids")


def test_sample_ids_that_do_not_fit_the_rows(tmp_path: Path) -> None:
    rows = features(1)[0]
    write(tmp_path / "few.safetensors", rows, ids(23))
    refused(tmp_path, "few.safetensors", errors.BadSampleIds, "23 sample ids for 24 rows")
    write(tmp_path / "twice.safetensors", rows, [*ids(23), "picture-5.png"])
    refused(tmp_path, "twice.safetensors", errors.DuplicateSamples, "picture-5.png", "rows 5 and 23")
    lists = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])
    pq.write_table(pa.table({"sample_id": [*ids(23), None], "x": lists}), tmp_path / "null.parquet")
    refused(tmp_path, "null.parquet", errors.BadSampleIds)


def test_an_empty_row_of_a_table_is_named(tmp_path: Path) -> None:
    lists = pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float32(), 2))
    pq.write_table(pa.table({"sample_id": ids(3), "x": lists}), tmp_path / "a.parquet")
    with pytest.raises(errors.UnreadableFile, match="Row 1 "):
        open_embedding(tmp_path / "a.parquet").source().load()


def test_orders_of_samples_are_held_against_each_other(tmp_path: Path) -> None:
    rows, names = features(1)[0], ids(24)
    first = open_embedding(write(tmp_path / "a.safetensors", rows, names))
    silent = open_embedding(write(tmp_path / "b.npy", rows))
    same = open_embedding(write(tmp_path / "c.parquet", rows, names))
    check_order([silent, first, same, silent])
    swapped = [names[0], names[2], names[1], *names[3:]]
    other_order = open_embedding(write(tmp_path / "d.safetensors", rows, swapped))
    with pytest.raises(errors.OtherSampleOrder) as raised:
        check_order([first, silent, other_order])
    for words in ("row 1 ", "a.safetensors has picture-1.png", "d.safetensors has picture-2.png", "different order"):
        assert words in str(raised.value)
    strange = open_embedding(write(tmp_path / "e.safetensors", rows, [*names[:-1], "stranger.png"]))
    with pytest.raises(errors.OtherSampleOrder, match=r"row 23 .*stranger.png; 1 of 24 samples"):
        check_order([first, strange])


@pytest.mark.parametrize("suffix", [".safetensors", ".npy", ".npz"])
def test_rows_without_features(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"a{suffix}", np.zeros((24, 0), dtype=np.float32))
    refused(tmp_path, f"a{suffix}", errors.NoFeatures, "no features", "(24, 0)")


def test_rows_are_checked_when_they_are_loaded(tmp_path: Path) -> None:
    rows = features(1)[0]
    seen: list[np.ndarray] = []
    source = open_embedding(write(tmp_path / "a.npy", rows)).source(seen.append)
    assert not seen
    source.load()
    np.testing.assert_array_equal(seen, [rows])


def test_json_of_ids_may_be_numbers(tmp_path: Path) -> None:
    save_file({"features": features(1)[0][:2]}, tmp_path / "a.safetensors", metadata={"sample_ids": json.dumps([7, 8])})
    assert open_embedding(tmp_path / "a.safetensors").sample_ids == ("7", "8")
