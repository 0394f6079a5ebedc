"""Writes `docs/metrics.md` from the catalogue in the code, so that the two cannot differ.

python -m parallax.cli.metrics_page > docs/metrics.md
"""

from __future__ import annotations

from backend.domain.metrics import (
    CATALOGUE,
    DEFAULT_METRICS,
    DEFAULT_PREPROCESS,
    INVARIANCES,
    PREPROCESS_STEPS,
    MetricSpec,
)
from backend.domain.metrics import plain as written

HEAD = """\
# Metrics

The measures of similarity, as `parallax metrics` and the API list them. A parameter that an id leaves out takes its
default; the canonical id always writes it. *Chance* is how the null is known: by moments in closed form with an exact
p from cyclic shifts, or by permutations of the stimuli. Invariances say what leaves the value unchanged when it is done
to one of the two models, after preprocessing.

This page is written by `make metrics`.

"""


def page() -> str:
    """The whole page, in Markdown."""
    return "".join([HEAD, _overview(), *map(_section, CATALOGUE.values()), _preprocessing()])


def _overview() -> str:
    usual = {metric.spec.key for metric in DEFAULT_METRICS}
    rows = [
        f"| [`{spec.default.id}`](#{_anchor(spec)}) | {spec.direction} | {_range(spec)} | {spec.null} "
        f"| {'computed by default' if spec.key in usual else 'for chosen models' if spec.on_request else ''} |\n"
        for spec in CATALOGUE.values()
    ]
    return "| id | | range | chance | |\n|---|---|---|---|---|\n" + "".join(rows).replace("|  |", "| |") + "\n"


def _section(spec: MetricSpec) -> str:
    """One metric: its explanation, then what a program would want to know."""
    alike = "smaller is more alike" if spec.direction == "distance" else "larger is more alike"
    facts = [
        f"A {spec.direction}, {_range(spec)}; {alike}",
        "Both directions are the same" if spec.symmetric else
        "It has a direction: from the row's model to the column's, which differs from the way back",
    ]
    if not spec.self_is_best:
        facts.append("A model's value with itself need not be the best there is")
    if spec.triangle:
        facts.append(f"The triangle inequality holds for `{spec.triangle}`, s being the value")
    facts += [
        "Invariant when " + "; ".join(INVARIANCES[name] for name in sorted(spec.invariances))
        if spec.invariances else "Invariant under nothing in general",
        f"At least {spec.default.minimum_n} stimuli" + (", for the defaults" if spec.parameters else ""),
        f"Chance: {spec.null}",
        f"Cost: {spec.cost}",
        f"Arithmetic: {spec.precision}",
        f"Source: {spec.citation}",
    ]
    facts[3:3] = [
        f"`{one.name}` from {written(one.minimum)} to {written(one.maximum)}, {written(one.default)} by default: "
        f"{one.description}" for one in spec.parameters
    ]
    listed = "".join(f"- {fact.rstrip('.')}.\n" for fact in facts)
    return f'<a id="{_anchor(spec)}"></a>\n\n## {spec.title}\n\n`{spec.default.id}`, version {spec.version}\n\n' \
        f"{spec.explanation}\n\n{listed}\n"


def _preprocessing() -> str:
    rows = "".join(f"| `{name}` | {words} |\n" for name, words in PREPROCESS_STEPS.items())
    return (
        "## Preprocessing\n\nWhat is done to the rows before any metric sees them is part of what a number is. Steps "
        f"are joined by `+` and applied left to right; `none` is no step, the default is `{DEFAULT_PREPROCESS.id}`. "
        f"The clamps take a quantile: `clamp=0.95`.\n\n| step | |\n|---|---|\n{rows}"
    )


def _range(spec: MetricSpec) -> str:
    low, high = (None if end is None else f"{end:.4g}" for end in (spec.lower, spec.upper))
    if low is None and high is None:
        return "unbounded"
    return f"{low} to {high}" if high is not None else f"{low} or more"


def _anchor(spec: MetricSpec) -> str:
    return spec.key.translate(str.maketrans(".:,", "---"))


if __name__ == "__main__":
    print(page(), end="")
