"""Durable files outside the database."""

from backend.storage.local import LocalStore
from backend.storage.store import ArrayStore, load_array, put_array

__all__ = ["ArrayStore", "LocalStore", "load_array", "put_array"]
