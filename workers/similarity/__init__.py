"""The similarity engine: pure torch, no database, no queue, no files. Its one entrance is `engine.compare`."""
