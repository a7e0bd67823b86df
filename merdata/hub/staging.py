"""What of a store goes up, as a store in a folder of its own: the chosen corpora and protocols.

Shards are hard links (copies where the file system has none), checked by the SHA-256 of merdata.json through
the link: what goes up is what was checked, whatever happens to the store meanwhile.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from merdata.card.full import card_files
from merdata.errors import SplitError, StoreError
from merdata.io.files import file_sha256, write_bytes, write_json
from merdata.store.commit import CARD
from merdata.store.facts import Upload
from merdata.store.manifest import MANIFEST, hashed_name, sealed
from merdata.store.protocol import (
    TEST,
    TRAIN,
    Protocol,
    load_protocol,
    protocol_bytes,
    protocol_names,
    protocol_path,
    rows_hash,
)
from merdata.store.store import Shard, Store

TRANSCRIPTS = ("text", "raw_text")


def stage(
    store: Store,
    folder: Path,
    *,
    corpora: Iterable[str],
    protocols: Iterable[str] | None = None,
    without_text: Iterable[str] | None = None,
    record: Upload | None = None,
    note: str = "",
) -> Store:
    """Lay out below `folder` what is to go up.

    Args:
        store: the whole store.
        folder: empty.
        corpora: those that go up.
        protocols: those that go up (default: all that still say something of these corpora).
        without_text: None for all columns; else the audio stays here, and the transcripts of these corpora.
        record: what merdata.json says of this upload; its `rights` go into the card.
        note: what else the card says, at its end.

    Returns:
        The store that lies in the folder now.

    Raises:
        SplitError: a protocol is not there, is outdated, or says nothing of these corpora.
        StoreError: a shard is missing or not what merdata.json says, or the folder cannot be written.
    """
    chosen = sorted(corpora)
    shards = {name: store.manifest["shards"].get(name, {}) for name in chosen}
    manifest = store.manifest.copy()
    manifest["corpora"] = {name: store.corpora[name] for name in chosen}
    manifest["shards"] = {
        corpus: {name: facts.copy() for name, facts in own.items()} for corpus, own in shards.items()
    }
    manifest["upload"] = record or {}
    staged = Store(folder, manifest)
    for shard in store.shards(chosen):
        target = folder / shard.relative
        _link_checked(shard, target)
        if without_text is not None:
            _keep_labels(target, text=shard.corpus not in without_text)
            sha256 = file_sha256(target)
            file = hashed_name(shard.name, sha256)
            facts = manifest["shards"][shard.corpus][shard.name]
            facts.update({"sha256": sha256, "bytes": target.stat().st_size, "file": file})
            target.rename(target.with_name(file))
    for name in chosen:
        ledger = store.ledger_path(name)
        _link(ledger, folder / ledger.relative_to(store.path))
    for name in protocol_names(store) if protocols is None else dict.fromkeys(protocols):
        _stage_protocol(store, staged, name, needed=protocols is not None)
    files = card_files(staged, manifest["upload"].get("rights"))
    files[CARD] += note.encode("utf-8")
    for path, data in files.items():
        write_bytes(folder / path, data)
    tables = [path for part in ("ledger", "splits") for path in sorted((folder / part).glob("*.parquet"))]
    names = [*files, *(path.relative_to(folder).as_posix() for path in tables)]
    manifest["files"] = {name: file_sha256(folder / name) for name in sorted(names)}
    write_json(folder / MANIFEST, sealed(manifest))
    return staged


def _link_checked(shard: Shard, target: Path) -> None:
    _link(shard.path, target)
    if file_sha256(target) != shard.sha256:
        raise StoreError(f"{shard.path} is not what {MANIFEST} says: run `merdata build` again")


def _link(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.hardlink_to(source)
        except FileNotFoundError:
            raise
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, target)
    except FileNotFoundError as error:
        raise StoreError(f"{source} is not there: run `merdata build` again") from error
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error.strerror or error}") from error


def _keep_labels(path: Path, *, text: bool) -> None:
    """Replace a shard by one without audio, and with empty transcripts unless they may go along."""
    columns = [name for name in pq.read_schema(path).names if name != "audio"]
    table = pq.read_table(path, columns=columns, partitioning=None)
    facts = json.loads(table.schema.metadata[b"huggingface"])
    del facts["info"]["features"]["audio"]
    for name in () if text else TRANSCRIPTS:
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), pa.nulls(len(table), pa.string()))
    path.unlink()  # a link: the store's own file stays as it is
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(facts)}), path)


def _stage_protocol(store: Store, staged: Store, name: str, *, needed: bool) -> None:
    """The protocol as it is, or its rows of the staged corpora (of folds, those that keep train and test)."""
    try:
        protocol = load_protocol(store, name)
    except SplitError:
        if needed:
            raise
        return  # outdated: the card has no config for it either
    corpora = [one for one in protocol.properties.get("corpora", []) if one in staged.corpora]
    if corpora == list(protocol.properties.get("corpora", [])):
        _link(protocol_path(store, name), protocol_path(staged, name))
        return
    part = _part(store, protocol, corpora)
    if len(part.table):
        write_bytes(protocol_path(staged, name), protocol_bytes(part))
    elif needed:
        raise SplitError(f"protocol {name} says nothing of {', '.join(staged.corpora)}: name another")


def _part(store: Store, protocol: Protocol, corpora: list[str]) -> Protocol:
    ids = pa.array(
        [id for shard, ids in store.ids.items() if shard.corpus in corpora for id in ids], pa.string()
    )
    table = protocol.table.filter(pc.is_in(protocol.table["id"], ids))
    if len(protocol.folds) > 1:
        part = Protocol(protocol.name, table, protocol.properties)
        whole = [fold for fold in part.folds if {TRAIN, TEST} <= set(part.splits(fold).values())]
        table = table.filter(pc.is_in(table["fold"], pa.array(whole, pa.int32())))
    properties = protocol.properties | {"corpora": corpora, "rows": rows_hash(store, corpora)}
    claims = protocol.properties.get("claims", {})
    properties["claims"] = {
        claim: [one for one in names if one in corpora] for claim, names in claims.items()
    }
    dependent = protocol.properties.get("speaker_dependent", [])
    properties["speaker_dependent"] = [one for one in dependent if one in corpora]
    return Protocol(protocol.name, table, properties)
