"""Consistency: which similarities survive a change of dataset, how sure one can be, and which pairs decide it.

`page` is the frame with the controls that all sections share, `part` how a section's picture is read and shown,
`scope` what a link asks for; every other file is one section or a piece of one.
"""

from frontend.pages.consistency.page import KEY, PATH, layout, register

__all__ = ["KEY", "PATH", "layout", "register"]
