"""The list of names that the web processes know is that of the installed timm."""

from __future__ import annotations

import pytest

from backend.domain.timm_names import hint_for, is_known, known_names, search_names

HOW = "timm changed. Write its names anew: python -m workers.extraction.timm_names > backend/domain/timm_names.txt"


def test_the_names_are_those_of_the_installed_timm() -> None:
    from workers.extraction.timm_names import all_names

    assert sorted(known_names()) == all_names(), HOW


@pytest.mark.parametrize(("name", "known"), [
    ("resnet18", True), ("resnet18.a1_in1k", True), ("resnet18.nothing", False), ("", False), ("resnet18 ", False),
    ("hf-hub:timm/resnet18", False), ("local-dir:/etc", False), ("RESNET18", False),
])  # fmt: skip
def test_what_is_known(name: str, known: bool) -> None:
    assert is_known(name) is known


def test_hints_say_what_to_type() -> None:
    assert "a1_in1k" in hint_for("resnet18.a9")
    assert "resnet18" in hint_for("resnet_18")


def test_a_search_finds_all_words_and_puts_beginnings_first() -> None:
    found = search_names("resnet a1", 10)
    assert found and all("resnet" in name and "a1" in name for name in found)
    assert search_names("vit", 3)[0].startswith("vit")
    assert len(search_names("", 7)) == 7
    assert search_names("zzzz qqqq", 7) == []
