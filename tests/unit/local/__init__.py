"""Tests of parallax.local without servers."""
