"""Names of the networks that timm can build, without timm: the web processes have neither it nor torch.

`timm_names.txt` holds the architectures (`resnet18`) and those with a pretrained tag (`resnet18.a1_in1k`), one a
line. A test compares it with the installed timm and says how to write it anew.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from backend.domain.errors import nearest_hint


@lru_cache(maxsize=1)
def known_names() -> frozenset[str]:
    """All names, architectures and tagged ones."""
    return frozenset(files("backend.domain").joinpath("timm_names.txt").read_text().split())


def is_known(name: str) -> bool:
    return name in known_names()


def hint_for(name: str) -> str:
    """What to type instead of a name that timm does not have."""
    architecture = name.partition(".")[0]
    tagged = sorted(known for known in known_names() if known.startswith(f"{architecture}."))
    if architecture in known_names() and tagged:
        return f"{architecture} has the tags {', '.join(t.partition('.')[2] for t in tagged[:8])}."
    return nearest_hint(name, sorted(known_names()), "models of timm")


def search_names(query: str, limit: int) -> list[str]:
    """Names that contain all words of the query: those that start with it first, then shorter ones first."""
    words = query.lower().split()
    found = [name for name in known_names() if all(word in name.lower() for word in words)]
    first = words[0] if words else ""
    return sorted(found, key=lambda name: (not name.lower().startswith(first), len(name), name))[:limit]
