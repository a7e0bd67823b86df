"""What `merdata stats` prints on a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from merdata.show import MOST_SPEAKERS, console, table

BAR = 40  # characters of the longest bar
HEADINGS = {"class": "class", "split": "split", "gender": "gender", "language": "language"}


def statistics(figures: dict[str, Any]) -> None:
    """Tables by corpus, class, split, gender, language and speaker, the durations and the ledger."""
    screen = console()
    _corpora(screen, figures)
    for name, heading in HEADINGS.items():
        if name != "split" or figures["protocol"]:
            _share(screen, heading, figures["by"][name], figures["rows"])
    _speakers(screen, figures)
    _durations(screen, figures["durations"])
    _ledger(screen, figures["ledger"])
    one = figures["protocol"]
    told = f"protocol {one['name']}, fold {one['fold']}, SHA-256 {one['hash'][:12]}" if one else "no protocol"
    screen.print(f"splits of: {told}", markup=False)


def hours(seconds: float) -> str:
    return f"{seconds / 3600:,.2f}"


def _corpora(screen: Console, figures: dict[str, Any]) -> None:
    made = table(
        "corpus", "#expected", "#discovered", "#rows", "#hours", "#speakers", "#train", "#val", "#test"
    )
    for one in figures["corpora"]:
        splits = figures["cross"]["split by corpus"][one["corpus"]]
        parts = [f"{splits[name]:,}" if name in splits else "-" for name in ("train", "validation", "test")]
        counts = [f"{one[name]:,}" for name in ("expected", "discovered", "rows")]
        made.add_row(one["corpus"], *counts, hours(one["seconds"]), f"{one['speakers']:,}", *parts)
    speakers = f"{len(figures['by']['speaker']):,}"
    made.add_row("total", "", "", f"{figures['rows']:,}", hours(figures["seconds"]), speakers)
    screen.print(made)


def _share(screen: Console, heading: str, records: list[dict[str, Any]], rows: int) -> None:
    made = table(heading, "#rows", "#share", "#hours")
    for one in records:
        share = f"{one['rows'] / rows:.1%}"
        made.add_row(one["value"], f"{one['rows']:,}", share, hours(one["seconds"]))
    screen.print(made)


def _speakers(screen: Console, figures: dict[str, Any]) -> None:
    made = table("most frequent speakers", "corpus", "#rows", "#hours")
    frequent = sorted(figures["by"]["speaker"], key=lambda one: -one["rows"])
    for one in frequent[:MOST_SPEAKERS]:
        made.add_row(one["value"], one["corpus"], f"{one['rows']:,}", hours(one["seconds"]))
    screen.print(made)
    if len(frequent) > MOST_SPEAKERS:
        screen.print(f"and {len(frequent) - MOST_SPEAKERS:,} speakers more (--json has them all)\n")


def _durations(screen: Console, durations: dict[str, Any]) -> None:
    made = table("seconds", "#rows", "")
    longest = max(durations["rows"])
    for start, rows in zip(durations["from"], durations["rows"], strict=True):
        if rows:
            last = start == durations["from"][-1]
            made.add_row(
                f"{start:g} and more" if last else f"from {start:g}", f"{rows:,}", _bar(rows, longest)
            )
    screen.print(made)
    told = ("shortest", "median", "mean", "95 % below", "longest")
    screen.print(", ".join(f"{name} {durations[name]:.2f} s" for name in told), markup=False)


def _bar(rows: int, longest: int) -> str:
    return "█" * max(1, round(BAR * rows / longest))


def _ledger(screen: Console, records: list[dict[str, Any]]) -> None:
    made = table("ledger", "state", "reason", "#rows")
    for one in records:
        made.add_row(one["corpus"], one["state"], one["reason"], f"{one['rows']:,}")
    screen.print(made)
