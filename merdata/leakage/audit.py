"""The audit: does a split keep what it promises, what else is on both sides, what does text alone tell?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from merdata.leakage.balance import Balance, balance
from merdata.leakage.conflicts import Conflicts, conflicts
from merdata.leakage.near import Copy, near_copies
from merdata.leakage.overlap import Finding as Finding
from merdata.leakage.overlap import overlaps
from merdata.leakage.probes import CorpusProbe, TextProbe, probe_corpus, probe_text
from merdata.leakage.rows import Rows, Splits, read_rows
from merdata.leakage.texts import SameText, same_texts
from merdata.store.protocol import SPLITS, Protocol, load_protocol, protocol_names
from merdata.store.store import Store, open_store


@dataclass(frozen=True)
class Audit:
    """What the audit found of one protocol.

    Attributes:
        protocol, hash: of the split.
        empty: splits without a row in some fold; without test rows nothing can be scored.
        findings: what validation and test share with train, by property, fold and corpus.
        same_texts: test rows whose text occurs in train, by length.
        text_probes: what text alone predicts, by corpus.
        corpus_probe: how well text tells the corpus; None with fewer than two.
        balance: how far each split is from its corpus in label and gender.
        conflicts: rows of the store with the same audio and different labels.
        copies: pairs of rows of the store whose audio is the same recording without being the same samples;
            None where nobody looked.
    """

    protocol: str
    hash: str
    empty: list[str]
    findings: list[Finding]
    same_texts: list[SameText]
    text_probes: list[TextProbe]
    corpus_probe: CorpusProbe | None
    balance: list[Balance]
    conflicts: Conflicts
    copies: list[Copy] | None

    @property
    def broken(self) -> list[Finding]:
        """Promises that do not hold."""
        return [finding for finding in self.findings if finding.broken]

    def as_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self) | {
            "findings": [finding.as_json() for finding in self.findings],
            "text_probes": [asdict(probe) | {"alarm": probe.alarm} for probe in self.text_probes],
        }


def audit(
    store: str | Path | Store, protocol: str = "mer", *, near_audio: bool = True, jobs: int | None = None
) -> Audit:
    """Compare validation and test with train, in every fold of a protocol.

    Args:
        store: the store, or its folder.
        protocol: which one.
        near_audio: also look for copies at another level, cut or re-encoded; it decodes all audio once.
        jobs: processes for that (default: one a core).

    Raises:
        SplitError: there is no such protocol.
        StoreError: the store cannot be read.
    """
    (result,) = audits(store, [protocol], near_audio=near_audio, jobs=jobs)
    return result


def audits(
    store: str | Path | Store,
    protocols: Iterable[str | Protocol] | None = None,
    *,
    near_audio: bool = True,
    jobs: int | None = None,
    progress: bool = False,
) -> list[Audit]:
    """As `audit`, for several protocols, or for all that the store has; its rows are read once.

    Args:
        store: the store, or its folder.
        protocols: names, or protocols that are loaded already, of which one is held at a time; None for all.
        near_audio: as `audit`.
        jobs: likewise.
        progress: show bars on stderr.
    """
    store = open_store(store)
    rows = read_rows(store)
    given = (
        protocol if isinstance(protocol, Protocol) else load_protocol(store, protocol)
        for protocol in protocols or protocol_names(store)
    )
    asked = [_asked(rows, protocol) for protocol in given]
    copies = near_copies(store, rows, jobs, progress=progress) if near_audio else None
    twins = conflicts(rows)
    return [_audit(rows, protocol, twins, copies) for protocol in asked]


@dataclass(frozen=True)
class Asked:
    """What the audit needs of a protocol; its table, with the ids, is many times as large."""

    name: str
    hash: str
    claims: dict[str, list[str]]
    splits: Splits


def _asked(rows: Rows, protocol: Protocol) -> Asked:
    claims = protocol.properties.get("claims", {})
    return Asked(protocol.name, protocol.hash, claims, rows.splits_of(protocol))


def _audit(rows: Rows, protocol: Asked, twins: Conflicts, copies: list[Copy] | None) -> Audit:
    splits = protocol.splits
    return Audit(
        protocol=protocol.name,
        hash=protocol.hash,
        empty=[
            side
            for code, side in enumerate(SPLITS)
            if any((split != code).all() for split in splits.values())
        ],
        findings=list(overlaps(rows, splits, protocol.claims)),
        same_texts=list(same_texts(rows, splits)),
        text_probes=list(probe_text(rows, splits)),
        corpus_probe=probe_corpus(rows, splits),
        balance=list(balance(rows, splits)),
        conflicts=twins,
        copies=copies,
    )
