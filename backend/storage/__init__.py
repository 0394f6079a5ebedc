"""Durable files outside the database."""

from backend.storage.local import LocalStore, is_disk_full
from backend.storage.store import ArrayStore, load_array, put_array

__all__ = ["ArrayStore", "LocalStore", "is_disk_full", "load_array", "put_array"]
