"""Diff: the rows that differ between two stores, by column, and why. Audio is compared by its hash."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow.compute as pc

from merdata.integrity.digest import Lines, corpus_lines, in_order
from merdata.store.facts import Manifest
from merdata.store.ledger import Record
from merdata.store.manifest import split_path
from merdata.store.protocol import protocol_names, read_protocol
from merdata.store.store import Store, open_store
from merdata.utterance import KNOWN_DEFECT, METADATA_COLUMNS

SETTINGS = ("policy", "options", "on_bad_audio", "defects", "audio_version")  # of a corpus, in merdata.json
HEARD = ("audio_sha256", "seconds", "source_sha256")  # columns that come from the audio file
MOST = 3


@dataclass(frozen=True)
class RowChanges:
    """Rows that were added, removed or changed: how many, why (reason -> rows), and the first ids."""

    rows: int
    why: dict[str, int]
    examples: list[str]

    @classmethod
    def of(cls, why: Mapping[str, str]) -> RowChanges:
        """From id -> reason."""
        return cls(len(why), dict(Counter(why.values()).most_common()), sorted(why)[:MOST])


@dataclass(frozen=True)
class Difference:
    """What differs from store a to store b.

    Attributes:
        digests: the logical digest of each; equal if all rows are.
        added, removed: rows that only b has, rows that only a has.
        changed: column -> rows of both that differ in it.
        settings: differences in the builds' choices and code, as `name: before -> after`.
        protocols: name -> added, removed or changed.
    """

    digests: list[str]
    added: RowChanges
    removed: RowChanges
    changed: dict[str, RowChanges]
    settings: list[str] = field(default_factory=list)
    protocols: dict[str, str] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        return self.digests[0] != self.digests[1] or bool(self.settings or self.protocols)


def diff(a: str | Path | Store, b: str | Path | Store) -> Difference:
    """Compare two stores by their metadata.

    Args:
        a: the store before, or its folder.
        b: the store after, or its folder.

    Raises:
        StoreError: one of them cannot be read.
        SplitError: a protocol's table is damaged.
    """
    before, after = (_Side(open_store(store)) for store in (a, b))
    added: dict[str, str] = {}
    removed: dict[str, str] = {}
    changed: dict[str, dict[str, str]] = defaultdict(dict)
    for corpus in in_order([*before.store.corpora, *after.store.corpora]):
        old, new = _lines_of(corpus, before, after)
        added |= {id: before.why_absent(id) for id in _without(new, old)}
        removed |= {id: after.why_absent(id) for id in _without(old, new)}
        for column, id, why in _changed(old, new, before, after):
            changed[column][id] = why
    return Difference(
        digests=[side.digest.hexdigest() for side in (before, after)],
        added=RowChanges.of(added),
        removed=RowChanges.of(removed),
        changed={column: RowChanges.of(changed[column]) for column in METADATA_COLUMNS if column in changed},
        settings=list(_settings(before.store.manifest, after.store.manifest)),
        protocols=_protocols(before.store, after.store),
    )


def _lines_of(corpus: str, before: _Side, after: _Side) -> tuple[Lines, Lines]:
    """The rows of a corpus in both stores, added to the digests; read once if its files are the same."""
    old = corpus_lines(before.store, corpus)
    files = [{shard.sha256 for shard in side.store.shards([corpus])} for side in (before, after)]
    same = files[0] == files[1] and before.store.space == after.store.space
    new = old if same else corpus_lines(after.store, corpus)
    for text in old.texts():
        before.digest.update(text)
        if new is old:
            after.digest.update(text)
    for text in new.texts() if new is not old else ():
        after.digest.update(text)
    return old, new


class _Side:
    """One of the two stores, read once."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.digest = hashlib.sha256()

    @cached_property
    def reasons(self) -> dict[str, str]:
        """id -> why the row was dropped, for every row of the ledgers."""
        tables = (self.store.ledger(corpus, ["id", "reason"]) for corpus in self.store.corpora)
        return {row["id"]: row["reason"] for table in tables for row in table.to_pylist()}

    def why_absent(self, id: str) -> str:
        if id.partition("/")[0] not in self.store.corpora:
            return "corpus not built"
        if id not in self.reasons:
            return "no such source"
        return "policy" if self.reasons[id] == "label" else f"audio: {self.reasons[id]}"

    def policy(self, corpus: str) -> dict[str, str]:
        return self.store.corpora[corpus]["policy"]


def _without(lines: Lines, others: Lines) -> list[str]:
    """Ids that the other store does not have."""
    if lines is others:
        return []
    ids: list[str] = lines.ids.filter(pc.invert(pc.is_in(lines.ids, others.ids))).to_pylist()
    return ids


def _changed(old: Lines, new: Lines, before: _Side, after: _Side) -> Iterator[tuple[str, str, str]]:
    """Column, id and reason of each cell that differs."""
    if old is new:
        return
    place = pc.index_in(old.ids, new.ids)
    rows = pc.indices_nonzero(pc.fill_null(pc.not_equal(old.lines, new.lines.take(place)), False))
    for was, now in zip(old.cells(rows), new.cells(place.take(rows)), strict=True):
        for column in METADATA_COLUMNS:
            if was[column] != now[column]:
                yield column, was["id"], _why(column, was, now, before, after)


def _why(column: str, old: Record, new: Record, before: _Side, after: _Side) -> str:
    """The cause of a changed cell; what nothing else explains comes from the code."""
    corpus = old["corpus"]
    facts = [side.store.corpora[corpus] for side in (before, after)]
    notes = set(old["notes"] or ()) ^ set(new["notes"] or ())
    targets = [side.policy(corpus).get(old["raw_label"]) for side in (before, after)]
    if column in HEARD:
        cause = old["source_sha256"] != new["source_sha256"] and "source"
    elif column == "label":
        cause = old["raw_label"] == new["raw_label"] and targets[0] != targets[1] and "policy"
    elif column == "notes":
        cause = (
            (any(note.startswith(KNOWN_DEFECT) for note in notes) and "defects version")
            or (any(note.startswith("label policy: ") for note in notes) and "policy")
            or (old["source_sha256"] != new["source_sha256"] and "source")
        )
    else:
        cause = facts[0].get("options") != facts[1].get("options") and "options"
    same_code = before.store.manifest["merdata"] == after.store.manifest["merdata"]
    return cause or ("metadata of the source" if same_code and column not in HEARD else "code version")


def _settings(before: Manifest, after: Manifest) -> Iterator[str]:
    yield from _unlike("merdata", before["merdata"], after["merdata"])
    yield from _unlike("label space", before["space"], after["space"])
    for corpus in sorted(before["corpora"].keys() & after["corpora"].keys()):
        old, new = (manifest["corpora"][corpus] for manifest in (before, after))
        for name in SETTINGS:
            yield from _unlike(f"{corpus} {name}", old.get(name), new.get(name))


def _unlike(name: str, old: object, new: object) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _unlike(f"{name} {key}", old.get(key), new.get(key))
    elif old != new:
        yield f"{name}: {old} -> {new}"


def _protocols(before: Store, after: Store) -> dict[str, str]:
    """What became of each protocol that is not the same; a table with the same bytes is not read."""
    old, new = set(protocol_names(before)), set(protocol_names(after))
    fates = dict.fromkeys(new - old, "added") | dict.fromkeys(old - new, "removed")
    for name in old & new:
        path = split_path(name)
        files = [store.manifest.get("files", {}).get(path) for store in (before, after)]
        alike = files[0] is not None and files[0] == files[1]
        if not alike and read_protocol(before, name).hash != read_protocol(after, name).hash:
            fates[name] = "changed"
    return dict(sorted(fates.items()))
