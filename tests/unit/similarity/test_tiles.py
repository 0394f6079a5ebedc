"""Tiles hold every pair of stimuli once."""

import numpy as np
import pytest

from workers.similarity.tiles import LARGEST, plan


@pytest.mark.parametrize("n", [1, 2, 3, 127, 128, 129, 512, 640, 1025])
def test_every_pair_once(n):
    seen = np.zeros((n, n), dtype=int)
    for tile in plan(n):
        assert 0 < tile.size <= LARGEST and tile.left >= tile.top
        seen[tile.top : tile.bottom, tile.left : tile.right] += 1
    assert (seen[np.triu_indices(n)] == 1).all()
    assert seen[np.tril_indices(n, -1)].sum() <= n * 64


def test_only_the_first_tile_of_a_row_touches_the_diagonal():
    for tile in plan(1300):
        rows, columns = range(tile.top, tile.bottom), range(tile.left, tile.right)
        assert tile.on_diagonal == bool(set(rows) & set(columns))
