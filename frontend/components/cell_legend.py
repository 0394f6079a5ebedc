"""The legend of the marks of uncertainty inside the cells of a heatmap, with numbers.

A square dot grows with the width of the 95 % interval: its area is that width as a share of the whole colour range, and
the largest leaves a rim in the colour of the cell. A stroke crosses cells that cannot be told from chance. `cells.js`
draws both by the same rule.
"""

from __future__ import annotations

from math import floor, log10

from dash import html

from frontend.figures.numbers import count

LARGEST = 0.6  # side of the largest dot as a share of its cell's
SHARES = (0.02, 0.08, 0.25, 0.6)
CLASSES = {"interval": "sample-dot", "chance": "sample-stroke"}


def cell_legend(
    reference: float, widths: dict[str, float] | None, n_within: int | None, n_pairs: int, what: str
) -> html.Div:
    """The legend: `reference` is the width of the largest dot, `widths` least, median and largest width over pairs,
    `n_within` of `n_pairs` pairs are not told from chance (None: not calibrated). `what` the unit's name."""
    parts = []
    if widths is None:
        parts.append(html.P("No interval is known yet, so no dots are drawn.", className="dim"))
    else:
        parts.append(html.Ul([_dot(_rounded(reference * share), reference) for share in SHARES], className="samples"))
        parts.append(
            html.P(
                f"Dot: width of the 95 % interval of {what}. The largest dot stands for the whole colour range, "
                f"{_short(reference)}. Here widths run from {_short(widths['low'])} to {_short(widths['high'])}, "
                f"median {_short(widths['median'])}."
            )
        )
    if n_within is None:
        parts.append(html.P("Chance is not known yet, so no cell is crossed out.", className="dim"))
    else:
        parts.append(
            html.Div(
                [
                    html.Span(className=f"sample {CLASSES['chance']}", **{"aria-hidden": "true"}),
                    html.P(
                        f"Stroke: not told from chance, q > 0.05. So it is for {n_within:,} of "
                        f"{count(n_pairs, 'pair')}; q adjusts p for the number of pairs."
                    ),
                ],
                className="sample-row",
            )
        )
    return html.Div(parts, className="cell-legend")


def _dot(width: float, reference: float) -> html.Li:
    side = f"{100 * LARGEST * min(width / reference, 1.0) ** 0.5:.1f}%"
    inner = html.Span(className=CLASSES["interval"], style={"width": side, "height": side})
    return html.Li([html.Span(inner, className="sample", **{"aria-hidden": "true"}), html.Span(_short(width))])


def _rounded(width: float) -> float:
    """To one significant digit, so that a legend's numbers are easy to keep in mind."""
    return round(width, -floor(log10(width)))


def _short(width: float) -> str:
    """A width with two significant digits."""
    return f"{width:.2g}"
