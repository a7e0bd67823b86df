"""Text against audio in the page: error rates, suspicious rows with links to hear them, and columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from merdata.asr.against import Mismatch, TextAgainstAudio
from merdata.asr.layer import transcripts
from merdata.page.html import link
from merdata.page.table import PageColumn
from merdata.store.store import Store
from merdata.tables import against as tables

SHOWN = 100  # suspicious rows that the section lists, and whose clips come into the page first
FITS = "nothing suspicious"


def heard_columns(store: Store, layer: str, suspicious: Sequence[Mismatch]) -> Iterator[PageColumn]:
    """What was heard, what speaks against the text, and how much, for the table of utterances."""
    heard = transcripts(store, layer)
    found = {row.id: row for row in suspicious}
    rows = [found.get(id) for id in heard["id"].to_pylist()]
    yield PageColumn("heard", "heard", "text", [text or None for text in heard["text"].to_pylist()])
    kinds = [row.kind if row else FITS for row in rows]
    yield PageColumn("against", "text against audio", "category", kinds)
    yield PageColumn("suspicion", "suspicion", "number", [row.score if row else 0.0 for row in rows])


def told(result: TextAgainstAudio) -> dict[str, Any]:
    """The variables of the section."""
    return {
        "made_by": tables.made_by(result),
        "counts": tables.counts(result),
        "rates": tables.rates(result),
        "rows": [
            {"row": row, "what": tables.what(row), "href": link(q=row.id)}
            for row in result.mismatches[:SHOWN]
        ],
    }
