"""Pictures of a dataset's stimuli, where its licence allows them to be shown."""

from __future__ import annotations

from urllib.parse import quote

from dash import html

from backend.contracts.datasets import Dataset, Stimulus

ENDPOINT = "/api/v1/datasets"


def sample_rows(n_stimuli: int, wanted: int) -> list[int]:
    """Rows spread evenly over a dataset, at most `wanted`, the same every time."""
    wanted = min(wanted, n_stimuli)
    return [(2 * i + 1) * n_stimuli // (2 * wanted) for i in range(wanted)]


def picture(dataset: Dataset, row: int, size: int, stimulus: Stimulus | None = None) -> html.Img:
    """One stimulus, fetched when it comes into view. `size` is in pixels."""
    what = f"Stimulus {row + 1} of {dataset.title or dataset.name}"
    if stimulus is not None and stimulus.label:
        what += f", labelled {stimulus.label}"
    address = f"{ENDPOINT}/{quote(dataset.name)}@{dataset.version}/stimuli/{row}/image?size={size}"
    # assets/pictures.js turns data-src into src.
    return html.Img(alt=what, title=what if stimulus else None, className="stimulus", **{"data-src": address})


def withheld(dataset: Dataset) -> html.P:
    """Said in place of pictures."""
    return html.P(f"Pictures are not shown: the licence ({dataset.licence}) does not say that they may be.",
                  className="withheld")
