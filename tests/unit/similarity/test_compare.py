"""The engine's entrance: what it loads and when, its progress, cancellation and shape of results."""

import numpy as np
import pytest

from backend.domain.errors import InvalidInput
from backend.domain.metrics import DEFAULT_METRICS, DEFAULT_PREPROCESS, parse_metric
from workers.similarity.embeddings import EmbeddingSource
from workers.similarity.engine import compare

LINEAR = parse_metric("cka.linear.unbiased")


class Cancelled(Exception):
    pass


def embeddings(count, n=300, d=40):
    rng = np.random.default_rng(0)
    loads = [0] * count
    arrays = [rng.normal(size=(n, d)).astype(np.float32) for _ in range(count)]

    def load(i):
        loads[i] += 1
        return arrays[i]

    return [EmbeddingSource(f"m{i}", n, d, lambda i=i: load(i)) for i in range(count)], loads


@pytest.mark.parametrize("metric", DEFAULT_METRICS, ids=str)
@pytest.mark.parametrize(("new", "memory_mib"), [(6, 512), (1, 512), (4, 9), (6, 9)])
def test_progress_rises_to_its_total(metric, new, memory_mib):
    sources, _ = embeddings(6)
    seen: list[tuple[int, int]] = []
    compare(
        sources,
        metric,
        DEFAULT_PREPROCESS,
        new=new,
        memory_mib=memory_mib,
        progress=lambda *at: seen.append(at),
    )
    done = [at[0] for at in seen]
    assert done == sorted(done) and len({at[1] for at in seen}) == 1
    assert seen[-1][0] == seen[-1][1]


def test_each_embedding_is_loaded_once_if_memory_allows():
    sources, loads = embeddings(5)
    compare(sources, LINEAR, DEFAULT_PREPROCESS, new=2, memory_mib=512)
    assert loads == [1] * 5


def test_what_progress_raises_ends_the_work():
    sources, _ = embeddings(3)

    def stop(done: int, total: int) -> None:
        if done > total // 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        compare(sources, LINEAR, DEFAULT_PREPROCESS, new=3, memory_mib=512, progress=stop)


def test_rows_of_the_new_models():
    sources, _ = embeddings(4)
    found = compare(sources, LINEAR, DEFAULT_PREPROCESS, new=2, memory_mib=512)
    assert [row.index for row in found.rows] == [2, 3]
    assert [row.against.tolist() for row in found.rows] == [[0, 1, 2], [0, 1, 2, 3]]
    assert all(row.values.dtype == np.float64 and row.values[-1] == 1 for row in found.rows)
    assert not found.excluded


def test_nothing_new_is_nothing_to_do():
    sources, loads = embeddings(2)
    found = compare(sources, LINEAR, DEFAULT_PREPROCESS, new=0, memory_mib=512)
    assert found.rows == () and not found.excluded and loads == [0, 0]


def test_one_model_alone():
    sources, _ = embeddings(1)
    (row,) = compare(sources, LINEAR, DEFAULT_PREPROCESS, new=1, memory_mib=512).rows
    assert row.against.tolist() == [0] and row.values.tolist() == [1.0]


@pytest.mark.parametrize("new", [-1, 3])
def test_more_new_models_than_there_are(new):
    sources, _ = embeddings(2)
    with pytest.raises(InvalidInput, match="of 2 embeddings"):
        compare(sources, LINEAR, DEFAULT_PREPROCESS, new=new, memory_mib=512)
