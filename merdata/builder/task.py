"""What a worker needs to build one shard, and the journal that says what became of it.

The journal (`.build/journal/<corpus>/<shard>.parquet`) is the shard's part of the ledger, with the size and
time of every source. It is written after the shard, so a journal with the task's key means the shard is done.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from merdata.audio import clip as audio
from merdata.io.files import as_text, file_sha256
from merdata.io.parquet import open_table, read_table
from merdata.io.places import is_remote, reaching
from merdata.labels import Decision
from merdata.store.facts import is_sha256
from merdata.store.ledger import DROPPED, LEDGER_SCHEMA, Record
from merdata.store.manifest import hashed_name
from merdata.utterance import Utterance

JOURNAL_SCHEMA = LEDGER_SCHEMA.append(pa.field("size", pa.int64())).append(
    pa.field("modified_ns", pa.int64())
)


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """An utterance, its label by the policy, and the size and time of its source (None: no file)."""

    utterance: Utterance
    decision: Decision
    size: int | None = None
    modified_ns: int | None = None

    @property
    def stays(self) -> bool:
        """Whether the row goes into the store if its audio is usable."""
        return self.decision.keep and self.utterance.excluded is None

    def entry(self) -> Record:
        """The ledger entry, before the audio is decoded."""
        utterance, policy = self.utterance, self.decision.note
        return dict.fromkeys(JOURNAL_SCHEMA.names) | {
            "id": as_text(utterance.id),
            "corpus": utterance.corpus,
            "shard": utterance.shard,
            "source": as_text(utterance.place),
            "raw_label": utterance.raw_label or None,
            "label": self.decision.target,
            "notes": [*utterance.notes, *([policy] if policy else [])],
            "size": self.size,
            "modified_ns": self.modified_ns,
        }

    def why_not(self) -> Record:
        """State and reason of a row that does not stay."""
        utterance = self.utterance
        if utterance.excluded:
            detail = "; ".join(utterance.notes) or None
            return {"state": DROPPED, "reason": utterance.excluded, "detail": detail}
        detail = f"the label policy gives {utterance.raw_label!r} no class"
        if utterance.raw_label is None:
            detail = "the corpus gives it no label"
        return {"state": DROPPED, "reason": "label", "detail": detail}


@dataclass(frozen=True)
class ShardTask:
    """What another process needs to build one shard.

    Attributes:
        key: hash of all that the shard's bytes depend on; a source counts by its path, size and time. A dry
            run has none.
        rehash: whether to read every source, for those whose bytes changed while size and time did not.
    """

    corpus: str
    name: str
    root: Path
    store: Path
    classes: tuple[str, ...]
    on_bad_audio: str
    rows: tuple[PlannedRow, ...]
    rehash: bool = False
    key: str = ""

    def placed(self, sha256: str) -> Path:
        """Path of the shard in the store, once its bytes are known."""
        return self.store / "data" / self.corpus / hashed_name(self.name, sha256)

    @property
    def staged(self) -> Path:
        """Where the shard is kept until the whole build is done; a remote one goes to its place at once."""
        return self.store / ".build" / "data" / self.corpus / f"{self.name}.parquet"

    def is_staged(self) -> bool:
        return not is_remote(self.store) and self.staged.exists()

    @property
    def journal(self) -> Path:
        return self.store / ".build" / "journal" / self.corpus / f"{self.name}.parquet"

    def is_done(self) -> bool:
        """Whether an earlier build, finished or killed, has made this shard."""
        if self.rehash:
            return False
        try:
            with reaching(self.store), open_table(self.journal, small=True) as file:
                facts = journal_facts(file.schema_arrow)
                return facts.key == self.key and not facts.passing and self._has(facts)
        except (OSError, ValueError, pa.ArrowException):
            return False

    def _has(self, facts: JournalFacts) -> bool:
        if self.is_staged():
            return file_sha256(self.staged) == facts.sha256
        return facts.bytes == 0 or self.placed(facts.sha256).stat().st_size == facts.bytes


@dataclass(frozen=True)
class JournalFacts:
    """What a journal says of its shard; `passing`: a row may be usable at the next build."""

    key: str
    rows: int
    bytes: int
    sha256: str
    audio_version: int
    passing: bool


def journal_facts(schema: pa.Schema) -> JournalFacts:
    """The facts in a journal's metadata.

    Raises:
        ValueError: it is not the journal of a shard.
    """
    facts = {name.decode(): value.decode() for name, value in (schema.metadata or {}).items()}
    if not is_sha256(facts.get("sha256", "")) and facts.get("sha256") != "":
        raise ValueError("it is not a journal")
    try:
        numbers = {name: int(facts[name]) for name in ("rows", "bytes", "audio_version")}
        return JournalFacts(
            facts["key"], **numbers, sha256=facts["sha256"], passing=facts["passing"] == "True"
        )
    except KeyError as error:
        raise ValueError(f"it lacks {error}") from error


def keyed(task: ShardTask) -> ShardTask:
    """The task with its key."""
    cells = [(*row.utterance, row.decision, row.size, row.modified_ns) for row in task.rows]
    everything = repr((audio.AUDIO_VERSION, task.classes, task.on_bad_audio, cells))
    return replace(task, key=hashlib.sha256(everything.encode("utf-8", "surrogateescape")).hexdigest())


def read_journal(path: Path) -> pa.Table:
    """The journal that `build_shard` wrote; its metadata holds the shard's facts.

    Raises:
        OSError, pa.ArrowInvalid, ValueError: it cannot be read, or is not a journal.
    """
    journal = read_table(path, small=True)
    if not journal.schema.equals(JOURNAL_SCHEMA):
        raise ValueError("it does not have the columns of a journal")
    return journal
