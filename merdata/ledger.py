"""The ledger: every row that a corpus promises, its one state, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from merdata.corpora.corpus import Corpus

STORED, SILENCED, DROPPED = "stored", "silenced", "dropped"
# Reasons of files that are no rows of their own; they do not count as discovered.
NOT_ROWS = ("duplicate", "stray", "song")

EXAMPLES = 10
NO_TEXT = "text: "  # how the note on a row without a transcript begins
SILENCED_NOTE = "audio silenced: "  # how the note on a row without its audio begins
KNOWN_DEFECT = "known defect, "  # how the note on a defect of the corpus's table begins

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


def is_silenced(notes: Iterable[str]) -> bool:
    """Whether a row's notes say that its audio is silence, put there for audio that cannot be played."""
    return any(note.startswith(SILENCED_NOTE) for note in notes)


@dataclass(frozen=True)
class Counts:
    """The account of one corpus: discovered = stored + silenced + dropped.

    Attributes:
        silenced: rows whose audio is replaced by silence, by reason.
        dropped: rows that are not in the store, by reason.
        others: files that are no rows (duplicates, strays, songs), by reason.
        labels: the loss account: raw label -> class, `unlabelled` or `dropped` -> rows.
        textless: why rows have no transcript -> how many.
        sources: decoder, rate and channels of the sources -> rows, the most common first.
        defects: known defect -> ids of the rows that have it.
        same_audio: groups of ids with identical samples; `conflicts` of them carry different labels.
        seconds: of the audio in the store.
        difference: known reasons why a copy has more or fewer rows than expected.
        missing: the first ids that a complete copy has and this one lacks, where the corpus can say.
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

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def count(corpus: Corpus, rows: list[dict[str, Any]]) -> Counts:
    """The account of a corpus from its ledger rows."""
    promised = [row for row in rows if row["reason"] not in NOT_ROWS]
    states = Counter(row["state"] for row in promised)
    twins = _same_audio(rows)
    return Counts(
        corpus=corpus.name,
        domain=corpus.domain,
        expected=corpus.expected_rows,
        discovered=len(promised),
        stored=states[STORED],
        silenced=_by_reason(row for row in promised if row["state"] == SILENCED),
        dropped=_by_reason(row for row in promised if row["state"] == DROPPED),
        others=_by_reason(row for row in rows if row["reason"] in NOT_ROWS),
        labels=loss_account((row["raw_label"], row["label"], row["reason"] == "label") for row in promised),
        textless=_textless(promised),
        sources=dict(Counter(_source(row) for row in rows if row["state"] == STORED).most_common()),
        defects=_defects(promised),
        same_audio=[[row["id"] for row in group] for group in twins],
        conflicts=sum(len({row["label"] for row in group}) > 1 for group in twins),
        seconds=round(sum(row["seconds"] or 0.0 for row in promised), 3),
        difference=corpus.difference,
        missing=corpus.missing({row["id"] for row in promised})[:EXAMPLES],
    )


def totals(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Rows by domain (acted, conversational) and in all, from each corpus's domain and rows."""
    found: Counter[str] = Counter()
    for domain, number in rows:
        found[domain] += number
    return {**found, "total": found.total()}


def mark_same_audio(rows: list[dict[str, Any]]) -> None:
    """Fill `same_audio_as` of every stored row whose samples another stored row of the corpus has too."""
    for group in _same_audio(rows):
        for row in group:
            row["same_audio_as"] = " ".join(other["id"] for other in group if other is not row)


def check_duplicates(rows: list[dict[str, Any]]) -> None:
    """Say of every duplicate by name whether its bytes are those of the file that was kept."""
    kept = {row["id"]: row["source_sha256"] for row in rows if row["reason"] != "duplicate"}
    for row in rows:
        original = row["id"].partition("@")[0]
        if row["reason"] == "duplicate" and original in kept:
            same = row["source_sha256"] == kept[original]
            row["detail"] = f"{row['detail']}; {'the same bytes' if same else 'OTHER BYTES'}"


def _same_audio(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["state"] == STORED:
            groups.setdefault(row["audio_sha256"], []).append(row)
    return [group for group in groups.values() if len(group) > 1]


def loss_account(rows: Iterable[tuple[str, str | None, bool]]) -> dict[str, dict[str, int]]:
    """Raw label -> class, `unlabelled` or `dropped` -> rows.

    Args:
        rows: raw label, class, and whether the label policy drops the row.
    """
    account: dict[str, Counter[str]] = {}
    for raw, label, dropped in rows:
        fate = "dropped" if dropped else label or "unlabelled"
        account.setdefault(raw, Counter())[fate] += 1
    return {raw: dict(fates) for raw, fates in sorted(account.items())}


def _textless(rows: list[dict[str, Any]]) -> dict[str, int]:
    reasons = (note for row in rows for note in row["notes"] if note.startswith(NO_TEXT))
    return dict(Counter(note.removeprefix(NO_TEXT) for note in reasons).most_common())


def _source(row: dict[str, Any]) -> str:
    channels = row["source_channels"]
    return f"{row['decoder']}, {row['source_rate']} Hz, {channels} channel{'s' if channels > 1 else ''}"


def _defects(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        for note in row["notes"]:
            if note.startswith(KNOWN_DEFECT):
                name = note.removeprefix(KNOWN_DEFECT).partition(":")[0]
                found.setdefault(name, []).append(row["id"])
    return dict(sorted(found.items()))


def _by_reason(rows: Any) -> dict[str, int]:
    return dict(sorted(Counter(row["reason"] for row in rows).items()))
