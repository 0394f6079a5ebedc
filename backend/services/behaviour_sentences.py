"""Sentences about similarity and behaviour, made from the numbers of an answer and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backend.contracts.probes import FewerStimuli, GapLink
from backend.services.consistency_sentences import counted, interval, shown

NEARLY_THE_SAME = 0.95


def performance(links: Sequence[GapLink], direction: str) -> str:
    """On how many datasets models that are more alike differ less in accuracy, and how strongly.

    An interval of too few models claims nothing.
    """
    known = [link for link in links if link.r is not None]
    if not known:
        return "No dataset has both similarities and probes of three models or more, so nothing can be said yet."
    r = np.array([link.r for link in known])
    extremes = known[int(r.argmin())], known[int(r.argmax())]
    opening = (
        f"Over {counted(len(known), 'dataset')} the median correlation of {_word(direction)} with the gap in accuracy "
        f"is {shown(float(np.median(r)))}"
    )
    if len(known) > 1:
        lowest, highest = (f"{shown(link.r or 0.0)} ({link.title})" for link in extremes)
        opening += f", from {lowest} to {highest}"
    bounded = [link for link in known if _has_ends(link) and not link.small]
    if not bounded:
        return f"{opening}; there are too few models to tell more."
    clear = [link for link in bounded if _alike_means_alike(link, direction)]
    against = [link for link in bounded if _against(link, direction)]
    said = f"on {len(clear)} of the {len(bounded)} datasets, models that are more alike clearly differ less in accuracy"
    if against:
        said += f"; on {len(against)} they clearly differ more"
    if len(bounded) < len(known):
        said += f"; on {len(known) - len(bounded)} more there are too few models to tell"
    return f"{opening}: {said}."


def gap_pairs(link: GapLink, direction: str) -> str:
    """What one dataset says."""
    if link.r is None:
        return f"{link.title}: r is not defined. {link.note}".strip()
    claim = "models that are more alike do not clearly differ less in accuracy"
    if _alike_means_alike(link, direction):
        claim = "models that are more alike differ less in accuracy"
    elif _against(link, direction):
        claim = "models that are more alike differ more in accuracy"
    elif not _has_ends(link):
        claim = f"{_word(direction)} and the gap in accuracy, without an interval"
    few = "; with so few models the interval is not to be relied on" if link.small else ""
    return (
        f"On {link.title}, {claim}: r = {shown(link.r)}{interval(link.ci_low, link.ci_high)} over "
        f"{counted(link.n_pairs, 'pair')} of {link.n_models} models{few}."
    )


def sensitivity(parts: Sequence[FewerStimuli], n: int) -> str:
    """From how many stimuli on the ranking of pairs is nearly that of all stimuli."""
    known = [part for part in parts if part.r is not None]
    if not known:
        return f"The similarities have not been computed on fewer than all {n:,} stimuli yet."
    least_of = {part.n: min(other.r or 0.0 for other in known if other.n == part.n) for part in known}
    fewest = min(least_of)
    of_fewest = [part for part in known if part.n == fewest]
    median = float(np.median([part.quantiles[2] for part in of_fewest if part.quantiles[2] is not None]))
    sizes = sorted(least_of)
    enough = [size for size in sizes if all(least_of[other] >= NEARLY_THE_SAME for other in sizes if other >= size)]
    opening = (
        f"With {fewest:,} of {n:,} stimuli the similarities correlate with those of all at r = "
        f"{shown(float(np.median([part.r for part in of_fewest])))} and differ by {shown(median)} in the median"
    )
    if not enough:
        return f"{opening}; no part that was tried reaches r = {shown(NEARLY_THE_SAME)} in every draw."
    return f"{opening}; from {min(enough):,} stimuli on r is at least {shown(NEARLY_THE_SAME)} in every draw."


def _word(direction: str) -> str:
    return "similarity" if direction == "similarity" else "distance"


def _has_ends(link: GapLink) -> bool:
    return link.ci_low is not None and link.ci_high is not None


def _alike_means_alike(link: GapLink, direction: str) -> bool:
    """The whole interval lies where more alike models differ less: below 0 for similarities, above for distances."""
    if link.ci_low is None or link.ci_high is None:
        return False
    return link.ci_high < 0 if direction == "similarity" else link.ci_low > 0


def _against(link: GapLink, direction: str) -> bool:
    return _alike_means_alike(link, "distance" if direction == "similarity" else "similarity")
