"""Preprocessing of an embedding's rows, which is part of the identity of every number: `l2`, `clamp=0.95+l2`.

Steps are applied left to right. `clamp=q` and `clamp-exact=q` are the two outlier clamps of the Platonic
Representation Hypothesis' code (Huh et al. 2024): entries are cut to +-t. There t is either the mean over rows of
each row's q-quantile of absolute values, or the floor(q n d)-th smallest absolute value of the whole matrix.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from backend.domain.errors import InvalidInput, nearest_hint
from backend.domain.metrics.spec import plain

PREPROCESS_STEPS: dict[str, str] = {
    "l2": "every row divided by its Euclidean length",
    "center": "the mean of every column subtracted",
    "clamp": "entries cut to +-t, t the mean over rows of the row's q-quantile of absolute values",
    "clamp-exact": "entries cut to +-t, t the floor(q n d)-th smallest absolute value of all entries",
}
_WITH_QUANTILE = frozenset({"clamp", "clamp-exact"})
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


class BadPreprocess(InvalidInput):
    """The preprocessing names a step that does not exist, or steps that do not go together."""


@dataclass(frozen=True)
class Step:
    """One step; `quantile` is for the clamps alone, strictly between 0 and 1."""

    name: str
    quantile: float | None = None

    @property
    def id(self) -> str:
        return self.name if self.quantile is None else f"{self.name}={plain(self.quantile)}"


@dataclass(frozen=True)
class Preprocess:
    """Steps applied to the rows of an embedding, left to right, before any metric sees them."""

    steps: tuple[Step, ...] = ()

    @property
    def id(self) -> str:
        """Canonical form: `none`, or the steps joined by `+`."""
        return "+".join(step.id for step in self.steps) or "none"

    def __str__(self) -> str:
        return self.id


def parse_preprocess(text: str) -> Preprocess:
    """Preprocessing from `none` or steps joined by `+` (`l2`, `center`, `clamp=0.95+l2`).

    Raises BadPreprocess for an unknown step, a quantile that is missing or out of range, a step twice in a row,
    and `none` beside other steps.
    """
    written = [step.strip() for step in text.split("+")]
    if written == ["none"]:
        return Preprocess()
    steps: list[Step] = []
    for part in written:
        if part == "none":
            raise BadPreprocess(f"Preprocessing {text!r} mixes none with other steps.", hint="Write none alone.")
        step = _parse_step(part, text)
        if steps and step == steps[-1]:
            raise BadPreprocess(f"Preprocessing {text!r} repeats {part}, to no effect.", hint="Write it once.")
        steps.append(step)
    return Preprocess(tuple(steps))


def _parse_step(part: str, text: str) -> Step:
    name, given, value = (piece.strip() for piece in part.partition("="))
    if name not in PREPROCESS_STEPS:
        known = [f"{step}=0.95" if step in _WITH_QUANTILE else step for step in PREPROCESS_STEPS]
        raise BadPreprocess(
            f"Unknown preprocessing step {part!r} in {text!r}.",
            hint=nearest_hint(part, [*known, "none"], "steps, joined by +"),
        )
    if name not in _WITH_QUANTILE:
        if given:
            raise BadPreprocess(f"The step {name} of {text!r} takes no number.", hint=f"Write {name} alone.")
        return Step(name)
    quantile = float(value) if NUMBER.fullmatch(value) else math.nan
    if not 0 < quantile < 1:
        raise BadPreprocess(
            f"The step {part!r} of {text!r} needs a quantile between 0 and 1.", hint=f"Write {name}=0.95."
        )
    return Step(name, quantile)


DEFAULT_PREPROCESS = parse_preprocess("l2")
