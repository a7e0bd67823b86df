"""Published tables, set apart from our own, with what is known to be wrong with them."""

from __future__ import annotations

from collections.abc import Iterator

from merdata_train.report.tables import Grid
from merdata_train.runs.suite import Suite


def document_grids(suite: Suite) -> Iterator[Grid]:
    """A table for each document of a suite: as published, not computed here."""
    for number, document in enumerate(suite.documents, start=1):
        origin = f"As published: {document.source}. Not computed here, and not on our test rows."
        said = [origin, *document.faults]
        yield Grid(
            f"{suite.name}-published-{number}",
            f"Published: {document.title}",
            document.columns,
            [[str(value) for value in row] for row in document.rows],
            " ".join(sentence if sentence.endswith(".") else f"{sentence}." for sentence in said),
            names=1,
        )
