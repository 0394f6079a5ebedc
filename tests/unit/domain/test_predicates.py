"""Predicates: what they hold for, their canonical text, and errors that point at what is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.attributes import MODEL_ATTRIBUTES
from backend.domain.errors import InvalidInput
from backend.domain.predicates import (
    ALIASES,
    MAX_DEPTH,
    MAX_LENGTH,
    BadPredicate,
    Joined,
    Not,
    Predicate,
    Term,
    in_words,
    parse,
)

SSL = {"objective": "self-supervised", "architecture": "transformer", "size": "small", "model": "mae-vit-base"}
SUP = {"objective": "supervised", "architecture": "convolutional", "size": "large", "model": "resnet50"}


@pytest.mark.parametrize(
    ("text", "of_ssl", "of_sup"),
    [
        ("", True, True),
        ("  ", True, True),
        ("objective:self-supervised", True, False),
        ("objective:ssl", True, False),
        ("OBJECTIVE:SSL", True, False),
        ("objective:ssl,sup", True, True),
        ("objective:ssl&architecture:cnn", False, False),
        ("objective:ssl | architecture : cnn", True, True),
        ("!objective:ssl", False, True),
        ("!!objective:ssl", True, False),
        ("!(objective:ssl | size:small)", False, True),
        # ! binds closer than &, and & closer than |.
        ("!objective:ssl & size:large", False, True),
        ("size:small | size:large & objective:ssl", True, False),
        ("(size:small | size:large) & objective:ssl", True, False),
        ("objective:sup | size:small & objective:sup", False, True),
        ("tag:mae", True, False),
        ("!tag:mae", False, True),
        ("model:resnet50,resnet18", False, True),
        ("training-data:in1k", False, False),
    ],
)
def test_whom_a_predicate_holds_for(text: str, of_ssl: bool, of_sup: bool) -> None:
    predicate = parse(text)
    assert predicate.holds(SSL, ["mae"]) is of_ssl
    assert predicate.holds(SUP, []) is of_sup


def test_every_published_short_name_means_a_value_of_its_vocabulary() -> None:
    published = {"img-txt": "image-text", "ssl": "self-supervised", "sup": "supervised", "cnn": "convolutional",
                 "tx": "transformer", "in1k": "imagenet-1k", "in21k": "imagenet-21k"}  # fmt: skip
    assert {short: long for names in ALIASES.values() for short, long in names.items()} == published
    for attribute, names in ALIASES.items():
        for short, long in names.items():
            assert long in MODEL_ATTRIBUTES[attribute]
            assert parse(f"{attribute}:{short}") == parse(f"{attribute}:{long}") == Term(attribute, (long,))


def test_datasets_have_their_own_attributes() -> None:
    predicate = parse("domain:natural-single,natural-multi & !dataset:pets", "dataset", names=["pets", "dtd"])
    assert predicate.holds({"domain": "natural-multi", "dataset": "dtd"})
    assert not predicate.holds({"domain": "natural-single", "dataset": "pets"})
    assert str(predicate) == "domain:natural-multi,natural-single & !dataset:pets"
    with pytest.raises(BadPredicate, match="A model has no attribute 'domain'"):
        parse("domain:structured")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("size:xlarge,small", "size:small,xlarge"),  # the vocabulary's order
        ("model:b,a,b", "model:a,b"),
        ("training-data:in21k,in1k", "training_data:imagenet-1k,imagenet-21k"),
        ("((objective:ssl))", "objective:self-supervised"),
        ("size:small&(size:large&tag:x)", "size:small & size:large & tag:x"),
        ("size:small&(size:large|tag:x)", "size:small & (size:large | tag:x)"),
        ("(size:small&size:large)|tag:x", "size:small & size:large | tag:x"),
        ("!(size:small)", "!size:small"),
        ("! !size:small", "size:small"),
        ("size:small | size:small", "size:small"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical
    assert parse(canonical) == parse(text)


@pytest.mark.parametrize(
    ("text", "position", "said", "hint"),
    [
        ("objektive:ssl", 1, "no attribute 'objektive'", "objective"),
        ("size:small & archi:cnn", 14, "no attribute 'archi'", "architecture"),
        ("objective:self-supervise", 11, "no objective 'self-supervise'", "self-supervised"),
        ("objective:ssl, suppervised", 16, "no objective 'suppervised'", "supervised"),
        ("training_data:in2k", 15, "no training data 'in2k'", "in21k"),
        ("objective", 10, "Expected : behind objective", "objective:value"),
        ("objective:", 11, "Expected a value of objective", "image-text"),
        ("objective:ssl,", 15, "Expected a value of objective", "image-text"),
        ("objective:ssl &", 16, "Expected attribute:value", "objective:supervised"),
        ("& objective:ssl", 1, "Expected attribute:value", "objective:supervised"),
        ("objective:ssl || size:small", 16, "Expected attribute:value", "objective:supervised"),
        ("objective:ssl size:small", 15, "Expected &, | or the end", ""),
        ("(objective:ssl", 15, r"Expected \)", "opened at character 1"),
        ("objective:ssl)", 14, "No parenthesis is open", ""),
        ("tag:Ähre", 5, "cannot be a name", "a-z"),
        ("model:resnet5", 7, "no model 'resnet5'", "resnet50"),
        ("!" * 200 + "tag:x", MAX_DEPTH + 2, "levels", "parentheses"),
        ("(" * 200 + "tag:x" + ")" * 200, MAX_DEPTH + 2, "levels", "parentheses"),
        ("tag:" + "x" * MAX_LENGTH, MAX_LENGTH, "too long", "4000"),
    ],
)
def test_an_error_points_at_what_is_wrong(text: str, position: int, said: str, hint: str) -> None:
    with pytest.raises(BadPredicate, match=said) as caught:
        parse(text, names=["resnet18", "resnet50"])
    assert caught.value.position == position
    assert f"(character {position} of " in caught.value.message
    assert hint in caught.value.hint
    assert isinstance(caught.value, InvalidInput)


def test_names_are_checked_only_where_they_are_known() -> None:
    assert parse("model:not-here") == Term("model", ("not-here",))


def terms() -> st.SearchStrategy[Predicate]:
    known = [(attribute, value) for attribute, values in MODEL_ATTRIBUTES.items() for value in values]
    known += [("tag", "mae"), ("model", "resnet50")]
    return st.sampled_from(known).map(lambda one: Term(one[0], (one[1],)))


def predicates() -> st.SearchStrategy[Predicate]:
    def larger(parts: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
        several = st.lists(parts, min_size=2, max_size=3).map(tuple)
        return st.builds(Not, parts) | st.builds(Joined, st.sampled_from(["&", "|"]), several)

    return st.recursive(terms(), larger, max_leaves=8)


@settings(max_examples=100, deadline=None)
@given(predicate=predicates(), tags=st.sampled_from([(), ("mae",)]), model=st.sampled_from([SSL, SUP]))
def test_text_and_back_keeps_the_meaning(predicate: Predicate, tags: tuple[str, ...], model: dict[str, str]) -> None:
    again = parse(str(predicate))
    assert again.holds(model, tags) == predicate.holds(model, tags)
    assert parse(str(again)) == again


@settings(max_examples=200, deadline=None)
@given(text=st.text("os:,&|!() size:small" + "ä\n", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except BadPredicate as error:
        assert 1 <= error.position <= len(text) + 1
    else:
        assert parse(str(found)) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("objective:ssl", "Self-Supervised"),
        ("architecture:cnn,tx & !size:large", "Convolutional or Transformer and not size Large"),
        ("objective:sup & (training_data:large | tag:mae)", "Supervised and (training data Large or tag mae)"),
        ("!(objective:sup & size:small)", "not (Supervised and size Small)"),
        ("model:a,b,c,d,e", "5 models"),
    ],
)
def test_a_predicate_in_words(text: str, words: str) -> None:
    assert in_words(parse(text)) == words
