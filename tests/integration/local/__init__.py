"""Tests of parallax.local with real servers and processes."""
