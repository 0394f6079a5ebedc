"""Typed HTTP client of the Parallax API: `Client(base_url)`; it knows the contracts and nothing else."""

from parallax.client.client import ApiError, Client, MatrixArray

__all__ = ["ApiError", "Client", "MatrixArray"]
