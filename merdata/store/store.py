"""The store: Parquet shards, a ledger per corpus, a table per protocol, and merdata.json, written last.

README.md                               the card; its YAML holds the configs that load_dataset reads
data/<corpus>/<shard>-<hash>.parquet    audio, text, label and metadata
ledger/<corpus>-<hash>.parquet          every row that was discovered, with its state and reason
splits/<protocol>.parquet               id, split, fold
merdata.json                            format, label space, corpora, policies, the SHA-256 of every file

<hash> is the beginning of the file's SHA-256: a build never overwrites a file that somebody may be reading.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from merdata.audio.clip import read_wav
from merdata.errors import CorpusNotFound, StoreError, did_you_mean
from merdata.io.outside import cut
from merdata.io.parquet import check_columns, check_groups, open_table, read_group, read_table
from merdata.io.places import each, place
from merdata.labels import LabelSpace, classify, label_space
from merdata.store.facts import CorpusFacts, Manifest
from merdata.store.ledger import LEDGER_SCHEMA
from merdata.store.manifest import MANIFEST, ledger_path, read_manifest, shard_path
from merdata.utterance import METADATA_COLUMNS, store_schema

SHARD_SCHEMA = store_schema(())  # of the columns; the classes are the manifest's
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Shard:
    """A shard as the manifest describes it; `path` begins with the store's, `relative` is below the store."""

    corpus: str
    name: str
    path: Path
    sha256: str
    rows: int

    @property
    def relative(self) -> str:
        return f"data/{self.corpus}/{self.path.name}"


class Store:
    """A finished store. Open one with `open_store`."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self.space: LabelSpace = label_space(manifest["space"])
        self.row_hashes: dict[frozenset[str], str] = {}  # as `merdata.store.protocol` computes them
        self._kept: dict[str, pa.Table] = {}  # the columns that were read, by the shard's path in the store

    @property
    def corpora(self) -> dict[str, CorpusFacts]:
        """Facts, policy and counts of each corpus, by name."""
        return self.manifest["corpora"]

    def shards(self, corpora: Iterable[str] | None = None) -> list[Shard]:
        """All shards, or those of some corpora, in a fixed order."""
        wanted = set(self.corpora if corpora is None else _listed(corpora))
        return [
            Shard(
                corpus,
                shard,
                self.path / shard_path(corpus, shard, facts),
                facts["sha256"],
                facts["rows"],
            )
            for corpus in sorted(wanted)
            for shard, facts in sorted(self.manifest["shards"].get(corpus, {}).items())
        ]

    def named(self, corpora: Iterable[str] | None) -> list[str]:
        """Names of the chosen corpora, sorted; of all where none is chosen.

        Raises:
            CorpusNotFound: the store does not have such a corpus, or none is named.
        """
        names = sorted(self.corpora if corpora is None else set(_listed(corpora)))
        if corpora is not None and not names:
            raise CorpusNotFound(f"no corpus was named; {self.path} holds {', '.join(self.corpora)}")
        unknown = [name for name in names if name not in self.corpora]
        if unknown:
            raise CorpusNotFound(
                f"{self.path} holds no {', '.join(unknown)}{did_you_mean(unknown[0], self.corpora)}; "
                f"it holds {', '.join(self.corpora)}"
            )
        return names

    def rows(self, columns: Sequence[str] | None = None, corpora: Iterable[str] | None = None) -> pa.Table:
        """Every column but the audio, in the order of the shards; `label` holds class names.

        Raises:
            StoreError: a shard is missing or unreadable.
        """
        names = list(METADATA_COLUMNS if columns is None else columns)
        chosen = None if corpora is None else _listed(corpora)
        shards = self.shards(chosen)
        if not shards:
            raise StoreError(f"{self.path} has no rows of {', '.join(chosen or ['any corpus'])}")
        table = pa.concat_tables(self._columns(shards, names)).replace_schema_metadata(None)
        if "label" in names:
            table = table.set_column(names.index("label"), "label", self._classes(table["label"]))
        return table

    def _classes(self, labels: pa.ChunkedArray) -> pa.Array:
        """Class names of the numbers in a label column."""
        try:
            return pa.array(self.space.classes, pa.string()).take(labels.combine_chunks())
        except (pa.ArrowException, IndexError) as error:
            raise StoreError(f"{self.path} has labels that are not classes of {self.space.name}") from error

    @cached_property
    def ids(self) -> dict[Shard, list[str]]:
        """The ids of every shard.

        Raises:
            StoreError: a shard is missing or unreadable.
        """
        return {shard: self.ids_of([shard]).to_pylist() for shard in self.shards()}

    def ids_of(self, shards: Sequence[Shard]) -> pa.Array:
        """The ids of some shards' rows, in their order.

        Raises:
            StoreError: a shard is missing or unreadable.
        """
        chunks = [chunk for table in self._columns(shards, ["id"]) for chunk in table["id"].chunks]
        return pa.chunked_array(chunks, pa.string()).combine_chunks()

    def places(self, ids: pa.Array | pa.ChunkedArray) -> tuple[Places, Places]:
        """The number of each id's shard, and of its row there; -1 for an id that no row has.

        Raises:
            StoreError: a shard is missing or unreadable.
        """
        import pyarrow.compute as pc

        shards = self.shards()
        starts = np.cumsum([0, *(len(self.ids_of([shard])) for shard in shards)])
        row = pc.fill_null(pc.index_in(ids, self.ids_of(shards)), -1).to_numpy()
        shard = np.searchsorted(starts, row, side="right") - 1
        return shard, np.where(row < 0, -1, row - starts[shard])

    def keep(self, columns: Mapping[Shard, pa.Table]) -> None:
        """Take columns of shards that were read elsewhere, so that they are not read again."""
        self._kept |= {shard.relative: table for shard, table in columns.items()}

    def _columns(self, shards: Sequence[Shard], names: Sequence[str]) -> list[pa.Table]:
        """Some columns of each shard; each is read once, since a shard's name is that of its bytes."""

        def lacking(shard: Shard) -> list[str]:
            known = self._kept[shard.relative].column_names if shard.relative in self._kept else []
            return [name for name in dict.fromkeys(names) if name not in known]

        def read(shard: Shard) -> None:
            new = self.rows_of(shard, lacking(shard))
            table = self._kept.get(shard.relative, new)
            for name in new.column_names:
                if name not in table.column_names:
                    table = table.append_column(name, new[name])
            self._kept[shard.relative] = table

        each(read, [shard for shard in shards if lacking(shard)], self.path)
        return [self._kept[shard.relative].select(names) for shard in shards]

    @cached_property
    def shard_of(self) -> dict[str, int]:
        """id -> number of the row's shard in `ids`."""
        return {id: number for number, ids in enumerate(self.ids.values()) for id in ids}

    def ledger(self, corpus: str, columns: Sequence[str] | None = None) -> pa.Table:
        """The ledger of a corpus, or some of its columns.

        Raises:
            StoreError: it is missing or unreadable.
        """
        return _read(self.ledger_path(corpus), columns, LEDGER_SCHEMA)

    def ledger_path(self, corpus: str) -> Path:
        """Path of the ledger of a corpus."""
        return self.path / ledger_path(corpus, self.corpora.get(corpus))

    def is_replaced(self) -> bool:
        """Whether merdata.json is another one now than when the store was opened."""
        manifest = read_manifest(self.path)
        return manifest is None or manifest.get("digest") != self.manifest.get("digest")

    def relabel(self, rows: pa.Table, space: LabelSpace) -> list[str | None]:
        """Class names of rows in another space (`rows` needs corpus, raw_label and label)."""
        columns = (rows[name].to_pylist() for name in ("corpus", "raw_label", "label"))
        return [classify(space, *cells) for cells in zip(*columns, strict=True)]

    def rows_of(self, shard: Shard, names: list[str]) -> pa.Table:
        """Some columns of one shard, as they are in the file.

        Raises:
            StoreError: it is missing or unreadable, or not a shard of this corpus.
        """
        table = _read(shard.path, names, SHARD_SCHEMA)
        if not is_of(table, shard.corpus):
            raise StoreError(f"{shard.path} has rows of another corpus than {shard.corpus}: build it again")
        return table


def open_store(store: str | Path | Store) -> Store:
    """Open a store in a folder, or at a URL such as `s3://bucket/store`; one that is open is given back.

    Raises:
        RemoteError: the URL cannot be reached.
        StoreError: there is no store, its first build has not finished, or a newer merdata wrote it.
    """
    if isinstance(store, Store):
        return store
    path = place(store)
    manifest = read_manifest(path)
    if manifest is None:
        raise StoreError(
            f"{path} is not a store: it has no {MANIFEST}. "
            f"Make one with `merdata build --corpus NAME --store {path}`"
        )
    return Store(path, manifest)


def read_audio(path: str | Path) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Ids and samples (float32 mono 16 kHz in [-1, 1)) of a shard, one row group in memory at a time."""
    with open_table(place(path)) as file:
        for group in range(file.num_row_groups):
            rows = read_group(file, group, ["id", "audio"])
            try:
                wavs = wavs_of(rows)
            except pa.ArrowException as error:
                raise StoreError(f"{path} is damaged: run `merdata build` again") from error
            for id, wav in zip(rows["id"].to_pylist(), wavs.to_pylist(), strict=True):
                yield id, read_wav(wav)


def wavs_of(rows: pa.Table) -> pa.Array:
    """The bytes of rows' WAVs.

    Raises:
        pa.ArrowException: their column `audio` holds something else.
    """
    import pyarrow.compute as pc

    return pc.struct_field(rows["audio"].combine_chunks(), "bytes")


def check_shard(shard: Shard) -> None:
    """Fail if a shard would unpack to more memory than a shard takes, before other libraries read it.

    Raises:
        StoreError: it would, or it cannot be read.
    """
    try:
        with open_table(shard.path) as file:
            check_groups(file)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{shard.path} is damaged ({cut(error)}): run `merdata build` again") from error


def parquet_bytes(table: pa.Table) -> bytes:
    """A small table as the bytes of a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def is_of(rows: pa.Table, corpus: str) -> bool:
    """Whether rows have ids and names of a corpus, as far as these columns are there."""
    import pyarrow.compute as pc

    tests = []
    if "id" in rows.column_names:
        tests.append(pc.starts_with(rows["id"], f"{corpus}/"))
    if "corpus" in rows.column_names:
        tests.append(pc.equal(rows["corpus"], corpus))
    return all(pc.all(test, min_count=0).as_py() for test in tests)


def _listed(corpora: Iterable[str]) -> list[str]:
    """The names; a single one may stand without its list."""
    return [corpora] if isinstance(corpora, str) else list(corpora)


def _read(path: Path, columns: Sequence[str] | None, schema: pa.Schema) -> pa.Table:
    """Some columns of a table, each of the type that it has in `schema`."""
    try:
        table = read_table(path, columns)
        check_columns(table, schema)
    except FileNotFoundError as error:
        raise StoreError(
            f"{path} is missing: open the store again if it was just rebuilt, else run `merdata build` again"
        ) from error
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{path} is damaged ({cut(error)}): run `merdata build` again") from error
    return table
