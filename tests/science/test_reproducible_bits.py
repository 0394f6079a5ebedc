"""A pair's value has the same bits whatever it is computed beside, in whatever order, budget or number of steps."""

import numpy as np
import pytest
import torch

from backend.domain.quantities import REVERSE, VALUE
from tests.science.conftest import METRICS, TABLES
from tests.science.populations import compared, related
from workers.similarity import bands
from workers.similarity.errors import MemoryBudgetTooSmall

N = 520  # three bands of the tables
FEW = 130  # for measures that are computed pair by pair
CHEAP = [metric for metric in METRICS if not metric.spec.on_request]
WIDTHS = [7, 33, 64, 100, 12, 80, 51]


@pytest.fixture(autouse=True)
def _narrow_bands(monkeypatch):
    monkeypatch.setattr(bands, "width", lambda n: 100)


@pytest.fixture(params=CHEAP, ids=lambda metric: metric.id)
def metric(request):
    return request.param


@pytest.fixture
def embeddings(metric):
    return related(N if metric in TABLES else FEW, WIDTHS, seed=11)


def test_one_by_one_gives_the_bytes_of_all_at_once(metric, embeddings):
    together = compared(embeddings, metric, "l2")
    for j in range(len(embeddings)):
        alone = compared(embeddings[: j + 1], metric, "l2", new=1)
        assert alone.rows[0].values.tobytes() == together.rows[j].values.tobytes()
    resumed = compared(embeddings, metric, "l2", new=3)
    assert [r.values.tobytes() for r in resumed.rows] == [r.values.tobytes() for r in together.rows[-3:]]


def test_company_and_order_do_not_matter(metric, embeddings):
    together = directed(compared(embeddings, metric, "l2"))
    order = np.random.default_rng(0).permutation(len(embeddings))
    shuffled = directed(compared([embeddings[i] for i in order], metric, "l2"))
    for (j, i), value in shuffled.items():
        assert together[order[j], order[i]] == value
    for i, j in ((0, 6), (2, 3)):
        assert directed(compared([embeddings[i], embeddings[j]], metric, "l2"))[1, 0] == together[j, i]


def directed(found):
    """(model, model) -> the value from the first to the second, both ways."""
    both = {}
    for row in found.rows:
        for other, value, reverse in zip(
            row.against, row.values, row.quantities.get(VALUE + REVERSE, row.values), strict=True
        ):
            both[row.index, int(other)], both[int(other), row.index] = float(value), float(reverse)
    return both


def test_memory_budget_does_not_matter(table_metric):
    metric, embeddings = table_metric, related(N, WIDTHS, seed=11)
    together = compared(embeddings, metric, "l2")
    with pytest.raises(MemoryBudgetTooSmall) as refused:
        compared(embeddings, metric, "l2", memory_mib=1)
    least = int(refused.value.hint.split()[-2])  # two models at a time: many passes
    tight = compared(embeddings, metric, "l2", memory_mib=least)
    for row, other in zip(together.rows, tight.rows, strict=True):
        assert row.values.tobytes() == other.values.tobytes()


def test_two_threads_give_the_same_bytes(table_metric):
    """Sums over tables are exact, so that not even the number of threads shows."""
    metric, embeddings = table_metric, related(N, WIDTHS, seed=11)
    one = compared(embeddings[:3], metric, "l2")
    torch.set_num_threads(2)
    try:
        two = compared(embeddings[:3], metric, "l2")
    finally:
        torch.set_num_threads(1)
    for row, other in zip(one.rows, two.rows, strict=True):
        assert row.values.tobytes() == other.values.tobytes()
