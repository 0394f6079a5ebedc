"""Groups of stimuli that belong together: patches of one picture, frames of one film."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def group_numbers(groups: Sequence[str | None]) -> NDArray[np.int64] | None:
    """A number for the group of every stimulus; None where each stands alone. A stimulus without a group is its own."""
    keys = [(name,) if name is not None else ("", index) for index, name in enumerate(groups)]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return None if len(numbers) == len(keys) else np.array([numbers[key] for key in keys], dtype=np.int64)
