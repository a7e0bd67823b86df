"""What `merdata split` prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from merdata.store.protocol import Properties
from merdata.tables.table import console, table

if TYPE_CHECKING:
    from merdata.store.protocol import Protocol
    from merdata.store.store import Store

MOST_FOLDS = 10


class SplitSize(TypedDict):
    """How much of a corpus is in one split of a fold."""

    fold: int
    corpus: str
    split: str
    rows: int
    speakers: int


class SplitAccount(Properties):
    """What `merdata split` reports."""

    protocol: str
    hash: str
    parts: list[SplitSize]


class ImportAccount(SplitAccount):
    """What `merdata split import` reports: also names that are no row's, and rows that are in no split."""

    unmatched: list[str]
    unlisted: list[str]


def account_of_split(store: Store, protocol: Protocol) -> SplitAccount:
    """What `merdata split` reports: rows and speakers of each fold, corpus and split, claims, notes, hash."""
    columns = ["id", "corpus", "speaker"]
    rows = store.rows(columns, protocol.properties["corpora"]).select(columns).to_pandas()
    placed = protocol.table.to_pandas().merge(rows, on="id")
    parts: list[SplitSize] = [
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


def unlisted(store: Store, protocol: Protocol) -> list[str]:
    """Ids of the protocol's corpora that are in none of its splits."""
    ids = store.rows(["id"], protocol.properties["corpora"])["id"].to_pylist()
    return sorted(set(ids).difference(protocol.table["id"].to_pylist()))


def split(account: SplitAccount, store: Path) -> None:
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
        screen.print(f"and {len(folds) - MOST_FOLDS} more folds (--json lists them all)")
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
