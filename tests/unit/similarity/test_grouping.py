"""Passes over the models stay within the budget and meet every pair once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.similarity.errors import MemoryBudgetTooSmall
from workers.similarity.grouping import plan_passes

MIB = 1 << 20


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=14),
    new=st.integers(1, 14),
    memory=st.integers(1, 60),
)
def test_every_new_pair_is_met_within_the_budget(sizes, new, memory):
    new = min(new, len(sizes))
    resident, scratch = [size * MIB for size in sizes], 2 * MIB
    try:
        passes = plan_passes(resident, scratch, new, memory)
    except MemoryBudgetTooSmall as refused:
        least = int(refused.hint.split()[-2])
        assert least > memory and plan_passes(resident, scratch, new, least)
        return
    met: list[tuple[int, int]] = []
    held: set[int] = set()
    groups_done: set[tuple[int, ...]] = set()
    for step in passes:
        members = {*step.old, *step.new}
        assert sum(resident[i] for i in members) + scratch <= memory * MIB
        assert set(step.loaded) >= members - held
        held = members
        met += [(j, i) for j in step.new for i in step.old]
        if step.new not in groups_done:  # within the group, once
            met += [(j, i) for j in step.new for i in step.new if i <= j]
            groups_done.add(step.new)
    first = len(sizes) - new
    assert sorted(met) == [(j, i) for j in range(first, len(sizes)) for i in range(j + 1)]


def test_everything_in_one_pass_if_it_fits():
    (only,) = plan_passes([MIB] * 5, MIB, 2, 6)
    assert only.old == (0, 1, 2) and only.new == (3, 4) and only.loaded == (0, 1, 2, 3, 4)
    assert len(plan_passes([MIB] * 5, MIB, 2, 5)) > 1


def test_a_single_model_needs_no_room_for_a_second():
    assert len(plan_passes([3 * MIB], MIB, 1, 4)) == 1
    with pytest.raises(MemoryBudgetTooSmall, match="3 MiB"):
        plan_passes([3 * MIB], MIB, 1, 3)
