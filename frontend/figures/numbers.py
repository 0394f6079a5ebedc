"""How numbers and names are written on screen: never `nan`, `undefined` or seventeen digits."""

from __future__ import annotations

import math
from datetime import UTC, datetime

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"


def decimal(value: float | None, digits: int = 2) -> str:
    """A number with a true minus sign; an en dash where there is none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", MINUS)


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 model`, `1,024 models`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """A length of time in two units at most: `3.4 s`, `2 min 5 s`, `1 h 12 min`."""
    seconds = max(seconds, 0.0)
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min"


def moment(when: datetime | None, seconds: bool = False) -> str:
    """A time in UTC, to the minute or the second."""
    if when is None:
        return NOTHING
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC" if seconds else "%Y-%m-%d %H:%M UTC")


def plain(text: str) -> str:
    """Text as plotly shows it letter by letter: it reads some markup and `%{...}` in what it is given."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("%{", "% {")


def size(size_bytes: int) -> str:
    """Bytes as `812 B`, `3.4 MB`."""
    number = float(size_bytes)
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def large(number: int) -> str:
    """A large count in three digits: `812`, `85.8 M`, `1.14 B`."""
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= 0.9995 * limit:
            return f"{number / limit:.3g} {unit}"
    return str(number)
