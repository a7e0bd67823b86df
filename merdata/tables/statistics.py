"""What `merdata stats` prints on a terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from merdata.tables.table import console, table

MOST_SPEAKERS = 12
BAR = 40  # characters of the longest bar
SHARED = ("class", "split", "gender", "language")


def statistics(figures: dict[str, Any]) -> None:
    """Tables by corpus, class, split, gender, language and speaker, the durations and the ledger."""
    screen = console()
    screen.print(corpora(figures))
    for name in SHARED:
        if name != "split" or figures["protocol"]:
            screen.print(shares(figures, name))
    screen.print(speakers(figures, MOST_SPEAKERS))
    more = len(figures["by"]["speaker"]) - MOST_SPEAKERS
    if more > 0:
        screen.print(f"and {more:,} speakers more (--json has them all)\n")
    screen.print(durations(figures))
    screen.print(quantiles(figures), markup=False)
    screen.print(ledger(figures))
    screen.print(f"splits of: {protocol(figures)}", markup=False)


def hours(seconds: float) -> str:
    return f"{seconds / 3600:,.2f}"


def protocol(figures: dict[str, Any]) -> str:
    one = figures["protocol"]
    return f"protocol {one['name']}, fold {one['fold']}, SHA-256 {one['hash'][:12]}" if one else "no protocol"


def corpora(figures: dict[str, Any]) -> Table:
    made = table(
        "corpus", "#expected", "#discovered", "#rows", "#hours", "#speakers", "#train", "#val", "#test"
    )
    for one in figures["corpora"]:
        splits = figures["cross"]["split by corpus"][one["corpus"]]
        parts = [f"{splits[name]:,}" if name in splits else "-" for name in ("train", "validation", "test")]
        counts = [f"{one[name]:,}" for name in ("expected", "discovered", "rows")]
        made.add_row(one["corpus"], *counts, hours(one["seconds"]), f"{one['speakers']:,}", *parts)
    people = f"{len(figures['by']['speaker']):,}"
    made.add_row("total", "", "", f"{figures['rows']:,}", hours(figures["seconds"]), people, "", "", "")
    return made


def shares(figures: dict[str, Any], name: str) -> Table:
    """By class, split, gender or language."""
    made = table(name, "#rows", "#share", "#hours")
    for one in figures["by"][name]:
        share = f"{one['rows'] / figures['rows']:.1%}"
        made.add_row(one["value"], f"{one['rows']:,}", share, hours(one["seconds"]))
    return made


def speakers(figures: dict[str, Any], most: int | None = None) -> Table:
    """The most frequent first; all by default."""
    made = table("most frequent speakers", "corpus", "#rows", "#hours")
    for one in sorted(figures["by"]["speaker"], key=lambda one: -one["rows"])[:most]:
        made.add_row(one["value"], one["corpus"], f"{one['rows']:,}", hours(one["seconds"]))
    return made


def durations(figures: dict[str, Any]) -> Table:
    found = figures["durations"]
    made = table("seconds", "#rows", "")
    longest = max(found["rows"])
    for start, rows in zip(found["from"], found["rows"], strict=True):
        if rows:
            last = start == found["from"][-1]
            made.add_row(
                f"{start:g} and more" if last else f"from {start:g}", f"{rows:,}", _bar(rows, longest)
            )
    return made


def quantiles(figures: dict[str, Any]) -> str:
    told = ("shortest", "median", "mean", "95 % below", "longest")
    return ", ".join(f"{name} {figures['durations'][name]:.2f} s" for name in told)


def ledger(figures: dict[str, Any]) -> Table:
    made = table("ledger", "state", "reason", "#rows")
    for one in figures["ledger"]:
        made.add_row(one["corpus"], one["state"], one["reason"], f"{one['rows']:,}")
    return made


def _bar(rows: int, longest: int) -> str:
    return "█" * max(1, round(BAR * rows / longest))
