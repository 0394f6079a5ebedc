"""The project's Markdown files: their text, links and snippets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.tree import ROOT, sources

FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Snippet:
    """A fenced block of a page."""

    page: Path
    language: str
    text: str


def pages() -> list[Path]:
    return sources(".md")


def text_of(page: Path | str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def snippets(page: Path | str, language: str | None = None) -> list[Snippet]:
    """The fenced blocks of a page, in order; those in one language if one is given."""
    found = [Snippet(Path(page), kind, body) for kind, body in FENCE.findall(text_of(page))]
    return [one for one in found if language is None or one.language == language]


def links(page: Path | str) -> list[str]:
    """Targets of links and pictures, without those to other machines and inside the page."""
    prose = FENCE.sub("", text_of(page))
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", prose) if not re.match(r"[a-z]+:|#", target)]
