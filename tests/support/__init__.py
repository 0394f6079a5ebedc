"""Real servers, a whole stack and a browser for tests. `tests/conftest.py` makes the fixtures known everywhere."""
