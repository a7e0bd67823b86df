"""What the commands print on a terminal: tables on stdout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from merdata.tables.statistics import MOST_SPEAKERS
from merdata.tables.table import console, table

if TYPE_CHECKING:
    from merdata.builder.build import Report
    from merdata.corpora.corpus import Corpus
    from merdata.store.ledger import Counts
    from merdata.store.protocol import Protocol
    from merdata.store.store import Store

MOST_EXAMPLES = 6
MOST_FOLDS = 10


def corpora(facts: list[dict[str, Any]]) -> None:
    made = table("name", "title", "languages", "#rows", "classes", "licence", "here", "home page")
    for one in facts:
        classes = len({target for target in one["targets"].values() if target})
        cells = [one["name"], one["title"], " ".join(one["languages"]), f"{one['rows']:,}", str(classes)]
        made.add_row(*cells, one["licence"], "yes" if one["here"] else "", one["homepage"])
    console().print(made)


def corpus(one: Corpus) -> None:
    """A corpus's page: its card, then what the reader knows."""
    screen = console()
    screen.print(one.card.strip(), markup=False)
    made = table("raw label", "class by default")
    for raw, target in one.targets.items():
        made.add_row(raw, target or "none: dropped")
    screen.print(made)
    screen.print(f"layout: {one.layout}", markup=False, soft_wrap=True)
    for name, what in one.options.items():
        screen.print(f"option {one.name}.{name}: {what}", markup=False, soft_wrap=True)


def foreseen(plan: Mapping[str, Any]) -> None:
    screen = console()
    for one in plan["corpora"]:
        made = table("", "#rows", title=f"{one['corpus']}: {one['discovered']:,} rows discovered")
        for part in ("states", "others"):
            for name, rows in sorted(one[part].items()):
                made.add_row(name, f"{rows:,}")
        for raw, fates in one["labels"].items():
            for fate, rows in fates.items():
                made.add_row(f"label {raw} -> {fate}", f"{rows:,}")
        by_rows = Counter(one["speakers"]).most_common()
        for name, rows in by_rows[:MOST_SPEAKERS]:
            made.add_row(f"speaker {name}", f"{rows:,}")
        if len(by_rows) > MOST_SPEAKERS:
            rest = by_rows[MOST_SPEAKERS:]
            made.add_row(f"{len(rest)} more speakers", f"{sum(rows for _, rows in rest):,}")
        screen.print(made)
    sizes = table("corpus", "domain", "#discovered", "#expected")
    for one in plan["corpora"]:
        sizes.add_row(one["corpus"], one["domain"], f"{one['discovered']:,}", f"{one['expected']:,}")
    for name, rows in plan["totals"].items():
        sizes.add_row(f"all {name}" if name != "total" else "total", "", f"{rows:,}", "")
    screen.print(sizes)
    for one in plan["corpora"]:
        for remark in _difference(one["discovered"], one["expected"], one["difference"], one["missing"]):
            screen.print(f"{one['corpus']}: {remark}", soft_wrap=True)


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
            made.add_row(f"all {name}" if name != "total" else "total", "", f"{rows:,}")
    screen = console()
    screen.print(made)
    for counts in report.counts:
        for remark in _remarks(counts):
            screen.print(f"{counts.corpus}: {remark}", soft_wrap=True)
    for name in report.outdated:
        again = f"merdata split {store} --protocol {name}"
        screen.print(f"protocol {name} no longer fits the rows: run `{again}`", soft_wrap=True)
    screen.print(f"{report.made} shards made, {report.kept} kept as they were; the store lies in {store}")


def _by_reason(counts: dict[str, int]) -> str:
    return ", ".join(f"{rows:,} {reason}" for reason, rows in counts.items()) or "none"


def _remarks(counts: Counts) -> list[str]:
    remarks = _difference(counts.discovered, counts.expected, counts.difference, counts.missing)
    remarks.append(f"labels: {_fates(counts.labels)}")
    for why, rows_without in counts.textless.items():
        remarks.append(f"no transcript for {rows_without:,} rows: {why}")
    if counts.others:
        remarks.append(f"files that are no rows of their own: {_by_reason(counts.others)}")
    if len(counts.sources) > 1:
        rows = "; ".join(f"{rows:,} {source}" for source, rows in counts.sources.items())
        remarks.append(f"sources: {rows}")
    for defect, ids in counts.defects.items():
        remarks.append(f"known defect, {defect}: {_some(ids)}")
    for group in counts.same_audio[:MOST_EXAMPLES]:
        remarks.append(f"identical audio: {' = '.join(group)}")
    if len(counts.same_audio) > MOST_EXAMPLES:
        remarks.append(f"{len(counts.same_audio)} groups of identical audio in all (ledger: same_audio_as)")
    if counts.conflicts:
        remarks.append(f"{counts.conflicts} of these groups carry different labels")
    return remarks


def _difference(discovered: int, expected: int, known: str, missing: list[str]) -> list[str]:
    """The count contract: nothing to say where it holds."""
    if discovered == expected:
        return []
    size = f"{expected - discovered:,} fewer" if discovered < expected else f"{discovered - expected:,} more"
    why = f" (known: {known})" if known else ""
    examples = f"; missing is for example {', '.join(missing[:MOST_EXAMPLES])}" if missing else ""
    return [f"{size} rows than the {expected:,} of a complete copy{why}{examples}"]


def _fates(labels: dict[str, dict[str, int]]) -> str:
    return ", ".join(
        f"{raw} -> {fate} {rows:,}" for raw, fates in labels.items() for fate, rows in fates.items()
    )


def _some(ids: list[str]) -> str:
    rest = len(ids) - MOST_EXAMPLES
    return ", ".join(ids[:MOST_EXAMPLES]) + (f" and {rest:,} more" if rest > 0 else "")


def account_of_split(store: Store, protocol: Protocol) -> dict[str, Any]:
    """What `merdata split` reports: rows and speakers of each fold, corpus and split, claims, notes, hash."""
    columns = ["id", "corpus", "speaker"]
    rows = store.rows(columns, protocol.properties["corpora"]).select(columns).to_pandas()
    placed = protocol.table.to_pandas().merge(rows, on="id")
    parts = [
        {
            "fold": fold,
            "corpus": corpus,
            "split": part,
            "rows": len(own),
            "speakers": own["speaker"].nunique(),
        }
        for (fold, corpus, part), own in placed.groupby(["fold", "corpus", "split"])
    ]
    return {"protocol": protocol.name, "hash": protocol.hash, **protocol.properties, "parts": parts}


def split(account: dict[str, Any], store: Path) -> None:
    made = table("fold", "corpus", "#train", "#validation", "#test")
    parts = {(part["fold"], part["corpus"], part["split"]): part for part in account["parts"]}
    folds = sorted({fold for fold, _, _ in parts})
    for fold, corpus in sorted({(fold, corpus) for fold, corpus, _ in parts}):
        if fold in folds[:MOST_FOLDS]:
            cells = [parts.get((fold, corpus, split)) for split in ("train", "validation", "test")]
            rows = (f"{cell['rows']:,} ({_speakers(cell['speakers'])})" if cell else "-" for cell in cells)
            made.add_row(account["fold_names"].get(str(fold), str(fold)) if fold else "", corpus, *rows)
    screen = console()
    screen.print(made)
    if len(folds) > MOST_FOLDS:
        screen.print(f"and {len(folds) - MOST_FOLDS} folds more (--json has them all)")
    for claim, corpora in account["claims"].items():
        if corpora:
            screen.print(f"{claim}: {', '.join(corpora)}")
    if account["speaker_dependent"]:
        dependent = ", ".join(account["speaker_dependent"])
        screen.print(f"speaker-DEPENDENT (speakers of test are in train): {dependent}", soft_wrap=True)
    for note in account["notes"]:
        screen.print(f"note: {note}", soft_wrap=True)
    path = store / "splits" / f"{account['protocol']}.parquet"
    screen.print(f"protocol {account['protocol']}, SHA-256 {account['hash']}", soft_wrap=True)
    how = f"merdata.load({str(store)!r}, protocol={account['protocol']!r})"
    screen.print(f"the table is {path}; {how} follows it", soft_wrap=True)


def _speakers(number: int) -> str:
    return f"{number} speaker{'s' if number != 1 else ''}"
