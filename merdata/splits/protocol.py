"""A protocol: the table id -> split (and fold), what it claims, and the hash that every result quotes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from merdata.errors import SplitError
from merdata.files import write_atomically
from merdata.store import Shard, Store

TRAIN, VALIDATION, TEST = SPLITS = ("train", "validation", "test")
SCHEMA = pa.schema({"id": pa.string(), "split": pa.string(), "fold": pa.int32()})


@dataclass(frozen=True)
class Protocol:
    """A split of the store's rows.

    Attributes:
        name: of the protocol and its file.
        table: columns id, split (train, validation, test) and fold (0 where there is one only).
        properties: kind and seed; `claims`, property -> corpora for which it holds (`official`, ...);
            `notes`, sentences on what was not possible.
    """

    name: str
    table: pa.Table
    properties: dict[str, Any]

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the sorted lines `id split fold`: the same table has the same hash anywhere."""
        columns = (self.table[name].to_pylist() for name in SCHEMA.names)
        lines = sorted(f"{id}\t{split}\t{fold}\n" for id, split, fold in zip(*columns, strict=True))
        return hashlib.sha256("".join(lines).encode("utf-8")).hexdigest()

    @property
    def folds(self) -> list[int]:
        return sorted(set(self.table["fold"].to_pylist()))

    def splits(self, fold: int = 0) -> dict[str, str]:
        """id -> split of one fold.

        Raises:
            SplitError: there is no such fold.
        """
        if fold not in self.folds:
            raise SplitError(f"protocol {self.name} has no fold {fold}; its folds are {self.folds}")
        columns = (self.table[name].to_pylist() for name in SCHEMA.names)
        return {id: split for id, split, at in zip(*columns, strict=True) if at == fold}


def make_protocol(name: str, splits: dict[str, str], properties: dict[str, Any]) -> Protocol:
    """A protocol of one fold from id -> split; rows in the order of their ids."""
    ids = sorted(splits)
    columns = {"id": ids, "split": [splits[id] for id in ids], "fold": [0] * len(ids)}
    return Protocol(name, pa.table(columns, SCHEMA), properties)


def protocol_path(store: Store, name: str) -> Path:
    return store.path / "splits" / f"{name}.parquet"


def protocol_names(store: Store) -> list[str]:
    """Names of the protocols in a store, sorted."""
    return sorted(path.stem for path in (store.path / "splits").glob("[!.]*.parquet"))


def save_protocol(store: Store, protocol: Protocol) -> None:
    """Write the table, with properties and hash in the file's metadata.

    Raises:
        StoreError: it cannot be written.
    """
    facts = {"properties": json.dumps(protocol.properties, sort_keys=True), "hash": protocol.hash}
    with write_atomically(protocol_path(store, protocol.name)) as temporary:
        pq.write_table(protocol.table.replace_schema_metadata(facts), temporary)


def load_protocol(store: Store, name: str) -> Protocol:
    """A protocol of a store.

    Raises:
        SplitError: there is none, its file was altered, or the store's rows are no longer those it split.
    """
    protocol = read_protocol(store, name)
    if not covers(store, protocol):
        raise SplitError(
            f"the rows of {store.path} changed since protocol {name} was made: run "
            f"`merdata split {store.path} --protocol {name}`"
        )
    return protocol


def read_protocol(store: Store, name: str) -> Protocol:
    """As `load_protocol`, without a look at the store's rows.

    Raises:
        SplitError: there is none, or its file was altered.
    """
    path = protocol_path(store, name)
    try:
        table = pq.read_table(path)
        facts = table.schema.metadata
        protocol = Protocol(name, table.replace_schema_metadata(None), json.loads(facts[b"properties"]))
    except FileNotFoundError as error:
        there = ", ".join(protocol_names(store)) or "none yet"
        raise SplitError(
            f"{store.path} has no protocol {name!r} (there: {there}): make it with "
            f"`merdata split {store.path} --protocol {name}`"
        ) from error
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise SplitError(f"cannot read {path}: {error}. Make the split again") from error
    if facts[b"hash"].decode() != protocol.hash:
        raise SplitError(f"{path} does not have the hash it was written with: make the split again")
    return protocol


def covers(store: Store, protocol: Protocol) -> bool:
    """Whether the protocol speaks of exactly the store's rows."""
    ids = {id for shard_ids in store.ids.values() for id in shard_ids}
    return ids == set(protocol.table["id"].to_pylist())


def whole_shards(store: Store, protocol: Protocol, fold: int = 0) -> dict[str, list[Shard]] | None:
    """split -> its shards, or None where the protocol cuts a shard in two."""
    split_of = protocol.splits(fold)
    parts: dict[str, list[Shard]] = {}
    for shard, ids in store.ids.items():
        splits = {split_of.get(id) for id in ids}
        if len(splits) > 1:
            return None
        for split in splits - {None}:
            parts.setdefault(str(split), []).append(shard)
    return {split: parts[split] for split in SPLITS if split in parts}
