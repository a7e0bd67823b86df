"""What verify and diff print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from merdata.show import console

if TYPE_CHECKING:
    from merdata.verification import Verdict


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
        screen.print(f"{store} is whole: {verdict.files:,} files, {verdict.rows:,} rows")
