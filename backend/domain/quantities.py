"""The numbers that belong to one similarity: its value, its null, its interval, and what follows from them.

Stored quantities are computed by the engine. Derived ones follow from the stored ones (backend.domain.calibration) and
are never stored. A measure that is not symmetric has every stored quantity twice: as it is from the row's model to the
column's, and with `REVERSE` behind its name the other way round.
"""

from __future__ import annotations

VALUE = "value"
NULL_MEAN, NULL_SD, TAU, P = "null_mean", "null_sd", "tau", "p"
CI_LOW, CI_HIGH = "ci_low", "ci_high"
CALIBRATION = (NULL_MEAN, NULL_SD, TAU, P)
INTERVAL = (CI_LOW, CI_HIGH)
STORED = (VALUE, *CALIBRATION, *INTERVAL)
REVERSE = ".reverse"
Z, ARI, CALIBRATED, Q = "z", "ari", "calibrated", "q"
DERIVED = (Z, ARI, CALIBRATED, Q)
LAYERS = (*STORED, *DERIVED)

# What each quantity is, for pages and files.
MEANINGS: dict[str, str] = {
    VALUE: "the similarity itself",
    NULL_MEAN: "mean of the value when the stimuli of one model are relabelled at random",
    NULL_SD: "standard deviation of the value when the stimuli of one model are relabelled at random",
    TAU: "the value that unrelated models pass with probability 0.05",
    P: "probability of a value at least as extreme when the stimuli of one model are relabelled",
    CI_LOW: "lower end of the 95 % interval over stimuli",
    CI_HIGH: "upper end of the 95 % interval over stimuli",
    Z: "distance of the value from the null mean, in null standard deviations",
    ARI: "share of the way from the null mean to the best value",
    CALIBRATED: "share of the way from tau to the best value, 0 for what does not pass tau",
    Q: "p adjusted for all pairs of models by Benjamini and Hochberg",
}


def stored_of(*, symmetric: bool, calibrated: bool, interval: bool) -> tuple[str, ...]:
    """What is stored of every similarity by a measure; `calibrated`: its null is computed, `interval`: its interval."""
    names = (VALUE, *(CALIBRATION if calibrated else ()), *(INTERVAL if interval else ()))
    return names if symmetric else (*names, *(name + REVERSE for name in names))
