"""A protocol: the table id -> split (and fold), its claims, and the hash that every result quotes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from typing_extensions import NotRequired, TypedDict

from merdata.errors import SplitError, did_you_mean
from merdata.io.outside import check_type, cut, parse_json, read_some
from merdata.io.parquet import check_columns, read_parquet
from merdata.io.places import reaching
from merdata.store.facts import Name, Text, is_name
from merdata.store.manifest import hashed_name, split_path
from merdata.store.retired import EARLIER_SPLITS
from merdata.store.store import Shard, Store, open_store, parquet_bytes

if TYPE_CHECKING:
    import pandas as pd

TRAIN, VALIDATION, TEST = SPLITS = ("train", "validation", "test")
SCHEMA = pa.schema({"id": pa.string(), "split": pa.string(), "fold": pa.int32()})
MOST_BYTES = 1 << 28  # of a protocol's file
MOST_FOLDS = 2_000  # of a protocol: the audit holds a split of all rows for each
MOST_LETTERS = 100  # of a protocol's name
LINES_AT_ONCE = 1 << 16  # that are hashed


class Properties(TypedDict):
    """What is stored beside a protocol's table; `Protocol` says what each entry means."""

    kind: Text
    corpora: list[Name]
    rows: Text
    claims: dict[Text, list[Name]]
    notes: list[Text]
    speaker_dependent: list[Name]
    seed: NotRequired[int]
    chosen: NotRequired[bool]
    fold_names: NotRequired[dict[Text, Text]]


def check_folds(number: int) -> None:
    """Fail if a protocol would have more folds than any may have.

    Raises:
        SplitError: it would.
    """
    if number > MOST_FOLDS:
        raise SplitError(f"{number:,} folds are too many: a protocol has {MOST_FOLDS:,} at most")


@dataclass(frozen=True)
class Protocol:
    """A split of the store's rows.

    Attributes:
        name: of the protocol and its file.
        table: columns id, split (train, validation, test) and fold (0 where there is only one). A row that a
            fold does not use is not in it.
        properties: `kind`, `seed` and the other options; `corpora` that it splits, and whether they were
            `chosen`; `rows`, a hash of their ids; `claims`, property -> corpora for which it holds
            (`official`, ...); `notes`, sentences on what was not possible; `speaker_dependent`, corpora whose
            test speakers are also in train; `fold_names`.
    """

    name: str
    table: pa.Table
    properties: Properties

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the sorted lines `id split fold`: the same table has the same hash anywhere."""
        import pyarrow.compute as pc

        cells = (pc.cast(self.table[name], pa.string()) for name in SCHEMA.names)
        return _sha256(pc.binary_join_element_wise(*cells, "\t"))

    @property
    def folds(self) -> list[int]:
        return sorted(self.table["fold"].unique().to_pylist())

    @property
    def fold_names(self) -> dict[int, str]:
        """number -> name of the fold; `fold2` where it has none of its own."""
        names = self.properties.get("fold_names", {})
        return {fold: names.get(str(fold), f"fold{fold}") for fold in self.folds}

    def splits(self, fold: int | str = 0) -> dict[str, str]:
        """id -> split of one fold, given by number or name.

        Raises:
            SplitError: there is no such fold.
        """
        part = self.of_fold(self.fold_number(fold))
        return dict(zip(part["id"].to_pylist(), part["split"].to_pylist(), strict=True))

    def split_column(self, ids: pa.Array | pa.ChunkedArray, fold: int | str = 0) -> pa.Array:
        """The split of each id in one fold; null where the fold does not use it.

        Raises:
            SplitError: there is no such fold.
        """
        import pyarrow.compute as pc

        part = self.of_fold(self.fold_number(fold))
        ids = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
        return part["split"].combine_chunks().take(pc.index_in(ids, part["id"]))

    def of_fold(self, number: int) -> pa.Table:
        """The rows of one fold, given by number."""
        import pyarrow.compute as pc

        return self.table.filter(pc.equal(self.table["fold"], number))

    def fold_number(self, fold: int | str) -> int:
        """The number of a fold that is given by number or name.

        Raises:
            SplitError: there is no such fold.
        """
        numbers = {str(number): number for number in self.folds}
        numbers |= {name: number for number, name in self.fold_names.items()}
        if str(fold) not in numbers:
            folds = self.properties.get("fold_names", {}).values() or self.folds
            raise SplitError(
                f"protocol {self.name} has no fold {fold}; its folds are {', '.join(map(str, folds))}"
            )
        return numbers[str(fold)]

    def plain_name(self, number: int) -> int | str:
        """What `fold_number` takes for this fold: its number, or its name where another is called like that.

        Folds of speakers are such: of EmoDB's ten, the fourth is called 10.
        """
        return number if self.fold_number(number) == number else self.fold_names[number]


def make_folds(name: str, folds: Mapping[int, pd.Series[str]], properties: Properties) -> Protocol:
    """A protocol from fold -> split of each row, indexed by id; rows in the order of folds and ids.

    Raises:
        SplitError: there are more than 2,000 folds.
    """
    check_folds(len(folds))
    parts = []
    for fold, splits in sorted(folds.items()):
        split = splits.sort_index()
        columns = {"id": split.index, "split": split.to_numpy(), "fold": [fold] * len(split)}
        parts.append(pa.table(columns, SCHEMA))
    return Protocol(name, pa.concat_tables(parts).combine_chunks(), properties)


def _sha256(lines: pa.Array | pa.ChunkedArray) -> str:
    """SHA-256 over the lines in the order of their bytes, each with its line end."""
    import pyarrow.compute as pc

    lines = lines.combine_chunks() if isinstance(lines, pa.ChunkedArray) else lines
    if not pc.all(
        pc.less_equal(lines[:-1], lines[1:])
    ).as_py():  # most are in order, and sorting takes longer
        lines = lines.take(pc.array_sort_indices(lines))
    digest = hashlib.sha256()
    for start in range(0, len(lines), LINES_AT_ONCE):
        ended = pc.binary_join_element_wise(lines[start : start + LINES_AT_ONCE], "", "\n")
        digest.update(memoryview(ended.buffers()[2])[: pc.sum(pc.binary_length(ended)).as_py()])
    return digest.hexdigest()


def protocol_path(store: Store, name: str) -> Path:
    return store.path / split_path(name)


def protocol_names(store: Store) -> list[str]:
    """Names of the protocols in a store, sorted; `verify` names those whose file is missing."""
    if "digest" in store.manifest:
        paths = [path for path in store.manifest.get("files", {}) if path.startswith("splits/")]
        return sorted(Path(path).stem for path in paths if (store.path / path).exists())
    names = (path.stem for path in (store.path / "splits").glob("*.parquet"))  # format 1 had no list
    return sorted(name for name in names if is_name(name))


def earlier_protocol(name: str, sha256: str) -> str:
    """Where the table of a protocol is kept that another has replaced, for readers of the store before."""
    return f"{EARLIER_SPLITS}/{hashed_name(name, sha256)}"


def protocol_bytes(protocol: Protocol) -> bytes:
    """The file of a protocol: its table, with properties and hash in the metadata."""
    facts = {"properties": json.dumps(protocol.properties, sort_keys=True), "hash": protocol.hash}
    return parquet_bytes(protocol.table.replace_schema_metadata(facts))


def load_protocol(store: str | Path | Store, name: str) -> Protocol:
    """A protocol of a store.

    Raises:
        SplitError: there is none, its file was altered, or the store's rows are no longer those it splits.
        StoreError: the store cannot be read.
    """
    store = open_store(store)
    protocol = read_protocol(store, name)
    if not covers(store, protocol):
        raise SplitError(
            f"the rows of {store.path} have changed since protocol {name} was made: split again, as with "
            f"`merdata split {store.path} --protocol {protocol.properties.get('kind', name)}`"
        )
    return protocol


def read_protocol(store: Store, name: str) -> Protocol:
    """As `load_protocol`, without comparing with the store's rows.

    Raises:
        SplitError: there is none, or its file was altered.
    """
    import pyarrow.compute as pc

    path = protocol_path(store, check_name(name))
    try:
        table = read_parquet(_protocol_file(store, path, name))
        check_columns(table, SCHEMA)
        if table.column_names != SCHEMA.names or any(column.null_count for column in table.columns):
            raise ValueError("it does not have the columns id, split and fold, or has empty cells")
        if pc.count_distinct(table["fold"]).as_py() > MOST_FOLDS:
            raise ValueError(f"it has more than {MOST_FOLDS:,} folds")
        if unknown := set(table["split"].unique().to_pylist()) - set(SPLITS):
            raise ValueError(f"its splits are train, validation and test, not {min(unknown)}")
        facts = table.schema.metadata or {}
        properties = check_type(Properties, parse_json(facts[b"properties"]))
        protocol = Protocol(name, table.replace_schema_metadata(None), properties)
        known = facts[b"hash"].decode("ascii")
    except FileNotFoundError as error:
        there = protocol_names(store)
        raise SplitError(
            f"{store.path} has no protocol {name!r}{did_you_mean(name, there)}; it has "
            f"{', '.join(there) or 'none yet'}. Make it first: `merdata split --help` lists the kinds"
        ) from error
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise SplitError(f"cannot read {path} ({cut(error)}): split again") from error
    if known != protocol.hash:
        raise SplitError(f"{path} does not have the hash that it was written with: split again")
    return protocol


def _protocol_file(store: Store, path: Path, name: str) -> bytes:
    """The bytes of a protocol's table that this store's merdata.json names, if it was replaced since."""
    expected = store.manifest.get("files", {}).get(split_path(name))
    with reaching(path):
        data = read_some(path, MOST_BYTES)
    if expected is None or hashlib.sha256(data).hexdigest() == expected:
        return data
    with suppress(FileNotFoundError):
        earlier = read_some(store.path / earlier_protocol(name, expected), MOST_BYTES)
        if hashlib.sha256(earlier).hexdigest() == expected:
            return earlier
    return data


def covers(store: Store, protocol: Protocol) -> bool:
    """Whether the store's rows of the protocol's corpora are those that it was made for.

    A protocol of chosen corpora still fits when another corpus is added; one of the whole store does not.
    """
    corpora, built = set(protocol.properties.get("corpora", [])), set(store.corpora)
    known = corpora <= built if protocol.properties.get("chosen") else corpora == built
    return known and rows_hash(store, corpora) == protocol.properties.get("rows")


def rows_hash(store: Store, corpora: Iterable[str]) -> str:
    """SHA-256 over the ids of some corpora's rows, computed once for all protocols that split them."""
    wanted = frozenset(corpora)
    if wanted not in store.row_hashes:
        store.row_hashes[wanted] = _sha256(store.ids_of(store.shards(wanted)))
    return store.row_hashes[wanted]


def whole_shards(store: Store, protocol: Protocol) -> dict[int, dict[str, list[Shard]]]:
    """fold -> split -> its shards, for the folds that split no shard."""
    import pyarrow.compute as pc

    shards = store.shards()
    rows = np.array([len(store.ids_of([shard])) for shard in shards], int)
    shard_of, _ = store.places(protocol.table["id"])
    split = pc.index_in(protocol.table["split"], pa.array(SPLITS)).to_numpy()
    fold_of = protocol.table["fold"].to_numpy()
    by_fold = {}
    for fold in protocol.folds:
        own = fold_of == fold
        if (shard_of[own] < 0).any():
            continue  # the store no longer has these rows
        cells = shard_of[own] * len(SPLITS) + split[own]
        counts = np.bincount(cells, minlength=len(shards) * len(SPLITS)).reshape(len(shards), len(SPLITS))
        whole = (counts == rows[:, None]) | (counts == 0)
        if whole.all():
            parts = ((name, np.flatnonzero(counts[:, number])) for number, name in enumerate(SPLITS))
            by_fold[fold] = {split: [shards[index] for index in own] for split, own in parts if len(own)}
    return by_fold


def check_name(name: str) -> str:
    """The name, if it can name a file and a config.

    Raises:
        SplitError: it cannot.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+-]*", name) or len(name) > MOST_LETTERS:
        raise SplitError(
            f"a protocol's name has up to {MOST_LETTERS} letters, digits, _, + and -, not {cut(repr(name))}"
        )
    return name
