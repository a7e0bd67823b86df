"""The parts of an architecture: each a schema of a recipe and the module that it builds.

branches of blocks -> interaction -> fusion -> heads -> losses. A file in `blocks`, `interactions`,
`fusions` or `losses` is found by itself: a new kind is one file, and no list names it.
"""
