"""Answers and arrays of one process, kept by the revision of what they were computed from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any


class ResultCache:
    """Encoded answers and square matrices by revision, up to a number of bytes; the least recently used are dropped."""

    def __init__(self, max_bytes: int = 512 * 1024**2) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._values: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str, make: Callable[[], Any], size_of: Callable[[Any], int] = len) -> Any:
        """The value of a key, made if it is not there. Two threads may make the same value; both get a right one."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key][0]
        value = make()
        with self._lock:
            self._bytes += size_of(value) - self._values.pop(key, (None, 0))[1]
            self._values[key] = (value, size_of(value))
            while self._bytes > self._max_bytes:
                self._bytes -= self._values.popitem(last=False)[1][1]
        return value
