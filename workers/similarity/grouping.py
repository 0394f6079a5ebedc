"""Which models are held together, so that a comparison stays within its memory budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workers.similarity.errors import MemoryBudgetTooSmall

MIB = 1 << 20


@dataclass(frozen=True)
class Pass:
    """`new` models are compared with `old` ones, all before them, and among themselves; `loaded` had to be prepared."""

    old: tuple[int, ...]
    new: tuple[int, ...]
    loaded: tuple[int, ...]


def plan_passes(resident: Sequence[int], scratch: int, new: int, memory_mib: int) -> list[Pass]:
    """Passes that meet every pair of the last `new` models with those before them, in a fixed order.

    `resident[i]` bytes are held for model i while it is in a pass, `scratch` bytes beside them. One pass if
    everything fits. Otherwise the new models are taken in groups of at most half the room, each group against
    groups of the rest that fill what is left. Raises MemoryBudgetTooSmall if two models do not fit; the hint
    says what would do.
    """
    count, room = len(resident), memory_mib * MIB - scratch
    everything = tuple(range(count))
    if sum(resident) <= room:
        return [Pass(everything[: count - new], everything[count - new :], everything)]
    largest = max(resident)
    if 2 * largest > room:
        least = -(-(scratch + min(2 * largest, sum(resident))) // MIB)
        raise MemoryBudgetTooSmall(
            f"A memory budget of {memory_mib} MiB does not hold two models of these embeddings at a time.",
            hint=f"Give at least {least} MiB.",
        )
    passes: list[Pass] = []
    for group in _groups(everything[count - new :], resident, room // 2):
        left = room - sum(resident[i] for i in group)
        held: set[int] = set()
        for old in _groups(everything[: group[0]], resident, left) or [()]:
            loaded = tuple(i for i in (*old, *group) if i not in held)
            passes.append(Pass(old, group, loaded))
            held = {*old, *group}
    return passes


def _groups(indices: Sequence[int], resident: Sequence[int], room: int) -> list[tuple[int, ...]]:
    """The indices in order, cut wherever the next one would not fit the room. A single one always makes a group."""
    groups: list[list[int]] = []
    used = 0
    for i in indices:
        if not groups or used + resident[i] > room:
            groups.append([])
            used = 0
        groups[-1].append(i)
        used += resident[i]
    return [tuple(group) for group in groups]
