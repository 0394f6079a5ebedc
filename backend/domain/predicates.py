"""Predicates: which models (or datasets) are meant, in one line of text that links, filters and saved sets share.

    objective:self-supervised & !(size:large,xlarge | tag:mae)

A term is `attribute:value`, or several values of which one must hold, joined by commas. Terms are joined by `!` (not),
`&` (and) and `|` (or), which bind in this order, and by parentheses. Values are the slugs of the vocabularies or their
published short names (`ssl`, `cnn`, `in1k`); `tag:` takes free tags, `model:` and `dataset:` take names. The empty
text means everything. Upper and lower case are the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from backend.domain.attributes import DOMAINS, MODEL_ATTRIBUTES, SLUG_PATTERN
from backend.domain.errors import InvalidInput, nearest_hint

Subject = Literal["model", "dataset"]
ALIASES: dict[str, dict[str, str]] = {
    "objective": {"img-txt": "image-text", "ssl": "self-supervised", "sup": "supervised"},
    "architecture": {"cnn": "convolutional", "tx": "transformer"},
    "training_data": {"in1k": "imagenet-1k", "in21k": "imagenet-21k"},
}
# Which attributes there are, and the vocabulary of each; None: any slug.
VOCABULARIES: dict[Subject, dict[str, Collection[str] | None]] = {
    "model": {**MODEL_ATTRIBUTES, "tag": None, "model": None},
    "dataset": {"domain": DOMAINS, "dataset": None},
}
MAX_LENGTH = 4_000
MAX_DEPTH = 30
MOST_SAID = 4  # values that a title names
_TOKEN = re.compile(r"\s*(?:(?P<word>[^\s&|!(),:]+)|(?P<sign>[&|!(),:]))")


class BadPredicate(InvalidInput):
    """A predicate cannot be read. `position` counts characters from 1 and points at what is wrong."""

    def __init__(self, message: str, text: str, position: int, hint: str = "") -> None:
        super().__init__(f"{message} (character {position} of {text!r})", hint)
        self.position = position


@dataclass(frozen=True)
class Term:
    """`attribute:value,value`: one of the values holds."""

    attribute: str
    values: tuple[str, ...]

    def holds(self, attributes: Mapping[str, str], tags: Collection[str] = ()) -> bool:
        if self.attribute == "tag":
            return any(value in tags for value in self.values)
        return attributes.get(self.attribute) in self.values

    def __str__(self) -> str:
        return f"{self.attribute}:{','.join(self.values)}"


@dataclass(frozen=True)
class Not:
    """`!part`"""

    part: Predicate

    def holds(self, attributes: Mapping[str, str], tags: Collection[str] = ()) -> bool:
        return not self.part.holds(attributes, tags)

    def __str__(self) -> str:
        return f"!({self.part})" if isinstance(self.part, Joined) else f"!{self.part}"


@dataclass(frozen=True)
class Joined:
    """Two or more parts joined by `&` or `|`. No parts joined by `&` hold for everything."""

    sign: Literal["&", "|"]
    parts: tuple[Predicate, ...]

    def holds(self, attributes: Mapping[str, str], tags: Collection[str] = ()) -> bool:
        every = all if self.sign == "&" else any
        return every(part.holds(attributes, tags) for part in self.parts)

    def __str__(self) -> str:
        inside = (f"({p})" if self.sign == "&" and isinstance(p, Joined) else str(p) for p in self.parts)
        return f" {self.sign} ".join(inside)


# What `parse` answers. `str(...)` is the canonical text: parsing it gives the same predicate.
Predicate = Term | Not | Joined
EVERYTHING = Joined("&", ())


def parse(text: str, subject: Subject = "model", names: Collection[str] | None = None) -> Predicate:
    """The predicate that a text means.

    `subject` says whether models or datasets are chosen. `names`, if given, are those that exist: a `model:` or
    `dataset:` that is none of them is an error. Raises BadPredicate with the position and the nearest name.
    """
    if len(text) > MAX_LENGTH:
        raise BadPredicate("The predicate is too long", text[:20] + "...", MAX_LENGTH, f"Use up to {MAX_LENGTH}.")
    return _Reader(text, subject, names).read()


def in_words(predicate: Predicate) -> str:
    """A predicate as titles on screen say it: `Self-Supervised and not size Large`. Empty for everything."""
    if isinstance(predicate, Not):
        inside = in_words(predicate.part)
        return f"not ({inside})" if isinstance(predicate.part, Joined) else f"not {inside}"
    if isinstance(predicate, Joined):
        within = predicate.sign == "&"
        parts = (f"({in_words(p)})" if within and isinstance(p, Joined) else in_words(p) for p in predicate.parts)
        return (" and " if within else " or ").join(parts)
    names: Mapping[str, str] = MODEL_ATTRIBUTES.get(predicate.attribute, {})
    said = [names.get(value, value) for value in predicate.values]
    if len(said) > MOST_SAID:
        return f"{len(said)} {predicate.attribute.replace('_', ' ')}s"
    # Objectives and architectures say by themselves what they are; `large` is a size and an amount of training data.
    what = "" if predicate.attribute in ("objective", "architecture") else f"{predicate.attribute.replace('_', ' ')} "
    return what + " or ".join(said)


class _Reader:
    """Reads one text from left to right, one word or sign at a time."""

    def __init__(self, text: str, subject: Subject, names: Collection[str] | None) -> None:
        self.text = text.rstrip()
        self.subject: Subject = subject
        self.names = names
        self.end = 0  # behind the last piece that was taken

    def read(self) -> Predicate:
        if not self.text:
            return EVERYTHING
        found = self.joined("|", depth=0)
        piece, position = self.peek()
        if piece:
            said = "No parenthesis is open" if piece == ")" else "Expected &, | or the end"
            raise self.error(said, position)
        return found

    def joined(self, sign: Literal["&", "|"], depth: int) -> Predicate:
        parts: list[Predicate] = []
        while True:
            part = self.joined("&", depth) if sign == "|" else self.single(depth)
            # a & (b & c) is a & b & c, and saying a thing twice says nothing more.
            same = part.parts if isinstance(part, Joined) and part.sign == sign else (part,)
            parts += [one for one in same if one not in parts]
            if self.peek()[0] != sign:
                return parts[0] if len(parts) == 1 else Joined(sign, tuple(parts))
            self.take()

    def single(self, depth: int) -> Predicate:
        piece, position = self.take()
        if depth > MAX_DEPTH:
            raise self.error(f"More than {MAX_DEPTH} levels", position, "Leave out parentheses that change nothing.")
        if piece == "!":
            part = self.single(depth + 1)
            return part.part if isinstance(part, Not) else Not(part)
        if piece == "(":
            found = self.joined("|", depth + 1)
            closing, where = self.take()
            if closing != ")":
                raise self.error("Expected )", where, f"A parenthesis was opened at character {position}.")
            return found
        if not _is_word(piece):
            raise self.error("Expected attribute:value", position, "Write for instance objective:supervised.")
        return self.term(piece, position)

    def term(self, word: str, position: int) -> Term:
        known = VOCABULARIES[self.subject]
        attribute = word.replace("-", "_")
        if attribute not in known:
            hint = nearest_hint(attribute, list(known), "attributes")
            raise self.error(f"A {self.subject} has no attribute {word!r}", position, hint)
        sign, where = self.take()
        if sign != ":":
            raise self.error(f"Expected : behind {word}", where, f"Write {attribute}:value.")
        values = [self.value(attribute)]
        while self.peek()[0] == ",":
            self.take()
            values.append(self.value(attribute))
        vocabulary = known[attribute]
        order = list(vocabulary) if vocabulary is not None else sorted(values)
        return Term(attribute, tuple(value for value in dict.fromkeys(order) if value in values))

    def value(self, attribute: str) -> str:
        word, position = self.take()
        vocabulary = VOCABULARIES[self.subject][attribute]
        if vocabulary is None and attribute == self.subject:
            vocabulary = self.names
        if not _is_word(word):
            some = f" Values: {', '.join(list(vocabulary)[:8])}." if vocabulary else ""
            raise self.error(f"Expected a value of {attribute}", position, f"Write {attribute}:value.{some}")
        aliases = ALIASES.get(attribute, {})
        value = aliases.get(word, word)
        if vocabulary is None and not re.fullmatch(SLUG_PATTERN, value):
            raise self.error(f"{word!r} cannot be a name", position, "Write a-z, 0-9, dots, hyphens, underscores.")
        if vocabulary is not None and value not in vocabulary:
            what = f"{attribute}s" if attribute == self.subject else f"values of {attribute}"
            raise self.error(
                f"There is no {attribute.replace('_', ' ')} {word!r}", position,
                nearest_hint(word, [*vocabulary, *aliases], what),
            )
        return value

    def peek(self) -> tuple[str, int]:
        """The next word (lower case) or sign and its position counted from 1; the empty text at the end."""
        match = _TOKEN.match(self.text, self.end)
        if match is None:
            return "", len(self.text) + 1
        return match.group(match.lastgroup or 0).lower(), match.start(match.lastgroup or 0) + 1

    def take(self) -> tuple[str, int]:
        piece, position = self.peek()
        self.end = position - 1 + len(piece)
        return piece, position

    def error(self, message: str, position: int, hint: str = "") -> BadPredicate:
        return BadPredicate(message, self.text, position, hint)


def _is_word(piece: str) -> bool:
    return bool(piece) and piece not in "&|!(),:"
