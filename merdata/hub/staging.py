"""The part of a store that is uploaded, as a store in a folder of its own: the chosen corpora and protocols.

Shards are hard links (copies where the file system has none). They are checked against merdata.json through
the link, so what was checked is uploaded, whatever happens to the store in the meantime.
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
from merdata.store.facts import UploadRecord
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
    record: UploadRecord | None = None,
    note: str = "",
) -> Store:
    """Put everything to upload into `folder`.

    Args:
        store: the whole store.
        folder: an empty folder.
        corpora: the corpora to upload.
        protocols: the protocols to upload (default: all that split rows of these corpora).
        without_text: None for all columns; else leave out the audio, and the transcripts of these corpora.
        record: what merdata.json says of this upload; its `rights` are quoted in the card.
        note: Markdown to add at the end of the card.

    Returns:
        The store in the folder.

    Raises:
        SplitError: a protocol does not exist, is outdated, or does not split these corpora.
        StoreError: a shard is missing or differs from merdata.json, or the folder cannot be written.
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
        raise StoreError(f"{shard.path} differs from {MANIFEST}: run `merdata build` again")


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
        raise StoreError(f"{source} is missing: run `merdata build` again") from error
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error.strerror or error}") from error


def _keep_labels(path: Path, *, text: bool) -> None:
    """Replace a shard by one without audio, and with empty transcripts where `text` is false."""
    columns = [name for name in pq.read_schema(path).names if name != "audio"]
    table = pq.read_table(path, columns=columns, partitioning=None)
    facts = json.loads(table.schema.metadata[b"huggingface"])
    del facts["info"]["features"]["audio"]
    for name in () if text else TRANSCRIPTS:
        index = table.schema.get_field_index(name)
        table = table.set_column(index, table.schema.field(index), pa.nulls(len(table), pa.string()))
    path.unlink()  # only this link: the store keeps its file
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(facts)}), path)


def _stage_protocol(store: Store, staged: Store, name: str, *, needed: bool) -> None:
    """Stage a protocol as it is, or its rows of the staged corpora (only folds that keep train and test)."""
    try:
        protocol = load_protocol(store, name)
    except SplitError:
        if needed:
            raise
        return  # outdated, so that the card has no config for it either
    corpora = [name for name in protocol.properties.get("corpora", []) if name in staged.corpora]
    if corpora == list(protocol.properties.get("corpora", [])):
        _link(protocol_path(store, name), protocol_path(staged, name))
        return
    part = _part(store, protocol, corpora)
    if len(part.table):
        write_bytes(protocol_path(staged, name), protocol_bytes(part))
    elif needed:
        raise SplitError(f"protocol {name} does not split {', '.join(staged.corpora)}: name another")


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
        claim: [name for name in names if name in corpora] for claim, names in claims.items()
    }
    dependent = protocol.properties.get("speaker_dependent", [])
    properties["speaker_dependent"] = [name for name in dependent if name in corpora]
    return Protocol(protocol.name, table, properties)
