"""The licence gate's second look: at the rows, and not at what merdata.json says of them."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from merdata.corpora.registry import registry
from merdata.errors import LicenceError
from merdata.store.protocol import protocol_names, read_protocol
from merdata.store.store import Store

ENDING = re.compile(r"\.\w+$")


def check_rows(store: Store) -> None:
    """Check that rows, ledgers and splits of a staged store are of the corpora whose licences were asked.

    A row is a corpus's own by three signs: its column `corpus`, its id, and the name of its source file.

    Raises:
        LicenceError: some rows are not of the corpus that merdata.json says.
        SplitError: a protocol's file was altered.
        StoreError: a file cannot be read.
    """
    for shard in store.shards():
        rows = store.rows_of(shard, ["id", "corpus", "source"])
        _check_names(rows, shard.corpus, shard.relative)
        _check_sources(rows, shard.corpus, shard.relative)
    for corpus in store.corpora:
        ledger = store.ledger(corpus).select(["id", "corpus"])
        _check_names(ledger, corpus, f"the ledger of {corpus}")
    for name in protocol_names(store):
        ids = read_protocol(store, name).table["id"].unique()
        known = pa.array([id for own in store.ids.values() for id in own], pa.string())
        strange = ids.filter(pc.invert(pc.is_in(ids, known)))
        if len(strange):
            raise LicenceError(f"protocol {name} splits {strange[0]}, which is not a row here: split again")


def _check_names(rows: pa.Table, corpus: str, where: str) -> None:
    others = sorted(set(rows["corpus"].unique().to_pylist()) - {corpus}, key=str)
    if others:
        raise LicenceError(_not_its_own(where, f"its column corpus says {others[0]!r}", corpus))
    strange = rows["id"].filter(pc.invert(pc.starts_with(rows["id"], f"{corpus}/")))
    if len(strange):
        raise LicenceError(_not_its_own(where, f"it has the id {strange[0].as_py()!r}", corpus))


def _check_sources(rows: pa.Table, corpus: str, where: str) -> None:
    """Every source must be named as files of the corpus are; its ending may be that of any format."""
    pattern = registry()[corpus].file_name
    for source in rows["source"].to_pylist():
        name = (source or "").rpartition("/")[2]
        stem = ENDING.sub("", name)
        if not any(pattern.fullmatch(spelt) for spelt in (name, f"{stem}.wav", f"{stem}.mp3", f"{stem}.mp4")):
            raise LicenceError(_not_its_own(where, f"it has a row from {name!r}", corpus))


def _not_its_own(where: str, sign: str, corpus: str) -> str:
    return (
        f"{where} does not look like {corpus}: {sign}. Nothing was uploaded, because their licence "
        "is unknown: build the store again from the corpora"
    )
