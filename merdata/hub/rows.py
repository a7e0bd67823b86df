"""The licence gate's second look: at the rows, and not at what merdata.json says of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc

from merdata.corpora.registry import registry
from merdata.corpora.tree import fits
from merdata.corpora.walk import stems
from merdata.errors import LicenceError
from merdata.store.protocol import protocol_names, read_protocol
from merdata.store.store import Store
from merdata.utterance import file_of


def check_rows(staged: Store) -> None:
    """Check that all rows of a staged store are of the corpora whose licences were asked.

    A row belongs to a corpus by three signs: its column `corpus`, its id, and the name of its source file.

    Raises:
        LicenceError: some rows are not of the corpus that merdata.json says.
        SplitError: a protocol's file was altered.
        StoreError: a file cannot be read.
    """
    for shard in staged.shards():
        rows = staged.rows_of(shard, ["id", "corpus", "source"])
        _check_ids(rows, shard.corpus, shard.relative)
        _check_sources(rows["source"].to_pylist(), shard.corpus, shard.relative)
    for corpus in staged.corpora:
        _check_ids(staged.ledger(corpus, ["id", "corpus"]), corpus, f"the ledger of {corpus}")
    known = staged.ids_of(staged.shards())
    for name in protocol_names(staged):
        ids = read_protocol(staged, name).table["id"].unique()
        strange = ids.filter(pc.invert(pc.is_in(ids, known)))
        if len(strange):
            raise LicenceError(f"protocol {name} splits {strange[0]}, which is not a row here: split again")


def _check_ids(rows: pa.Table, corpus: str, where: str) -> None:
    others = sorted(set(rows["corpus"].unique().to_pylist()) - {corpus}, key=str)
    if others:
        raise LicenceError(_not_its_own(where, f"its column corpus says {others[0]!r}", corpus))
    strange = rows["id"].filter(pc.invert(pc.starts_with(rows["id"], f"{corpus}/")))
    if len(strange):
        raise LicenceError(_not_its_own(where, f"it has the id {strange[0].as_py()!r}", corpus))


def _check_sources(sources: Iterable[str | None], corpus: str, where: str) -> None:
    """Every source must be named as the files of the corpus are."""
    if corpus not in registry():
        return  # one's own, whose table or YAML says which files are its rows
    pattern = registry()[corpus].file_name
    for source in filter(None, sources):  # a row without its clip has none
        path = PurePosixPath(file_of(source))
        if not any(fits(pattern, path.parent, stem) for stem in stems(path.name)):
            raise LicenceError(_not_its_own(where, f"it has a row from {path.name!r}", corpus))


def _not_its_own(where: str, sign: str, corpus: str) -> str:
    return (
        f"{where} does not look like {corpus}: {sign}. Nothing was uploaded, because the licence of these "
        "rows is unknown: build the store again"
    )
