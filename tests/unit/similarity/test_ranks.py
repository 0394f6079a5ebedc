"""Mean ranks of ordered values, ties sharing theirs."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from workers.similarity.rsa import centred_ranks


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=60))
def test_ranks_are_those_of_scipy(values):
    ordered = np.sort(values)
    expected = rankdata(ordered) - (len(values) + 1) / 2
    np.testing.assert_array_equal(centred_ranks(torch.from_numpy(ordered)).numpy(), expected)
