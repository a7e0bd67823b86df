"""What the commands print on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from merdata_train.metrics import METRICS

TITLES = {"accuracy": "accuracy", "uar": "UAR", "macro_f1": "macro-F1", "weighted_f1": "weighted-F1"}
WIDE = 140


def console() -> Console:
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=WIDE)


def metrics(found: dict[str, Any], folder: Path) -> None:
    """The table of evaluation sets, each above its baselines, and what the numbers rest on."""
    table = Table(box=box.MARKDOWN)
    table.add_column("test set")
    for name in ("n", *TITLES.values()):
        table.add_column(name, justify="right")
    for name, account in found["sets"].items():
        table.add_row(name, *_cells(account))
        for row in _baselines(account):
            table.add_row(*row, style="dim")
    screen = console()
    screen.print(table)
    for name, account in found["sets"].items():
        for remark in _remarks(account):
            screen.print(f"{name}: {remark}", soft_wrap=True)
    screen.print(
        f"{found['recipe']}, protocol {found['protocol']} fold {found['fold']}, "
        f"split {found['split_hash'][:12]}, seed {found['seed']}, "
        f"epoch {found['best_epoch']} chosen by validation {TITLES[found['selection']]}",
        soft_wrap=True,
    )
    screen.print("in brackets: 95 % intervals, resampling dialogues (conversational) or speakers (acted)")
    screen.print(
        "resolves: half of the interval; two runs that differ by less are not told apart by this test set"
    )
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


def _baselines(account: dict[str, Any] | None) -> Iterator[list[str]]:
    for name, found in (account["baselines"] if account else {}).items():
        cells = [f"{found[metric]:.4f}" if metric in found else "" for metric in METRICS]
        yield [f"  {name.replace('_', ' ')}", "", *cells]


def _remarks(account: dict[str, Any] | None) -> Iterator[str]:
    if account is None:
        yield "no test rows in this protocol"
        return
    if account["resolvable"]:
        yield f"resolves {_listed(account['resolvable'])}; {_calibration(account['calibration'])}"
    else:
        yield f"too few speakers or dialogues for an interval ({account['clusters']})"
    if account["absent"]:
        yield f"no rows of {', '.join(account['absent'])}: left out of UAR and macro-F1"


def _listed(found: dict[str, float]) -> str:
    return ", ".join(f"{TITLES[name]} ±{value:.3f}" for name, value in found.items())


def _calibration(found: dict[str, Any]) -> str:
    before, after = found["before"]["ece"], found["after"]["ece"]
    return f"ECE {before:.3f}, {after:.3f} at temperature {found['temperature']:.2f}"


def comparison(found: dict[str, Any]) -> None:
    """Differences of every pair on every evaluation set."""
    screen = console()
    for name, part in found["sets"].items():
        table = Table(box=box.MARKDOWN, title=f"{name}: n {part['n']:,}, clusters {part['clusters']:,}")
        for column in ("other", "minus", *TITLES.values(), "Cohen's g"):
            table.add_column(column, justify="left" if column in ("other", "minus") else "right")
        for pair in part["pairs"]:
            cells = [_difference(pair["metrics"][metric]) for metric in METRICS]
            table.add_row(pair["other"], pair["one"], *cells, _bounded(pair["cohens_g"], "value"))
        screen.print(table)
    screen.print(
        "in brackets: 95 % intervals of the paired cluster bootstrap; p after Holm over the pairs of a set; "
        "n.s.: not significant at 0.05",
        soft_wrap=True,
    )


def _difference(found: dict[str, Any]) -> str:
    if found["p"] is None:
        return _bounded(found, "difference")
    mark = f"p {found['p_holm']:.2g}" if found["significant"] else "n.s."
    return f"{_bounded(found, 'difference')} {mark}"


def _bounded(found: dict[str, Any], key: str) -> str:
    span = found["interval"]
    return f"{found[key]:+.3f}" + (f" [{span[0]:+.3f}, {span[1]:+.3f}]" if span else "")


def recipes(found: list[dict[str, str]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("name", "model", "modalities", "what it is"):
        table.add_column(name)
    for one in found:
        table.add_row(one["name"], one["model"], one["modalities"], one["about"])
    console().print(table)
