"""What the commands print on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from merdata_train.cli.lists import console
from merdata_train.scoring.coverage import on_half
from merdata_train.scoring.metrics import METRICS, TITLES, brackets
from merdata_train.scoring.results import fold_title
from merdata_train.scoring.units import OVER_SENTENCES

if TYPE_CHECKING:
    from merdata_train.runs.conduct import Summary
    from merdata_train.scoring.results import (
        Calibration,
        Comparison,
        Difference,
        Epoch,
        Metrics,
        Robustness,
        RunFacts,
        SetAccount,
    )
    from merdata_train.serving.predict import Item
    from merdata_train.serving.push import Upload


def metrics(found: Metrics, folder: Path) -> None:
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
    chose = TITLES.get(found["selection"], found["selection"])
    for name, account in found["sets"].items():
        for remark in _remarks(account):
            screen.print(f"{name}: {remark}", soft_wrap=True)
    screen.print(
        f"{found['recipe']}, {_tested_on(found)}, epoch {found['best_epoch']} chosen by validation {chose}",
        soft_wrap=True,
    )
    if "texts" in found:
        screen.print(found["texts"], soft_wrap=True)
    screen.print("in brackets: 95 % intervals, resampling dialogues (conversational) or speakers (acted)")
    screen.print(
        "resolves: half of the interval; this test set cannot tell two runs apart that differ by less"
    )
    screen.print(found["looks"], soft_wrap=True)
    screen.print(f"everything is in {folder}", soft_wrap=True)


def _cells(account: SetAccount | None) -> list[str]:
    if account is None:
        return ["0", *("-" for _ in METRICS)]
    spans = account["intervals"]
    cells = []
    for name in METRICS:
        span = spans[name] if spans else None
        cells.append(f"{account['scores'][name]:.4f}" + brackets(span))
    return [f"{account['n']:,}", *cells]


def _baselines(account: SetAccount | None) -> Iterator[list[str]]:
    for name, found in (account["baselines"] if account else {}).items():
        cells = [f"{found[metric]:.4f}" if metric in found else "" for metric in METRICS]
        yield [f"  {name.replace('_', ' ')}", "", *cells]


def _remarks(account: SetAccount | None) -> Iterator[str]:
    if account is None:
        yield "no test rows in this protocol"
        return
    if account["resolvable"]:
        if "over" in account:
            yield OVER_SENTENCES
        yield f"resolves {_listed(account['resolvable'])}; {_calibration(account['calibration'])}"
        yield from _coverage(account)
    else:
        yield f"too few speakers or dialogues for an interval ({account['clusters']})"
    if account["absent"]:
        yield f"no rows of {', '.join(account['absent'])}: left out of UAR and macro-F1"


def _listed(found: dict[str, float]) -> str:
    return ", ".join(f"{TITLES[name]} ±{value:.3f}" for name, value in found.items())


def _coverage(account: SetAccount) -> Iterator[str]:
    if "coverage" in account:
        found = account["coverage"]
        half = on_half(found)
        accuracy = _bounded(half["accuracy"], (half["intervals"] or {}).get("accuracy"), "")
        area = _bounded(found["aurc"], found["aurc_interval"], "")
        yield f"accuracy {accuracy} on the half of the rows that the model is surest of; AURC {area}"


def _calibration(found: Calibration) -> str:
    before, after = found["before"]["ece"], found["after"]["ece"]
    return f"ECE {before:.3f}, {after:.3f} at temperature {found['temperature']:.2f}"


def trained(best: Epoch, folder: Path) -> None:
    """What validation says of a run whose test rows were not read."""
    values = ", ".join(f"{TITLES[name]} {value:.4f}" for name, value in best["validation"].items())
    shown = console()
    shown.print(f"validation at epoch {best['epoch']} of stage {best['stage']}: {values}", soft_wrap=True)
    shown.print(f"the test rows were not read: `merdata_train evaluate {folder}` scores them", soft_wrap=True)


def _tested_on(found: Metrics | Robustness | RunFacts) -> str:
    """What a run was tested on."""
    fold = fold_title(found["fold"], found["fold_name"])
    return f"protocol {found['protocol']} {fold}, split {found['split_hash'][:12]}, seed {found['seed']}"


def comparison(found: Comparison) -> None:
    """Differences of every pair on every evaluation set."""
    screen = console()
    number = {run["run"]: str(at) for at, run in enumerate(found["runs"], start=1)}
    for run in found["runs"]:
        screen.print(f"{number[run['run']]}  {run['run']}: {_tested_on(run)}", soft_wrap=True)
    table = Table(box=box.MARKDOWN)
    for column in ("test set", "n", "runs", *TITLES.values(), "Cohen's g"):
        table.add_column(column, justify="left" if column in ("test set", "runs") else "right")
    for name, part in found["sets"].items():
        for pair in part["pairs"]:
            cells = [_difference(pair["metrics"][metric]) for metric in METRICS]
            which = f"{number[pair['other']]} - {number[pair['one']]}"
            table.add_row(
                name,
                f"{part['n']:,}",
                which,
                *cells,
                _bounded(pair["cohens_g"]["value"], pair["cohens_g"]["interval"]),
            )
    screen.print(table)
    screen.print(
        "in brackets: 95 % intervals of the paired cluster bootstrap; p after Holm over the pairs of a set; "
        "n.s.: not significant at 0.05",
        soft_wrap=True,
    )


def robustness(found: Robustness, looks: str, folder: Path) -> None:
    """The clean scores and those of every step of the ladder, on each domain's test set."""
    screen = console()
    table = Table(box=box.MARKDOWN)
    for column in ("test set", "perturbation", "level", "n", *TITLES.values(), "UAR − clean"):
        table.add_column(column, justify="left" if column in ("test set", "perturbation") else "right")
    for name in [name for name in ("TestA", "TestB") if name in found["clean"]]:
        clean = [f"{found['clean'][name][metric]:.4f}" for metric in METRICS]
        table.add_row(name, "none", "clean", "", *clean, "")
        for step in found["steps"]:
            own = step["sets"][name]
            values = [f"{own['n']:,}", *(f"{own['scores'][metric]:.4f}" for metric in METRICS)]
            table.add_row(
                name, step["kind"], step["level"], *values, _difference(own["against_clean"]["uar"])
            )
    screen.print(table)
    for kind, unit in {step["kind"]: step["unit"] for step in found["steps"]}.items():
        screen.print(f"{kind}: {unit}", soft_wrap=True)
    screen.print(
        "in brackets: 95 % intervals of the paired cluster bootstrap over the same rows; p after Holm over "
        "the ladder; n.s.: not significant at 0.05",
        soft_wrap=True,
    )
    screen.print(f"{found['recipe']}, {_tested_on(found)}", soft_wrap=True)
    screen.print(looks, soft_wrap=True)
    screen.print(f"everything is in {folder}", soft_wrap=True)


def _difference(found: Difference) -> str:
    bounded = _bounded(found["difference"], found["interval"])
    if found["p"] is None:
        return bounded
    return f"{bounded} " + (f"p {found['p_holm']:.2g}" if found["significant"] else "n.s.")


def _bounded(value: float, span: list[float] | None, sign: str = "+") -> str:
    return f"{value:{sign}.3f}" + brackets(span, f"{sign}.3f")


def suite(found: Summary) -> None:
    """The matrix of a suite: a row for each cell and fold, a column for each seed."""
    screen = console()
    seeds = sorted({run["seed"] for run in found["runs"]})
    table = Table(box=box.MARKDOWN)
    for name in ("cell", "fold", *(f"seed {seed}" for seed in seeds)):
        table.add_column(name)
    states: dict[tuple[str, str], dict[int, str]] = {}
    for run in found["runs"]:
        states.setdefault((run["cell"], run["fold_name"]), {})[run["seed"]] = run["state"]
    for (cell, fold), by_seed in states.items():
        table.add_row(cell, fold, *(by_seed.get(seed, "") for seed in seeds))
    screen.print(f"{found['suite']}: {found['title']}", soft_wrap=True)
    screen.print(table)
    counts = f"{len(found['runs'])} runs, {found['distinct']} distinct, {found['to_train']} to train"
    screen.print(f"{counts}: {_time(found)}", soft_wrap=True)
    for folder, fault in found["failed"].items():
        screen.print(f"failed: {folder}: {fault}", soft_wrap=True)


def _time(found: Summary) -> str:
    if not found["to_train"]:
        return "nothing is left to do"
    if found["seconds"] is None and found["gpu_hours"] is not None:
        speed = f"{found['gpu_tflops']:.0f} TFLOP/s"
        return f"about {found['gpu_hours']:.2g} GPU hours if every epoch is run, on a GPU of {speed}"
    if found["seconds"] is None or found["pace"] is None:
        return "time unknown: no run has finished here yet"
    pace, minutes = found["pace"], found["seconds"] / 60
    lasting = f"{minutes / 60:.1f} hours" if minutes > 90 else f"{max(1, round(minutes))} min"
    measured = f"{pace['seconds_per_epoch']:.2g} s an epoch, {pace['epochs']:g} epochs"
    return f"about {lasting} (median of finished runs, {pace['runs']}: {measured})"


def predictions(found: Sequence[Item], classes: Sequence[str]) -> None:
    """One row for each utterance: its class, and the probability of every class."""
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


def pushed(found: Upload) -> None:
    """What went to the Hub, or would go there."""
    screen = console()
    for file in found["files"]:
        screen.print(f"{file['path']}  {file['bytes']:,} bytes", soft_wrap=True)
    who = "private" if found["private"] else "public"
    done = f"uploaded to {found['url']}" if found["url"] else f"would be uploaded to {found['repo']}"
    screen.print(f"{done} ({who})", soft_wrap=True)


def report(written: dict[str, list[str]], out: Path) -> None:
    """The tables of a report, and where the rest is."""
    for files in written.values():
        table = next(file for file in files if file.endswith(".md"))
        print((out / table).read_text("utf-8"))
    print(f"tables/, figures/ and index.html are in {out}")
