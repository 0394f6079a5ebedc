"""View state <-> query string: the one place where a link's words are defined.

A link reads `/similarity?v=1&dataset=digits&metric=cka.linear.unbiased&order=name`. Fields come in the order in which
they are declared; a field at its default is left out; an unknown field is ignored and an unknown choice falls back to
its default, so that an old or hand-written link still opens. `v` is raised when a field changes its meaning. The
browser writes the same links from `schema()`, which describes the views as data.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, unquote

from backend.domain.attributes import MODEL_ATTRIBUTES
from backend.domain.consistency import METHODS
from backend.domain.jobs import STATES
from backend.domain.model_map import MAP_METHODS
from backend.domain.quantities import ARI, CALIBRATED, VALUE, Z

VERSION = 1
# Characters of metric ids and lists that stay readable in a query string.
READABLE = ":=,/"
MEAN = "mean"

# What the Similarity page draws: one matrix, several side by side, two in the halves of one square, their difference,
# or mean and standard deviation over datasets.
PICTURES = ("one", "multiples", "split", "difference", "mean", "spread")
GROUPS = ("none", *MODEL_ATTRIBUTES)
ORDERS = ("cluster", "name", *MODEL_ATTRIBUTES, "value", "model", "custom")
SCALES = ("full", "fitted")
# What is drawn in the cells: the value, or what calibration makes of it (backend.domain.quantities).
LAYERS = (VALUE, CALIBRATED, Z, ARI)
UNCERTAINTY = ("shown", "hidden")
SOURCES = ("timm", "checkpoint")
# Whose words describe models (backend.domain.published).
LABELLED = ("published", "audited")
# Everything that is known, what is here, or what was published and is not here.
SCOPES = ("all", "here", "absent")
# Parts of the page on consistency.
SECTIONS = ("map", "sets", "compare", "influence", "anchors", "metrics", "behaviour", "stimuli")

View = TypeVar("View")


def choice(options: tuple[str, ...]) -> Any:
    """A field with a closed vocabulary; the first word is the default and is left out of links."""
    return field(default=options[0], metadata={"options": options})


@dataclass(frozen=True)
class OverviewView:
    """The first page: which picture stands beside the finding."""

    metric: str = ""
    dataset: str = ""


@dataclass(frozen=True)
class SimilarityView:
    """Matrices of models by models. `layer` says which numbers, `view` which picture of them; `with_dataset` and
    `with_metric` name the second matrix of a split or a difference (empty: as the first), `datasets` those side by side
    or averaged (commas; empty: all).

    `models` is the predicate that models must fulfil by the attributes that `labels` says; they are grouped by `group`
    and ordered by `order` inside: `to` is the model that `model` orders by similarity to, `custom` the names that come
    first in an order of one's own.
    `crop` has the first and last model of the rows and of the columns in that order. `uncertainty` says whether cells
    carry its marks, `highlight` names a model whose row and column are outlined, `pair` the two that are pinned.
    """

    dataset: str = ""
    metric: str = ""
    layer: str = choice(LAYERS)
    view: str = choice(PICTURES)
    with_dataset: str = ""
    with_metric: str = ""
    datasets: str = ""
    labels: str = choice(LABELLED)
    models: str = ""
    group: str = choice(GROUPS)
    order: str = choice(ORDERS)
    to: str = ""
    custom: str = ""
    crop: str = ""
    scale: str = choice(SCALES)
    uncertainty: str = choice(UNCERTAINTY)
    highlight: str = ""
    pair: str = ""


@dataclass(frozen=True)
class ConsistencyView:
    """How far similarities survive a change of dataset. `models` and `datasets` are predicates (or a list of dataset
    names) that narrow everything; `a` and `b` are the datasets of the scatter; `set_a` and `set_b` the model sets of
    map and scatter; `sets` the custom sets, separated by `;`, that `by` = `custom` compares; `first`, `second` and
    `match` the two sets of the comparison and what is held equal; `other` a second metric; `dataset` that of behaviour
    and stimuli; `highlight` a model whose pairs stand out."""

    section: str = choice(SECTIONS)
    metric: str = ""
    method: str = choice(METHODS)
    layer: str = choice((VALUE, CALIBRATED))
    labels: str = choice(LABELLED)
    models: str = ""
    datasets: str = ""
    by: str = choice((*MODEL_ATTRIBUTES, "custom"))
    sets: str = ""
    set_a: str = "all"
    set_b: str = "all"
    a: str = ""
    b: str = ""
    first: str = "objective:self-supervised"
    second: str = "objective:supervised"
    match: str = ""
    anchors: str = ""
    other: str = ""
    dataset: str = ""
    highlight: str = ""


@dataclass(frozen=True)
class PairView:
    """Two models on every dataset; `dataset` is that of the stimuli below, `order` which of them come first."""

    a: str = ""
    b: str = ""
    metric: str = ""
    dataset: str = ""
    order: str = choice(("disagreement", "agreement"))


@dataclass(frozen=True)
class MapView:
    """Models in the plane. `dataset` is a dataset or the mean over all, `models` the predicate that models must fulfil,
    `by` the attribute that colours and shapes say, both by the attributes that `labels` says; `seed` and `perplexity`
    are those of t-SNE; `a` and `b` are selected."""

    metric: str = ""
    dataset: str = MEAN
    method: str = choice(MAP_METHODS)
    layer: str = choice((VALUE, CALIBRATED))
    labels: str = choice(LABELLED)
    models: str = ""
    by: str = choice(tuple(MODEL_ATTRIBUTES))
    seed: str = "42"
    perplexity: str = "5"
    a: str = ""
    b: str = ""


@dataclass(frozen=True)
class MetricsView:
    """The catalogue of metrics, or one of them in full."""

    metric: str = ""


@dataclass(frozen=True)
class ModelsView:
    """The models as cards, or their attributes crossed. `models` is a predicate, `q` are words of the name; what both
    and `scope` leave is shown."""

    view: str = choice(("cards", "crossed"))
    models: str = ""
    q: str = ""
    scope: str = choice(SCOPES)
    labels: str = choice(LABELLED)
    sort: str = choice(("name", "parameters", "coverage"))


@dataclass(frozen=True)
class DatasetsView:
    """The datasets as cards. `datasets` is a predicate."""

    datasets: str = ""
    q: str = ""
    scope: str = choice(SCOPES)
    sort: str = choice(("name", "stimuli", "coverage"))


@dataclass(frozen=True)
class CoverageView:
    """Which model is embedded on which dataset. Models are narrowed by `models`, `q` and `scope`, datasets by
    `datasets`, `dataset_q` and `dataset_scope`."""

    models: str = ""
    q: str = ""
    scope: str = choice(SCOPES)
    datasets: str = ""
    dataset_q: str = ""
    dataset_scope: str = choice(SCOPES)
    labels: str = choice(LABELLED)
    group: str = choice((*MODEL_ATTRIBUTES, "none"))


@dataclass(frozen=True)
class SubmitView:
    """The form: where the model comes from."""

    source: str = choice(SOURCES)


@dataclass(frozen=True)
class JobsView:
    """The list of jobs, all of them or those in one state."""

    state: str = choice(("all", *STATES))


VIEWS: dict[str, type[Any]] = {
    "/": OverviewView,
    "/similarity": SimilarityView,
    "/consistency": ConsistencyView,
    "/pair": PairView,
    "/map": MapView,
    "/metrics": MetricsView,
    "/models": ModelsView,
    "/datasets": DatasetsView,
    "/coverage": CoverageView,
    "/submit": SubmitView,
    "/jobs": JobsView,
}


def encode(view: Any) -> str:
    """The query string of a view, with its question mark; empty when every field has its default."""
    values = asdict(view)
    given = [(f.name, values[f.name]) for f in fields(view) if values[f.name] != f.default]
    if not given:
        return ""
    return "?" + "&".join(f"{name}={quote(str(value), safe=READABLE)}" for name, value in [("v", VERSION), *given])


def decode(kind: type[View], search: str | None) -> View:
    """The view that a query string describes. Never raises: what cannot be read becomes the default."""
    given = dict(parse_qsl((search or "").removeprefix("?"), keep_blank_values=True))
    known: dict[str, str] = {}
    for spec in fields(kind):  # type: ignore[arg-type]
        value = given.get(spec.name)
        options = spec.metadata.get("options")
        if value is not None and (options is None or value in options):
            known[spec.name] = value
    return kind(**known)


def is_newer(search: str | None) -> bool:
    """Whether a link was written by a later version of the page than this one."""
    version = dict(parse_qsl((search or "").removeprefix("?"))).get("v", "")
    return version.isascii() and version.isdigit() and int(version[:9]) > VERSION


def link(path: str, view: Any) -> str:
    """Address of a view."""
    return path + encode(view)


def job_link(job_id: int) -> str:
    """Address of a job's page."""
    return f"/jobs/{job_id}"


def job_id_of(pathname: str | None) -> int | None:
    """The job whose page an address names, if it does."""
    parts = (pathname or "").strip("/").split("/")
    if len(parts) == 2 and parts[0] == "jobs" and parts[1].isascii() and parts[1].isdigit() and len(parts[1]) < 19:
        return int(parts[1])
    return None


def model_link(name: str) -> str:
    """Address of a model's page."""
    return f"/models/{quote(name)}"


def dataset_link(name: str) -> str:
    """Address of a dataset's page."""
    return f"/datasets/{quote(name)}"


def name_in(pathname: str | None, folder: str) -> str | None:
    """The model (`folder` is `models`) or dataset (`datasets`) whose page an address names, if it does."""
    parts = (pathname or "").strip("/").split("/")
    return unquote(parts[1]) if len(parts) == 2 and parts[0] == folder and parts[1] else None


def schema() -> dict[str, Any]:
    """The views as data, from which the browser writes the links that `encode` would write and reads a choice that does
    not exist as `decode` does."""
    return {
        "version": VERSION,
        "views": {
            path: [
                {"name": f.name, "default": f.default, "options": list(f.metadata.get("options", ()))}
                for f in fields(kind)
            ]
            for path, kind in VIEWS.items()
        },
    }
