"""Figures: pure functions from data to a plotly Figure. No I/O, no state."""
