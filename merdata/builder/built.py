"""A corpus as it was built: what its journals say, as facts for merdata.json and as a ledger."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from merdata.audio.clip import AUDIO_VERSION
from merdata.builder.plan import Choice, Plan
from merdata.builder.task import ShardTask, journal_facts, read_journal
from merdata.corpora.corpus import Corpus
from merdata.errors import StoreError
from merdata.io.files import json_text
from merdata.io.places import each
from merdata.store import ledger
from merdata.store.facts import CorpusFacts, Manifest, ShardFacts
from merdata.store.ledger import Counts
from merdata.store.manifest import HASH_DIGITS, hashed_name, ledger_path
from merdata.store.store import parquet_bytes

KEEP_TEXTS = "get the audio, or keep the texts with half a second of silence: --on-bad-audio silence"


@dataclass(frozen=True)
class BuiltCorpus:
    """A corpus as it was built.

    Attributes:
        counts: its account.
        entries: its ledger.
        path: of the ledger, below the store.
        data: the ledger's file.
    """

    counts: Counts
    entries: pa.Table
    path: str
    data: bytes

    @property
    def rows(self) -> int:
        """How many rows of it the store has."""
        return self.counts.stored + sum(self.counts.silenced.values())

    def why_empty(self) -> str:
        """Why none of its rows is in the store, with an example of the commonest reason."""
        reasons = Counter(self.counts.dropped)
        listed = ", ".join(f"{rows:,} {reason}" for reason, rows in reasons.most_common())
        commonest = reasons.most_common(1)[0][0]
        example = next(row for row in self.entries.to_pylist() if row["reason"] == commonest)
        way_out = f"; {KEEP_TEXTS}" if commonest == "missing" else ""
        return (
            f"none of the {self.counts.discovered:,} rows of {self.counts.corpus} can be stored ({listed}), "
            f"as {example['id']}: {example['detail']}{way_out}"
        )


def describe(store: Path, plan: Plan, manifest: Manifest, corpus: Corpus) -> BuiltCorpus:
    """Enter a corpus into the manifest, from the journals of its shards."""
    tasks = [task for task in plan.tasks if task.corpus == corpus.name]
    journals = dict(zip((task.name for task in tasks), each(_journal, tasks, store), strict=True))
    shards = {name: _fingerprint(name, journal) for name, journal in journals.items()}
    manifest["shards"][corpus.name] = {name: facts for name, facts in shards.items() if facts["rows"]}
    entries, twins = ledger.make_ledger(journals.values())
    data = parquet_bytes(entries)
    sha256 = hashlib.sha256(data).hexdigest()
    survey = plan.surveys[corpus.name]
    counts = replace(ledger.count(corpus, entries, twins), files=survey.files, remarks=survey.remarks)
    facts = _facts(corpus, plan.choice, counts, survey.languages, hashed_name(corpus.name, sha256))
    manifest["corpora"][corpus.name] = facts
    path = ledger_path(corpus.name, facts)
    manifest.setdefault("files", {})[path] = sha256
    return BuiltCorpus(counts, entries, path, data)


def _journal(task: ShardTask) -> pa.Table:
    journal = read_journal(task.journal)
    if journal_facts(journal.schema).key != task.key:
        raise StoreError(
            f"another merdata is building {task.store} at the same time: wait for it, then build again"
        )
    return journal


def _fingerprint(shard: str, journal: pa.Table) -> ShardFacts:
    facts = journal_facts(journal.schema)
    return {
        "file": hashed_name(shard, facts.sha256),
        "sha256": facts.sha256,
        "rows": facts.rows,
        "bytes": facts.bytes,
    }


def _facts(
    corpus: Corpus, choice: Choice, counts: Counts, languages: list[str], ledger_name: str
) -> CorpusFacts:
    """What merdata.json records of a corpus."""
    facts: CorpusFacts = {
        "title": corpus.title,
        "domain": corpus.domain,
        "languages": languages,
        "licence": corpus.licence,
        "homepage": corpus.homepage,
        "split": corpus.split,
        "cluster": corpus.cluster,
        "limits": corpus.limits,
        "crossed": corpus.crossed,
        "policy": choice.policy.table(corpus.name),
        "options": choice.options[corpus.name],
        "on_bad_audio": choice.on_bad_audio,
        "defects": hashlib.sha256(json_text(corpus.defects).encode("utf-8")).hexdigest()[:HASH_DIGITS],
        "audio_version": AUDIO_VERSION,
        "counts": counts.as_json(),
        "ledger": ledger_name,
    }
    if corpus.declared_in:
        facts["terms"] = corpus.terms.as_json()
    return facts
