"""Pieces of pages: layout without I/O, and the wrapper that keeps callbacks off the event loop."""
