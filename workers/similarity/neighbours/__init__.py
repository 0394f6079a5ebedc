"""Measures that compare two models' lists of nearest neighbours.

`search` finds the lists, `lists` keeps them and is what the measures over lists share; one file per kind of measure
follows: `mutual` (with its null in `moments` and `shifts`), `sets`, `sequences`, `cknna`.
"""
