"""A pair's value has the same bits whatever it is computed beside, in whatever order, budget or number of steps."""

import numpy as np
import pytest
import torch

from tests.science.populations import compared, related, table
from workers.similarity.errors import MemoryBudgetTooSmall

N = 520  # five row blocks and two column blocks of tiles
WIDTHS = [7, 33, 64, 100, 12, 80, 51]


@pytest.fixture(scope="module")
def embeddings():
    return related(N, WIDTHS, seed=11)


def test_one_by_one_gives_the_bytes_of_all_at_once(metric, embeddings):
    together = compared(embeddings, metric, "l2")
    for j in range(len(embeddings)):
        alone = compared(embeddings[: j + 1], metric, "l2", new=1)
        assert alone.rows[0].values.tobytes() == together.rows[j].values.tobytes()
    resumed = compared(embeddings, metric, "l2", new=3)
    assert [r.values.tobytes() for r in resumed.rows] == [r.values.tobytes() for r in together.rows[-3:]]


def test_company_and_order_do_not_matter(metric, embeddings):
    together = table(compared(embeddings, metric, "l2"))
    order = np.random.default_rng(0).permutation(len(embeddings))
    shuffled = table(compared([embeddings[i] for i in order], metric, "l2"))
    for (j, i), value in shuffled.items():
        a, b = max(order[j], order[i]), min(order[j], order[i])
        assert together[a, b] == value
    for i, j in ((0, 6), (2, 3)):
        assert table(compared([embeddings[i], embeddings[j]], metric, "l2"))[1, 0] == together[j, i]


def test_memory_budget_does_not_matter(metric, embeddings):
    together = compared(embeddings, metric, "l2")
    with pytest.raises(MemoryBudgetTooSmall) as refused:
        compared(embeddings, metric, "l2", memory_mib=1)
    least = int(refused.value.hint.split()[-2])  # two models at a time: many passes
    tight = compared(embeddings, metric, "l2", memory_mib=least)
    for row, other in zip(together.rows, tight.rows, strict=True):
        assert row.values.tobytes() == other.values.tobytes()


def test_two_threads_give_the_same_bytes(metric, embeddings):
    one = compared(embeddings[:3], metric, "l2")
    torch.set_num_threads(2)
    try:
        two = compared(embeddings[:3], metric, "l2")
    finally:
        torch.set_num_threads(1)
    for row, other in zip(one.rows, two.rows, strict=True):
        assert row.values.tobytes() == other.values.tobytes()
