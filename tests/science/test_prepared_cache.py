"""What is prepared of a model may be kept: the bits are those without a cache, and old models are not read again."""

import numpy as np
import pytest

from backend.domain.metrics import parse_preprocess
from tests.science.conftest import METRICS
from tests.science.populations import related
from workers.pipelines.prepared_files import PreparedFiles
from workers.similarity.embeddings import EmbeddingSource
from workers.similarity.engine import compare

L2 = parse_preprocess("l2")
CHEAP = [metric for metric in METRICS if not metric.spec.on_request]


def counted(embeddings, loads):
    def load(i):
        loads[i] += 1
        return embeddings[i]

    return [
        EmbeddingSource(f"model-{i}", *X.shape, lambda i=i: load(i), content=f"hash-{i}")
        for i, X in enumerate(embeddings)
    ]


def everything(sources, metric, new, cache=None):
    found = compare(sources, metric, L2, new=new, memory_mib=256, calibrate=True, uncertainty=True, permutations=20,
                    cache=cache)
    return {name: values.tobytes() for name, values in found.rows[-1].quantities.items()}


@pytest.mark.parametrize("metric", CHEAP, ids=str)
def test_bits_are_those_without_a_cache(metric, tmp_path):
    embeddings = related(60, [5, 30, 80], seed=2)
    loads = [0, 0, 0]
    sources = counted(embeddings, loads)
    cache = PreparedFiles(tmp_path, 1 << 30)
    everything(sources[:2], metric, 2, cache)
    kept = len(list(tmp_path.iterdir()))
    first = everything(sources, metric, 1, cache)
    again = everything(sources, metric, 1, cache)
    assert first == again == everything(counted(embeddings, [0, 0, 0]), metric, 1)
    if kept:
        assert kept == 2 and loads == [1, 1, 1], "each model was read once"


def test_a_damaged_file_is_made_anew(tmp_path):
    metric = CHEAP[0]
    embeddings = related(60, [5, 30], seed=2)
    loads = [0, 0]
    sources = counted(embeddings, loads)
    cache = PreparedFiles(tmp_path, 1 << 30)
    first = everything(sources, metric, 2, cache)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-100])
    assert everything(sources, metric, 2, cache) == first
    assert loads == [2, 2]


def test_the_least_recently_used_make_room(tmp_path):
    cache = PreparedFiles(tmp_path, 40_000)
    for i in range(8):
        cache.put(f"key {i}", {"x": np.full(1000, i, dtype=np.float64)})
        cache.get("key 0")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 40_000
    assert cache.get("key 1") is None and cache.get("key 7")["x"][0] == 7
    assert cache.get("key 0") is not None, "it was used all the time"
    cache.put("too large", {"x": np.zeros(4000)})
    assert cache.get("too large") is None


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path):
    taken = tmp_path / "file"
    taken.write_text("not a folder")
    cache = PreparedFiles(taken / "prepared", 1 << 20)
    cache.put("key", {"x": np.zeros(3)})
    assert cache.get("key") is None
