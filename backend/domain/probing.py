"""How probes are set up: which stimuli they are trained on and which they are tested on.

A probe reads the labels of a dataset from an embedding by a linear map; its accuracy on stimuli that it was not trained
on says how useful the embedding is for that dataset (arXiv 2411.05561, section on downstream performance).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.domain.errors import InvalidInput

PROTOCOL = 1  # raised when probes of the same embedding would come out differently
SEEDS = (0, 1, 2)
TEST_SHARE = 0.25
VALIDATION_SHARE = 0.2  # of the training stimuli, while settings are being chosen
TRIES = 20

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


class Labels(NamedTuple):
    """Which stimuli can be used, `rows` (k,), and their label as a number from 0, `codes` (k,). `names` are the
    labels in the order of their numbers, `left_out` those that one stimulus alone has."""

    rows: IntArray
    codes: IntArray
    names: list[str]
    left_out: list[str]


class Parts(NamedTuple):
    """What each stimulus is for, as row numbers: `train`, of which settings are tried on `learn` and chosen by `held`,
    and `test`. `whole_groups`: no group is on both sides of the test; None where stimuli have no groups."""

    train: IntArray
    learn: IntArray
    held: IntArray
    test: IntArray
    whole_groups: bool | None


class Split(NamedTuple):
    """`test` (k,): True for stimuli that a probe is tested on. `whole_groups`: no group is on both sides; None where
    stimuli have no groups."""

    test: BoolArray
    whole_groups: bool | None


def usable_labels(labels: Sequence[str | None]) -> Labels:
    """Labels that at least two stimuli have, in alphabetical order.

    Raises InvalidInput when there are fewer than two of them: then there is nothing to tell apart.
    """
    counts: dict[str, int] = {}
    for label in labels:
        if label is not None:
            counts[label] = counts.get(label, 0) + 1
    names = sorted(name for name, number in counts.items() if number > 1)
    if len(names) < 2:
        raise InvalidInput(
            f"A probe tells labels apart, and this dataset has {len(names)} that two or more stimuli share.",
            "Choose a dataset whose stimuli have labels.",
        )
    number = {name: code for code, name in enumerate(names)}
    rows = [row for row, label in enumerate(labels) if label in number]
    codes = [number[label] for label in labels if label is not None and label in number]
    left_out = sorted(set(counts) - set(names))
    return Labels(np.array(rows, dtype=np.int64), np.array(codes, dtype=np.int64), names, left_out)


def parts(codes: IntArray, groups: IntArray | None, seed: int) -> Parts:
    """A quarter of every label to test on, drawn by `seed`, and a fifth of what is left to choose settings by."""
    outer = split(codes, groups, TEST_SHARE, seed)
    train = np.flatnonzero(~outer.test)
    units = groups[train] if groups is not None and outer.whole_groups else np.arange(len(train))
    # None of a label need be held back: one that is rare stays with the training.
    inner = _draw(codes[train], units, VALIDATION_SHARE, np.random.default_rng([seed, 1]), least=0.0)
    held, learn = train[inner], train[~inner]
    if not len(held) or not len(learn):  # too little to hold anything back
        held = learn = train
    return Parts(train, learn, held, np.flatnonzero(outer.test), outer.whole_groups)


def split(codes: IntArray, groups: IntArray | None, share: float, seed: int) -> Split:
    """A random part of the stimuli, `share` of every label as nearly as can be, each label on both sides.

    `codes` (k,) are label numbers from 0, each at least twice; `groups` (k,) numbers of groups. Groups are kept whole
    where that leaves every label on both sides; where it cannot (each label is one group), stimuli are split and
    `whole_groups` says so. O(k) a try, and at most 20 tries.
    """
    rng = np.random.default_rng([seed, 0])
    if groups is not None:
        for _ in range(TRIES):
            test = _draw(codes, groups, share, rng)
            if _on_both_sides(codes, test):
                return Split(test, True)
    return Split(_draw(codes, np.arange(len(codes)), share, rng), None if groups is None else False)


def _draw(codes: IntArray, units: IntArray, share: float, rng: np.random.Generator, least: float = 1.0) -> BoolArray:
    """Units in random order, each taken if the labels then come closer to their share, or to `least` stimuli."""
    numbers, unit_of = np.unique(units, return_inverse=True)
    has = np.zeros((len(numbers), int(codes.max()) + 1), dtype=np.int64)
    np.add.at(has, (unit_of, codes), 1)
    wanted = np.maximum(share * has.sum(axis=0), least)
    taken, chosen = np.zeros(has.shape[1]), np.zeros(len(numbers), dtype=np.bool_)
    for unit in rng.permutation(len(numbers)):
        row = np.flatnonzero(has[unit])
        more = has[unit, row]
        # Relative to what is wanted, so that a rare label counts as much as a frequent one.
        if (more * (2 * (taken[row] - wanted[row]) + more) / wanted[row]).sum() < 0:
            taken[row] += more
            chosen[unit] = True
    found: BoolArray = chosen[unit_of]
    return found


def _on_both_sides(codes: IntArray, test: BoolArray) -> bool:
    every = set(codes.tolist())
    return set(codes[test].tolist()) == every == set(codes[~test].tolist())
