"""The default protocol: conversational corpora as published, acted ones speaker-disjoint.

TestA is the test set of the acted corpora, TestB that of the conversational one (source 0, section 1.5).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from merdata.splits.official import official
from merdata.splits.protocol import TRAIN, Protocol, make_protocol
from merdata.splits.speaker import FEWEST_SPEAKERS, split_speakers
from merdata.store import Store

COLUMNS = ("id", "corpus", "speaker", "gender", "language", "label", "official_split", "session")


def make_mer(store: Store, seed: int) -> Protocol:
    """The default protocol of a store.

    Raises:
        StoreError: a shard cannot be read.
    """
    rows = store.rows(COLUMNS)
    splits: dict[str, str] = {}
    claims: dict[str, list[str]] = {"official": [], "speaker-disjoint": [], "dialogue-disjoint": []}
    notes: list[str] = []
    for corpus, facts in sorted(store.corpora.items()):
        own = rows.filter(pc.equal(rows["corpus"], corpus))
        published = official(own) if facts["domain"] == "conversational" else None
        by_speaker = split_speakers(_grouped(own), corpus, seed) if published is None else None
        if published is not None:
            claims["official"].append(corpus)
            claims["dialogue-disjoint"].append(corpus)
            splits |= published
        else:
            claims["speaker-disjoint"].append(corpus)
            if own["session"].null_count == 0:
                claims["dialogue-disjoint"].append(corpus)
            splits |= _by_speaker(_grouped(own), by_speaker)
        if published is None and by_speaker is None:
            notes.append(_stays_in_train(corpus, own))
    properties = {"kind": "mer", "seed": seed, "claims": claims, "notes": notes}
    return make_protocol("mer", splits, properties)


def _grouped(rows: pa.Table) -> pa.Table:
    """Rows whose `speaker` is the session, where the corpus has sessions."""
    if rows["session"].null_count:
        return rows
    return rows.set_column(rows.column_names.index("speaker"), "speaker", rows["session"])


def _by_speaker(rows: pa.Table, split_of: dict[str, str] | None) -> dict[str, str]:
    pairs = zip(rows["id"].to_pylist(), rows["speaker"].to_pylist(), strict=True)
    return {id: split_of[speaker] if split_of else TRAIN for id, speaker in pairs}


def _stays_in_train(corpus: str, rows: pa.Table) -> str:
    speakers = len(set(rows["speaker"].to_pylist()))
    return (
        f"{corpus} has {speakers} speaker{'s' if speakers != 1 else ''}, fewer than the {FEWEST_SPEAKERS} "
        f"that a speaker-disjoint split needs: all its {rows.num_rows} rows are in train"
    )
