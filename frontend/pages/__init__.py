"""Pages: one file each, with `layout` (no I/O), `register` (its callbacks) and what they compute from the API."""
