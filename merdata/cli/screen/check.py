"""What verify and diff print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from merdata.tables.table import console, table

if TYPE_CHECKING:
    from merdata.integrity.diff import Difference
    from merdata.integrity.verify import Verdict


def verified(verdict: Verdict, store: Path) -> None:
    screen = console()
    for sentence in verdict.faults:
        screen.print(f"fault: {sentence}", soft_wrap=True)
    for sentence in verdict.remarks:
        screen.print(f"remark: {sentence}", soft_wrap=True)
    if verdict.digest:
        screen.print(f"logical digest {verdict.digest}", soft_wrap=True)
    if verdict.faults:
        screen.print(f"{store} has {len(verdict.faults)} fault{'s'[: len(verdict.faults) != 1]}")
    else:
        screen.print(f"{store} is intact: {verdict.files:,} files, {verdict.rows:,} rows")


def compared(difference: Difference) -> None:
    screen = console()
    made = table("", "#rows", "why", "for example")
    changes = {"added": difference.added, "removed": difference.removed}
    changes |= {f"changed {column}": rows for column, rows in difference.changed.items()}
    for name, change in changes.items():
        why = ", ".join(f"{reason} {rows:,}" for reason, rows in change.why.items())
        made.add_row(name, f"{change.rows:,}", why, " ".join(change.examples))
    screen.print(made)
    for sentence in difference.settings:
        screen.print(sentence, soft_wrap=True)
    for name, fate in difference.protocols.items():
        screen.print(f"protocol {name}: {fate}", soft_wrap=True)
    before, after = difference.digests
    same = f"the rows are the same: logical digest {before}"
    screen.print(same if before == after else f"logical digests {before} and {after}", soft_wrap=True)
