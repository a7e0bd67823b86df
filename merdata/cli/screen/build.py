"""What `merdata build` prints, and its dry run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from merdata.store.retired import GRACE, retired_bytes
from merdata.tables.statistics import MOST_SPEAKERS
from merdata.tables.table import console, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from merdata.builder.build import Report
    from merdata.builder.plan import CorpusForecast, Forecast
    from merdata.store.ledger import Counts

MOST_EXAMPLES = 6
REMEDIES = {  # reason for dropping a row -> what to do
    "lfs-pointer": "git-lfs pointers, not the audio: run `git lfs pull` in the corpus folder and build again",
    "outside": "links that lead out of the folder: copy the corpus with `cp -rL`, or use `--local-dir`",
}


def foreseen(plan: Forecast) -> None:
    screen = console()
    for facts in plan["corpora"]:
        screen.print(_foreseen_rows(facts))
    sizes = table("corpus", "domain", "#discovered", "#expected")
    for facts in plan["corpora"]:
        counts = (f"{facts['discovered']:,}", f"{facts['expected']:,}")
        sizes.add_row(facts["corpus"], facts["domain"], *counts)
    for name, rows in plan["totals"].items():
        sizes.add_row(_of_all(name), "", f"{rows:,}", "")
    screen.print(sizes)
    for facts in plan["corpora"]:
        contract = (facts["discovered"], facts["expected"], facts["difference"], facts["missing"])
        for remark in [*facts["remarks"], *_difference(*contract), _files(facts["files"])]:
            screen.print(f"{facts['corpus']}: {remark}", soft_wrap=True)
    _passed_over(plan["passed_over"], screen)


def _foreseen_rows(facts: CorpusForecast) -> Table:
    """How many rows of a corpus have which state, label and speaker."""
    made = table("", "#rows", title=f"{facts['corpus']}: {facts['discovered']:,} rows discovered")
    for group in (facts["states"], facts["others"]):
        for name, rows in sorted(group.items()):
            made.add_row(name, f"{rows:,}")
    for raw, fates in facts["labels"].items():
        for fate, rows in fates.items():
            made.add_row(f"label {raw} -> {fate}", f"{rows:,}")
    by_rows = Counter(facts["speakers"]).most_common()
    for name, rows in by_rows[:MOST_SPEAKERS]:
        made.add_row(f"speaker {name}", f"{rows:,}")
    if rest := by_rows[MOST_SPEAKERS:]:
        made.add_row(f"{len(rest)} more speakers", f"{sum(rows for _, rows in rest):,}")
    return made


def _passed_over(names: list[str], screen: Console) -> None:
    if names:
        what = f"{', '.join(names)}: not a folder named after a corpus (`merdata corpora` lists them)"
        screen.print(f"passed over: {what}. Rename the folder, or unpack the archive", soft_wrap=True)


def _of_all(name: str) -> str:
    return name if name == "total" else f"all {name}"


def built(report: Report, store: Path) -> None:
    made = table("corpus", "#expected", "#discovered", "#stored", "silenced", "dropped", "#hours")
    for counts in report.counts:
        made.add_row(
            counts.corpus,
            f"{counts.expected:,}",
            f"{counts.discovered:,}",
            f"{counts.stored:,}",
            _by_reason(counts.silenced),
            _by_reason(counts.dropped),
            f"{counts.seconds / 3600:.2f}",
        )
    if len(report.counts) > 1:
        for name, rows in report.as_json()["totals"].items():
            made.add_row(_of_all(name), "", f"{rows:,}")
    screen = console()
    screen.print(made)
    for counts in report.counts:
        for remark in _remarks(counts):
            screen.print(f"{counts.corpus}: {remark}", soft_wrap=True)
    _passed_over(report.passed_over, screen)
    for name in report.outdated:
        again = f"merdata split {store} --protocol {name}"
        screen.print(f"protocol {name} no longer fits the rows: run `{again}`", soft_wrap=True)
    screen.print(f"{report.made} shards built, {report.kept} unchanged; the store is {store}")
    if megabytes := retired_bytes(store) / 1e6:
        screen.print(
            f"{megabytes:,.0f} MB of replaced files stay for readers; the next build, split or card "
            f"after {GRACE / 60:.0f} minutes removes them",
            soft_wrap=True,
        )


def _by_reason(counts: dict[str, int]) -> str:
    return ", ".join(f"{rows:,} {reason}" for reason, rows in counts.items()) or "none"


def _remarks(counts: Counts) -> list[str]:
    remarks = [*counts.remarks]
    remarks += _difference(counts.discovered, counts.expected, counts.difference, counts.missing)
    remarks += [
        f"{counts.dropped[reason]:,} {reason}: {remedy}"
        for reason, remedy in REMEDIES.items()
        if reason in counts.dropped
    ]
    remarks.append(f"labels: {_fates(counts.labels)}")
    for why, rows_without in counts.textless.items():
        remarks.append(f"no transcript for {rows_without:,} rows: {why}")
    if counts.files:
        remarks.append(_files(counts.files))
    if len(counts.sources) > 1:
        rows = "; ".join(f"{rows:,} {source}" for source, rows in counts.sources.items())
        remarks.append(f"sources: {rows}")
    for defect, ids in counts.defects.items():
        remarks.append(f"known defect, {defect}: {_some(ids)}")
    for group in counts.same_audio[:MOST_EXAMPLES]:
        remarks.append(f"identical audio: {' = '.join(group)}")
    if len(counts.same_audio) > MOST_EXAMPLES:
        remarks.append(f"{len(counts.same_audio)} groups of identical audio in total (ledger: same_audio_as)")
    if counts.conflicts:
        remarks.append(f"{counts.conflicts} of these groups have different labels")
    return remarks


def _files(files: Mapping[str, Any]) -> str:
    """What became of every file of the folder; the numbers add up."""
    parts = [f"{files['rows']:,} of rows", f"{files['metadata']:,} of metadata"]
    parts += [f"{number:,} {reason} (in the ledger)" for reason, number in files["not_rows"].items()]
    for kind, facts in files["others"].items():
        more = ", ..." if facts["files"] > len(facts["examples"]) else ""
        parts.append(f"{facts['files']:,} {kind} ({', '.join(facts['examples'])}{more})")
    return f"{files['files']:,} files: {', '.join(parts)}"


def _difference(discovered: int, expected: int, known: str, missing: list[str]) -> list[str]:
    """The count contract: nothing to say where it holds."""
    if discovered == expected or not expected:  # nobody counted a complete copy
        return []
    size = f"{expected - discovered:,} fewer" if discovered < expected else f"{discovered - expected:,} more"
    why = f" (known: {known})" if known else ""
    examples = f"; missing, for example: {', '.join(missing[:MOST_EXAMPLES])}" if missing else ""
    return [f"{size} rows than the {expected:,} of a complete copy{why}{examples}"]


def _fates(labels: dict[str, dict[str, int]]) -> str:
    return ", ".join(
        f"{raw} -> {fate} {rows:,}" for raw, fates in labels.items() for fate, rows in fates.items()
    )


def _some(ids: list[str]) -> str:
    rest = len(ids) - MOST_EXAMPLES
    return ", ".join(ids[:MOST_EXAMPLES]) + (f" and {rest:,} more" if rest > 0 else "")
