"""The ledger: every row that was discovered, its one state, and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from merdata.corpora.account import FileAccount
from merdata.store.facts import Account
from merdata.utterance import KNOWN_DEFECT, NO_TEXT

if TYPE_CHECKING:
    from merdata.corpora.corpus import Corpus

STORED, SILENCED, DROPPED = "stored", "silenced", "dropped"
# Reasons of files that are not rows of their own; they do not count as discovered.
NOT_ROWS = ("duplicate", "stray", "song")
NO_ROW = "no row"
NO_LABEL = "(no label)"  # in accounts, of rows to which the corpus gives none

ROWS_AT_A_TIME = 1_000  # of a corpus, as Python objects
EXAMPLES = 10
MOST_TWINS = 20  # of a group of identical audio that each of its rows names: in pairs they would be quadratic

Record = dict[str, Any]  # a row of a table: column -> cell

LEDGER_SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "corpus": pa.string(),
        "shard": pa.string(),
        "source": pa.string(),
        "raw_label": pa.string(),
        "label": pa.string(),
        "state": pa.string(),
        "reason": pa.string(),
        "detail": pa.string(),
        "decoder": pa.string(),
        "source_rate": pa.int32(),
        "source_channels": pa.int32(),
        "seconds": pa.float32(),
        "source_sha256": pa.string(),
        "audio_sha256": pa.string(),
        "same_audio_as": pa.string(),
        "notes": pa.list_(pa.string()),
    }
)


@dataclass(frozen=True)
class Counts:
    """The account of one corpus: discovered = stored + silenced + dropped.

    Attributes:
        silenced: rows whose audio is replaced by silence, by reason.
        dropped: rows that are not in the store, by reason.
        others: files that are not rows (duplicates, strays, songs), by reason.
        labels: the loss account: raw label -> class, `unlabelled` or `dropped` -> rows.
        textless: reason for having no transcript -> rows.
        sources: decoder, rate and channels of the sources -> rows, the most common first.
        defects: known defect -> ids of the rows that have it.
        same_audio: groups of ids with identical samples; `conflicts` of them carry different labels.
        seconds: of the audio in the store.
        difference: known reasons why a copy has more or fewer rows than expected.
        missing: the first ids that a complete copy has and this one lacks, where the corpus can tell.
        files: what became of every file of its folder; empty in the stores of an older merdata.
        remarks: what is missing in the folder or in the way, and what to do.
    """

    corpus: str
    domain: str
    expected: int
    discovered: int
    stored: int
    silenced: dict[str, int]
    dropped: dict[str, int]
    others: dict[str, int]
    labels: dict[str, dict[str, int]]
    textless: dict[str, int]
    sources: dict[str, int]
    defects: dict[str, list[str]]
    same_audio: list[list[str]]
    conflicts: int
    seconds: float
    difference: str
    missing: list[str]
    files: FileAccount | dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def as_json(self) -> Account:
        return cast("Account", asdict(self))


class Tally:
    """Counts a corpus row by row, so that only a few rows need to be in memory."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._seconds = 0.0
        self._states: Counter[str] = Counter()
        self._reasons: dict[str, Counter[str]] = {SILENCED: Counter(), DROPPED: Counter(), NO_ROW: Counter()}
        self._fates: Counter[tuple[str, str | None, bool]] = Counter()
        self._textless: Counter[str] = Counter()
        self._sources: Counter[str] = Counter()
        self._defects: dict[str, list[str]] = {}

    def add(self, row: Record) -> None:
        """Count one row of the ledger."""
        if row["state"] == STORED:
            self._sources[_source(row)] += 1
        if row["reason"] in NOT_ROWS:
            self._reasons[NO_ROW][row["reason"]] += 1
            return
        self._ids.add(row["id"])
        self._states[row["state"]] += 1
        self._seconds += row["seconds"] or 0.0
        self._fates[row["raw_label"] or NO_LABEL, row["label"], row["reason"] == "label"] += 1
        if row["state"] in self._reasons:
            self._reasons[row["state"]][row["reason"]] += 1
        for note in row["notes"]:
            if note.startswith(NO_TEXT):
                self._textless[note.removeprefix(NO_TEXT)] += 1
            if note.startswith(KNOWN_DEFECT):
                name = note.removeprefix(KNOWN_DEFECT).partition(":")[0]
                self._defects.setdefault(name, []).append(row["id"])

    def counts(self, corpus: Corpus, twins: list[list[Record]]) -> Counts:
        """The account.

        Args:
            corpus: whose rows were counted.
            twins: groups of its rows with identical samples.
        """
        reasons = {state: dict(sorted(rows.items())) for state, rows in self._reasons.items()}
        return Counts(
            corpus=corpus.name,
            domain=corpus.domain,
            expected=corpus.expected_rows,
            discovered=len(self._ids),
            stored=self._states[STORED],
            silenced=reasons[SILENCED],
            dropped=reasons[DROPPED],
            others=reasons[NO_ROW],
            labels=loss_account(self._fates),
            textless=dict(self._textless.most_common()),
            sources=dict(self._sources.most_common()),
            defects=dict(sorted(self._defects.items())),
            same_audio=[[row["id"] for row in group] for group in twins],
            conflicts=sum(len({row["label"] for row in group}) > 1 for group in twins),
            seconds=round(self._seconds, 3),
            difference=corpus.difference,
            missing=corpus.missing(self._ids)[:EXAMPLES],
        )


def count(corpus: Corpus, table: pa.Table, twins: list[list[Record]]) -> Counts:
    """The account of a corpus from the ledger and twins that `make_ledger` returns."""
    tally = Tally()
    for batch in table.to_batches(max_chunksize=ROWS_AT_A_TIME):
        for row in batch.to_pylist():
            tally.add(row)
    return tally.counts(corpus, twins)


def make_ledger(journals: Iterable[pa.Table]) -> tuple[pa.Table, list[list[Record]]]:
    """The ledger of a corpus from its shards' journals, and its groups of rows with identical samples.

    A stored row gets `same_audio_as`, the first ids of the others, if others have the same samples. The
    detail of a duplicate by name says whether its bytes are those of the file that was kept.
    """
    table = pa.concat_tables(journal.select(LEDGER_SCHEMA.names) for journal in journals)
    table = table.cast(LEDGER_SCHEMA).combine_chunks()
    twins = _same_audio(table)
    same = {
        row["id"]: " ".join(other["id"] for other in group[:MOST_TWINS] if other is not row)
        for group in twins
        for row in group
    }
    table = _filled(table, "same_audio_as", same)
    return _filled(table, "detail", _duplicates(table)), twins


def _same_audio(table: pa.Table) -> list[list[Record]]:
    """Groups of stored rows (id, label) with identical samples, in the order of the ledger."""
    import pyarrow.compute as pc

    stored = table.filter(pc.equal(table["state"], STORED)).select(["id", "label", "audio_sha256"])
    counts = stored["audio_sha256"].value_counts()
    repeated = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
    groups: dict[str, list[Record]] = {}
    for row in stored.filter(pc.is_in(stored["audio_sha256"], repeated)).to_pylist():
        groups.setdefault(row["audio_sha256"], []).append(row)
    return list(groups.values())


def _duplicates(table: pa.Table) -> dict[str, str]:
    """id -> detail of the files that have the name of an earlier one."""
    import pyarrow.compute as pc

    columns = table.select(["id", "reason", "detail", "source_sha256"])
    rows = columns.filter(pc.equal(columns["reason"], "duplicate")).to_pylist()
    if not rows:
        return {}
    of_rows = columns.filter(pc.invert(pc.fill_null(pc.equal(columns["reason"], "duplicate"), False)))
    kept = dict(zip(of_rows["id"].to_pylist(), of_rows["source_sha256"].to_pylist(), strict=True))
    details = {}
    for row in rows:
        original = row["id"].partition("@")[0]
        if original in kept:
            same = row["source_sha256"] == kept[original]
            details[row["id"]] = f"{row['detail']}; {'the same bytes' if same else 'OTHER BYTES'}"
    return details


def _filled(table: pa.Table, column: str, values: dict[str, str]) -> pa.Table:
    """The table with the values of a column replaced in some rows, by id."""
    if not values:
        return table
    cells = zip(table["id"].to_pylist(), table[column].to_pylist(), strict=True)
    filled = pa.array([values.get(id, cell) for id, cell in cells], pa.string())
    return table.set_column(table.schema.get_field_index(column), column, filled)


def read_counts(stored: Account) -> Counts:
    """An account from merdata.json, which sorts everything by name."""
    account: Account = json.loads(json.dumps(stored, sort_keys=True))
    account["textless"] = dict(Counter(account["textless"]).most_common())
    account["sources"] = dict(Counter(account["sources"]).most_common())
    return Counts(**account)


def totals(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Rows by domain (acted, conversational) and in total, from each corpus's domain and rows."""
    by_domain: Counter[str] = Counter()
    for domain, number in rows:
        by_domain[domain] += number
    return {**by_domain, "total": by_domain.total()}


def loss_account(rows: Counter[tuple[str, str | None, bool]]) -> dict[str, dict[str, int]]:
    """Raw label -> class, `unlabelled` or `dropped` -> rows.

    Args:
        rows: how many have a raw label, a class, and a label policy that drops them.
    """
    account: dict[str, Counter[str]] = {}
    for (raw, label, dropped), number in rows.items():
        fate = "dropped" if dropped else label or "unlabelled"
        account.setdefault(raw, Counter())[fate] += number
    return {raw: dict(fates) for raw, fates in sorted(account.items())}


def _source(row: Record) -> str:
    channels = row["source_channels"]
    return f"{row['decoder']}, {row['source_rate']} Hz, {channels} channel{'s' if channels > 1 else ''}"
