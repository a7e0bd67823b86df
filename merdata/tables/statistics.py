"""The tables of `merdata stats`, which the page shows too."""

from __future__ import annotations

from rich.table import Table

from merdata.stats import QUANTILES, Figures
from merdata.store.protocol import SPLITS
from merdata.tables.table import console, table

MOST_SPEAKERS = 12
BAR = 40  # characters of the longest bar
SHARED = ("class", "split", "gender", "language")


def statistics(figures: Figures) -> None:
    """Print tables by corpus, class, split, gender, language and speaker, the durations and the ledger."""
    screen = console()
    screen.print(corpora(figures))
    for name in SHARED:
        if name != "split" or figures["protocol"]:
            screen.print(shares(figures, name))
    screen.print(speakers(figures, MOST_SPEAKERS))
    more = len(figures["by"]["speaker"]) - MOST_SPEAKERS
    if more > 0:
        screen.print(f"and {more:,} more speakers (--json lists them all)\n")
    screen.print(durations(figures))
    screen.print(quantiles(figures), markup=False)
    screen.print(ledger(figures))
    screen.print(f"splits of: {protocol(figures)}", markup=False)


def hours(seconds: float) -> str:
    """Seconds as hours with two digits."""
    return f"{seconds / 3600:,.2f}"


def protocol(figures: Figures) -> str:
    """Name, fold and hash of the protocol whose splits are counted."""
    facts = figures["protocol"]
    if facts is None:
        return "no protocol"
    return f"protocol {facts['name']}, fold {facts['fold']}, SHA-256 {facts['hash'][:12]}"


def corpora(figures: Figures) -> Table:
    """Rows, hours, speakers and splits of each corpus."""
    made = table(
        "corpus", "#expected", "#discovered", "#rows", "#hours", "#speakers", "#train", "#val", "#test"
    )
    for corpus in figures["corpora"]:
        splits = figures["cross"]["split by corpus"][corpus["corpus"]]
        counts = [corpus["expected"], corpus["discovered"], corpus["rows"]]
        made.add_row(
            corpus["corpus"],
            *(f"{count:,}" for count in counts),
            hours(corpus["seconds"]),
            f"{corpus['speakers']:,}",
            *(f"{splits[name]:,}" if name in splits else "-" for name in SPLITS),
        )
    people = f"{len(figures['by']['speaker']):,}"
    made.add_row("total", "", "", f"{figures['rows']:,}", hours(figures["seconds"]), people, "", "", "")
    return made


def shares(figures: Figures, name: str) -> Table:
    """By class, split, gender or language."""
    made = table(name, "#rows", "#share", "#hours")
    for group in figures["by"][name]:
        share = f"{group['rows'] / figures['rows']:.1%}"
        made.add_row(group["value"], f"{group['rows']:,}", share, hours(group["seconds"]))
    return made


def speakers(figures: Figures, most: int | None = None) -> Table:
    """The speakers with the most rows first; all by default."""
    made = table("speakers with the most rows", "corpus", "#rows", "#hours")
    for speaker in sorted(figures["by"]["speaker"], key=lambda speaker: -speaker["rows"])[:most]:
        made.add_row(speaker["value"], speaker["corpus"], f"{speaker['rows']:,}", hours(speaker["seconds"]))
    return made


def durations(figures: Figures) -> Table:
    """The histogram of durations, with bars."""
    starts, counts = figures["durations"]["from"], figures["durations"]["rows"]
    made = table("seconds", "#rows", "")
    longest = max(counts)
    for start, rows in zip(starts, counts, strict=True):
        if rows:
            name = f"{start:g} and more" if start == starts[-1] else f"from {start:g}"
            made.add_row(name, f"{rows:,}", _bar(rows, longest))
    return made


def quantiles(figures: Figures) -> str:
    """Shortest, median, mean, 95 % quantile and longest duration, on one line."""
    return ", ".join(f"{name} {figures['durations'][name]:.2f} s" for name in QUANTILES)


def ledger(figures: Figures) -> Table:
    """How many rows of each corpus have which state, and why."""
    made = table("corpus", "state", "reason", "#rows", title="ledger")
    for group in figures["ledger"]:
        made.add_row(group["corpus"], group["state"], group["reason"], f"{group['rows']:,}")
    return made


def _bar(rows: int, longest: int) -> str:
    return "█" * max(1, round(BAR * rows / longest))
