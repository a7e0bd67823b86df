"""What the commands print on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from merdata_train.metrics import METRICS

if TYPE_CHECKING:
    from merdata_train.predict import Item

TITLES = {"accuracy": "accuracy", "uar": "UAR", "macro_f1": "macro-F1", "weighted_f1": "weighted-F1"}
WIDE = 140


def console() -> Console:
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=WIDE)


def metrics(found: dict[str, Any], folder: Path) -> None:
    """The table of evaluation sets, and what each number rests on."""
    table = Table(box=box.MARKDOWN)
    table.add_column("test set")
    for name in ("n", *TITLES.values()):
        table.add_column(name, justify="right")
    for name, account in found["sets"].items():
        table.add_row(name, *_cells(account))
    screen = console()
    screen.print(table)
    for name, account in found["sets"].items():
        for remark in _remarks(account):
            screen.print(f"{name}: {remark}", soft_wrap=True)
    screen.print(
        f"{found['recipe']}, protocol {found['protocol']} fold {found['fold']}, "
        f"split {found['split_hash'][:12]}, seed {found['seed']}, "
        f"epoch chosen by validation {TITLES[found['selection']]}",
        soft_wrap=True,
    )
    screen.print("in brackets: 95 % intervals, resampling dialogues (conversational) or speakers (acted)")
    screen.print(f"everything lies in {folder}", soft_wrap=True)


def _cells(account: dict[str, Any] | None) -> list[str]:
    if account is None:
        return ["0", *("-" for _ in METRICS)]
    spans = account["intervals"]
    cells = []
    for name in METRICS:
        span = f" [{spans[name][0]:.3f}, {spans[name][1]:.3f}]" if spans else ""
        cells.append(f"{account['scores'][name]:.4f}{span}")
    return [f"{account['n']:,}", *cells]


def _remarks(account: dict[str, Any] | None) -> list[str]:
    if account is None:
        return ["no test rows in this protocol"]
    always = account["majority"]
    remarks = [f"always the majority class: UAR {always['uar']:.4f}, weighted-F1 {always['weighted_f1']:.4f}"]
    if account["absent"]:
        remarks.append(f"no rows of {', '.join(account['absent'])}: left out of UAR and macro-F1")
    if account["intervals"] is None:
        remarks.append(f"too few speakers or dialogues for an interval ({account['clusters']})")
    return remarks


def predictions(found: Sequence[Item], classes: Sequence[str]) -> None:
    """A row an utterance: its class, and the probability of every class."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("file or text", overflow="fold")
    table.add_column("emotion")
    for name in classes:
        table.add_column(name, justify="right")
    for one in found:
        if one.prediction is not None:
            cells = [f"{one.prediction.probabilities[name]:.3f}" for name in classes]
            table.add_row(one.file or one.text, one.prediction.label, *cells)
    if table.row_count:
        console().print(table)


def pushed(found: dict[str, Any]) -> None:
    """What went to the Hub, or would go there."""
    screen = console()
    for file in found["files"]:
        screen.print(f"{file['path']}  {file['bytes']:,} bytes", soft_wrap=True)
    who = "private" if found["private"] else "public"
    done = f"uploaded to {found['url']}" if found["url"] else f"would be uploaded to {found['repo']}"
    screen.print(f"{done} ({who})", soft_wrap=True)


def recipes(found: list[dict[str, str]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("name", "model", "modalities", "what it is"):
        table.add_column(name)
    for one in found:
        table.add_row(one["name"], one["model"], one["modalities"], one["about"])
    console().print(table)
