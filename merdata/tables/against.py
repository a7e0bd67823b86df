"""The tables of `merdata audit --layer`, which the page shows too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.table import Table

from merdata.asr.against import Mismatch, TextAgainstAudio
from merdata.tables.table import console, table


def against(result: TextAgainstAudio, most: int) -> None:
    """Print error rates, and the most suspicious rows."""
    screen = console()
    screen.print(made_by(result), soft_wrap=True)
    screen.print(rates(result))
    if result.mismatches:
        screen.print(mismatches(result.mismatches[:most]))
    screen.print(counts(result), soft_wrap=True)


def made_by(result: TextAgainstAudio) -> str:
    """The layer, and what made it."""
    header = result.header
    return f"{result.layer}: {header['model']} at {header['revision'][:12]}, {header['engine']}"


def counts(result: TextAgainstAudio) -> str:
    """How many rows are suspicious, by kind."""
    kinds = Counter(row.kind for row in result.mismatches)
    told = ", ".join(f"{kind} {rows:,}" for kind, rows in kinds.most_common())
    rows = sum(group.rows for group in result.rates)
    return f"{len(result.mismatches):,} of {rows:,} clips may not say their text" + (
        f": {told}" if told else ""
    )


def rates(result: TextAgainstAudio) -> Table:
    """Error rates by corpus and language."""
    made = table(
        "text against audio", "language", "#rows", "#without text", "#nothing heard", "#words", "#WER", "#CER"
    )
    for group in result.rates:
        numbers = (group.rows, group.without_text, group.unheard, group.words)
        errors = (group.word_errors, group.letter_errors)
        made.add_row(
            group.corpus,
            group.language,
            *(f"{number:,}" for number in numbers),
            *(f"{rate:.1%}" if group.rows else "-" for rate in errors),
        )
    return made


def mismatches(rows: Sequence[Mismatch]) -> Table:
    """Rows whose clip seems not to say their text."""
    made = table("row", "#score", "what", "its text", "heard")
    made.columns[0].no_wrap = True  # to be copied
    for row in rows:
        made.add_row(row.id, f"{row.score:.3f}", what(row), row.text, row.heard)
    return made


def what(row: Mismatch) -> str:
    """What was found, and where its text belongs."""
    return f"{row.kind}: that of {row.other_id}" if row.other_id else row.kind
