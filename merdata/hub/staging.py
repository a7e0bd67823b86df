"""The part of a store that is uploaded, as a store in a folder of its own: the chosen corpora and protocols.

Shards, ledgers and splits are hard links (copies where the file system has none). They are checked against
merdata.json through the link, so what was checked is uploaded, whatever happens to the store in the meantime.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from merdata.card.full import card_files
from merdata.errors import SplitError, StoreError
from merdata.io.files import file_sha256, write_bytes, write_json
from merdata.store.commit import CARD
from merdata.store.facts import Manifest, UploadRecord
from merdata.store.manifest import MANIFEST, files_of, hashed_name, sealed, split_path
from merdata.store.protocol import (
    TEST,
    TRAIN,
    Protocol,
    load_protocol,
    protocol_bytes,
    protocol_names,
    protocol_path,
    read_protocol,
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
    without_text: Collection[str] | None = None,
    record: UploadRecord | None = None,
    note: str = "",
) -> Store:
    """Put everything to upload into `folder`.

    Args:
        store: the whole store.
        folder: an empty folder.
        corpora: the corpora to upload.
        protocols: the protocols to upload (default: all that split rows of these corpora).
        without_text: None for all columns; otherwise the audio is left out, and the transcripts of these
            corpora.
        record: what merdata.json says of this upload; its `rights` are quoted in the card.
        note: Markdown to add at the end of the card.

    Returns:
        The store in the folder.

    Raises:
        SplitError: a protocol does not exist, is outdated, or does not split these corpora.
        StoreError: a file is missing or differs from merdata.json, or the folder cannot be written.
    """
    staged = Store(folder, _manifest_of(store, sorted(corpora), record or {}))
    for shard in store.shards(staged.corpora):
        _stage_shard(store, shard, staged, without_text)
    for corpus in staged.corpora:
        _link_checked(store, store.ledger_path(corpus).relative_to(store.path).as_posix(), folder)
    for name in protocol_names(store) if protocols is None else dict.fromkeys(protocols):
        _stage_protocol(store, staged, name, needed=protocols is not None)
    files = card_files(staged, staged.manifest["upload"].get("rights"))
    files[CARD] += note.encode("utf-8")
    for path, data in files.items():
        write_bytes(folder / path, data)
    tables = [path for part in ("ledger", "splits") for path in sorted((folder / part).glob("*.parquet"))]
    names = [*files, *(path.relative_to(folder).as_posix() for path in tables)]
    staged.manifest["files"] = {name: file_sha256(folder / name) for name in sorted(names)}
    staged.manifest = sealed(staged.manifest)
    write_json(folder / MANIFEST, staged.manifest)
    return staged


def _manifest_of(store: Store, corpora: list[str], record: UploadRecord) -> Manifest:
    """The manifest of the chosen corpora; nothing else that stands in the store's own goes up."""
    return {
        "format": store.manifest["format"],
        "merdata": store.manifest["merdata"],
        "space": store.manifest["space"],
        "classes": store.manifest["classes"],
        "corpora": {name: store.corpora[name] for name in corpora},
        "shards": {
            name: {shard: facts.copy() for shard, facts in store.manifest["shards"].get(name, {}).items()}
            for name in corpora
        },
        "upload": record,
    }


def _stage_shard(store: Store, shard: Shard, staged: Store, without_text: Collection[str] | None) -> None:
    target = _link_checked(store, shard.relative, staged.path)
    if without_text is None:
        return
    _keep_labels(target, text=shard.corpus not in without_text)
    sha256 = file_sha256(target)
    file = hashed_name(shard.name, sha256)
    facts = staged.manifest["shards"][shard.corpus][shard.name]
    facts.update({"sha256": sha256, "bytes": target.stat().st_size, "file": file})
    target.rename(target.with_name(file))


def _link_checked(store: Store, name: str, folder: Path) -> Path:
    """Link a file of the store into a folder, and hold what was linked against the manifest.

    Raises:
        StoreError: it is missing, or other than the manifest says.
    """
    source, target = store.path / name, folder / name
    _link(source, target)
    if file_sha256(target) != files_of(store.manifest).get(name):
        raise StoreError(f"{source} differs from {MANIFEST}: run `merdata build` and `merdata split` again")
    return target


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
    path, target = split_path(name), protocol_path(staged, name)
    if path in files_of(store.manifest):
        _link_checked(store, path, staged.path)
    try:
        load_protocol(store, name)
    except SplitError:
        if needed:
            raise
        target.unlink(missing_ok=True)  # outdated, so that the card has no config for it either
        return
    protocol = read_protocol(staged, name)
    corpora = [corpus for corpus in protocol.properties.get("corpora", []) if corpus in staged.corpora]
    if corpora == list(protocol.properties.get("corpora", [])):
        return
    target.unlink()
    part = _part(store, protocol, corpora)
    if len(part.table):
        write_bytes(target, protocol_bytes(part))
    elif needed:
        raise SplitError(f"protocol {name} does not split {', '.join(staged.corpora)}: name another")


def _part(store: Store, protocol: Protocol, corpora: list[str]) -> Protocol:
    ids = store.ids_of(store.shards(corpora))
    table = protocol.table.filter(pc.is_in(protocol.table["id"], ids))
    if len(protocol.folds) > 1:
        part = Protocol(protocol.name, table, protocol.properties)
        whole = [fold for fold in part.folds if {TRAIN, TEST} <= set(part.of_fold(fold)["split"].to_pylist())]
        table = table.filter(pc.is_in(table["fold"], pa.array(whole, pa.int32())))
    properties = protocol.properties | {"corpora": corpora, "rows": rows_hash(store, corpora)}
    claims = protocol.properties.get("claims", {})
    properties["claims"] = {
        claim: [name for name in names if name in corpora] for claim, names in claims.items()
    }
    dependent = protocol.properties.get("speaker_dependent", [])
    properties["speaker_dependent"] = [name for name in dependent if name in corpora]
    return Protocol(protocol.name, table, properties)
