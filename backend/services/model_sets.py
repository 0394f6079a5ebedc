"""Model sets: what a predicate or a name means among the models there are, and the sets that were named.

Attributes and tags of models are read here and nowhere else, so that published and audited labels are one switch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from backend.contracts.consistency import ModelSet, NewModelSet
from backend.db.repositories import model_sets, models
from backend.domain.attributes import is_slug
from backend.domain.errors import Conflict, FieldError, FieldErrors, InvalidInput, NotFound, nearest_hint
from backend.domain.predicates import BadPredicate, in_words, parse
from backend.domain.published import attributes_of, tags_of

ALL = "all"
# Sets that the published analysis speaks of (arXiv 2411.05561): its exclusion set, the same among self-supervised
# models, and its eight anchors.
PUBLISHED = {
    "without-mae": ("Without MAE", "!tag:mae"),
    "ssl-without-mae": ("Self-Supervised without MAE", "objective:self-supervised & !tag:mae"),
    "anchors": ("Published anchors", "tag:anchor"),
}


@dataclass(frozen=True)
class Described:
    """A model in the words of predicates: attribute -> value (`model` is its name), and its tags."""

    attributes: dict[str, str]
    tags: frozenset[str]

    @property
    def name(self) -> str:
        return self.attributes["model"]


@dataclass(frozen=True)
class Chosen:
    """What a predicate or a name stands for: canonical predicate (`all`: every model), title, names of its models."""

    predicate: str
    title: str
    models: frozenset[str]


@contextmanager
def naming(field: str) -> Iterator[None]:
    """Errors about what was given say in which field of the request it was."""
    try:
        yield
    except FieldErrors:
        raise
    except (InvalidInput, NotFound) as error:
        position = error.position if isinstance(error, BadPredicate) else None
        named = FieldErrors([FieldError(field, error.message, error.hint, position)])
        named.hint = error.hint
        raise named from error


def describe_models(connection: Connection, labels: str) -> list[Described]:
    """Every model by name. Raises InvalidInput for unknown labels."""
    return [
        Described(attributes_of(row, labels) | {"model": row["name"]}, frozenset(tags_of(row)))
        for row in map(dict, models.list_described(connection))
    ]


def choose(connection: Connection, text: str, described: Sequence[Described]) -> Chosen:
    """The set that a predicate, the name of a set, or `all` stands for among these models.

    Raises BadPredicate with its position, or InvalidInput for a name that no set has.
    """
    text = text.strip()
    if text in ("", ALL):
        return Chosen(ALL, "All models", frozenset(one.name for one in described))
    title, names = "", [one.name for one in described]
    if is_slug(text):
        title, text = _named(connection, text)
    found = parse(text, names=None if title else names)
    return Chosen(
        str(found) or ALL, title or in_words(found),
        frozenset(one.name for one in described if found.holds(one.attributes, one.tags)),
    )


def list_sets(connection: Connection, labels: str) -> list[ModelSet]:
    """The published sets and those that somebody named, with whom they hold now."""
    described = describe_models(connection, labels)
    return [
        _wire(connection, name, title, predicate, described)
        for name, title, predicate in [
            *((name, *said) for name, said in PUBLISHED.items()),
            *((row["name"], row["title"], row["predicate"]) for row in model_sets.list_all(connection)),
        ]
    ]


def save(connection: Connection, new: NewModelSet) -> ModelSet:
    """Names a set. Conflict if the name is taken by another predicate; FieldErrors if the predicate cannot be read."""
    described = describe_models(connection, "published")
    with naming("predicate"):
        predicate = str(parse(new.predicate, names=[one.name for one in described]))
        if not predicate:
            raise InvalidInput("A set needs a predicate.", "All models are the set `all` already.")
    if new.name == ALL or new.name in PUBLISHED:
        raise Conflict(f"The name {new.name!r} is that of a set that is always there.", "Choose another name.")
    row = model_sets.add(connection, name=new.name, title=new.title.strip() or new.name, predicate=predicate)
    if row["predicate"] != predicate:
        raise Conflict(
            f"There is a set {new.name!r} already, which is {row['predicate']!r}.",
            "Choose another name, or delete that set first.",
        )
    return _wire(connection, row["name"], row["title"], row["predicate"], described)


def delete(connection: Connection, name: str) -> None:
    """NotFound if nobody named such a set; Conflict for one that is always there."""
    if name == ALL or name in PUBLISHED:
        raise Conflict(f"The set {name!r} belongs to the published analysis.", "It cannot be deleted.")
    if not model_sets.remove(connection, name):
        known = [row["name"] for row in model_sets.list_all(connection)]
        raise NotFound(f"There is no model set {name!r}.", nearest_hint(name, known, "model sets"))


def _named(connection: Connection, name: str) -> tuple[str, str]:
    """Title and predicate of a named set."""
    if name in PUBLISHED:
        return PUBLISHED[name]
    row = model_sets.get(connection, name)
    if row is None:
        known = [*PUBLISHED, *(row["name"] for row in model_sets.list_all(connection))]
        raise InvalidInput(
            f"There is no model set {name!r}.",
            f"{nearest_hint(name, known, 'model sets')} A predicate reads attribute:value.",
        )
    return row["title"], row["predicate"]


def _wire(
    connection: Connection, name: str, title: str, predicate: str, described: Sequence[Described]
) -> ModelSet:
    return ModelSet(
        name=name, title=title, predicate=predicate, published=name in PUBLISHED,
        models=sorted(choose(connection, name, described).models),
    )
