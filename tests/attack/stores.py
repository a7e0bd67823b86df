"""Hostile stores: each begins as a good one, and one thing in it is made by somebody who means harm.

A function of the table gets the store and the watched folder beside it, `outside`, which holds
`secret.txt`, `secret.parquet` and a folder `precious` with a Parquet file.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from merdata.io.files import file_sha256, json_text
from merdata.store.manifest import hashed_name, sealed

Harm = Callable[[Path, Path], None]
Edit = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Hostile:
    """A way to make a store hostile.

    Attributes:
        harm: does it.
        refused: whether every command must refuse it; else only those that read what was changed, and the
            others must be as ever.
    """

    harm: Harm
    refused: bool


STORES: dict[str, Hostile] = {}


def hostile(name: str, *, refused: bool = True, table: dict[str, Hostile] = STORES) -> Callable[[Harm], Harm]:
    def enter(harm: Harm) -> Harm:
        assert name not in table
        table[name] = Hostile(harm, refused)
        return harm

    return enter


def outside_folder(folder: Path) -> Path:
    """The watched folder, with what an attacker would like to read or to delete."""
    (folder / "precious").mkdir(parents=True)
    (folder / "secret.txt").write_text("the secret of somebody else")
    for path in (folder / "secret.parquet", folder / "precious" / "only-copy.parquet"):
        pq.write_table(pa.table({"id": ["secret"]}), path)
    return folder


def reseal(store: Path, edit: Edit) -> None:
    """Change merdata.json and give it the digest that belongs to it."""
    manifest = json.loads((store / "merdata.json").read_text("utf-8"))
    edit(manifest)
    (store / "merdata.json").write_text(json_text(sealed(manifest)), "utf-8")  # type: ignore[arg-type]


def rename_key(mapping: dict[str, Any], new: str) -> None:
    mapping[new] = mapping.pop(next(iter(mapping)))


def first_shard(manifest: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = next(iter(manifest["shards"]["tess"].values()))
    return facts


# merdata.json whose names become paths
UP = "../../outside"
PATHS: dict[str, Edit] = {
    "corpus ../": lambda m: (
        rename_key(m["corpora"], f"{UP}/precious"),
        rename_key(m["shards"], f"{UP}/precious"),
    ),
    "corpus ..": lambda m: (rename_key(m["corpora"], ".."), rename_key(m["shards"], "..")),
    "corpus of an absolute path": lambda m: (
        rename_key(m["corpora"], "/etc"),
        rename_key(m["shards"], "/etc"),
    ),
    "corpus without a name": lambda m: (rename_key(m["corpora"], ""), rename_key(m["shards"], "")),
    "corpus with a line end": lambda m: (
        rename_key(m["corpora"], "tess\n"),
        rename_key(m["shards"], "tess\n"),
    ),
    "corpus of 5,000 letters": lambda m: (
        rename_key(m["corpora"], "a" * 5000),
        rename_key(m["shards"], "a" * 5000),
    ),
    "shards of a corpus that is not there": lambda m: m["shards"].update(precious={}),
    "shard ../": lambda m: rename_key(m["shards"]["tess"], f"../{UP}/secret"),
    "shard file ../": lambda m: first_shard(m).update(file=f"../{UP}/secret.parquet"),
    "shard file of an absolute path": lambda m: first_shard(m).update(file="/etc/passwd"),
    "shard file with a zero byte": lambda m: first_shard(m).update(file="a\0-0123456789ab.parquet"),
    "ledger ../": lambda m: m["corpora"]["tess"].update(ledger=f"{UP}/secret.parquet"),
    "ledger notes.txt": lambda m: m["corpora"]["tess"].update(ledger="notes.txt"),
    "file ../": lambda m: m["files"].update({f"{UP}/secret.txt": "0" * 64}),
    "file /dev/zero": lambda m: m["files"].update({"/dev/zero": "0" * 64}),
    "file splits/../": lambda m: m["files"].update({f"splits/../{UP}/secret.parquet": "0" * 64}),
    "file .env": lambda m: m["files"].update({".env": "0" * 64}),
}
# merdata.json of the wrong types
TYPES: dict[str, Edit] = {
    "corpora a list": lambda m: m.update(corpora=[]),
    "shards a string": lambda m: m.update(shards="tess"),
    "shards of null": lambda m: m["shards"].update(tess=None),
    "files a list": lambda m: m.update(files=["README.md"]),
    "no space": lambda m: m.pop("space"),
    "no counts": lambda m: m["corpora"]["tess"].pop("counts"),
    "no stored rows": lambda m: m["corpora"]["tess"]["counts"].pop("stored"),
    "a space that nobody knows": lambda m: m.update(space="mer99"),
    "classes of numbers": lambda m: m.update(classes=[1, 2, 3]),
    "a title that is a list": lambda m: m["corpora"]["tess"].update(title=["x"]),
    "languages a number": lambda m: m["corpora"]["tess"].update(languages=7),
    "rows a string": lambda m: first_shard(m).update(rows="70"),
    "rows negative": lambda m: first_shard(m).update(rows=-1),
    "rows without end": lambda m: first_shard(m).update(rows=10**60),
    "rows true": lambda m: first_shard(m).update(rows=True),
    "a hash that is none": lambda m: first_shard(m).update(sha256="0" * 63),
    "a hash that is null": lambda m: first_shard(m).update(sha256=None),
    "seconds NaN": lambda m: m["corpora"]["tess"]["counts"].update(seconds=float("nan")),
    "seconds Infinity": lambda m: m["corpora"]["tess"]["counts"].update(seconds=float("inf")),
    "format true": lambda m: m.update(format=True),
    "format a string": lambda m: m.update(format="2"),
    "format of tomorrow": lambda m: m.update(format=10**30),
}
# merdata.json as bytes
BYTES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "not JSON": lambda _: b"{'format': 2}",
    "a list": lambda _: b"[]",
    "null": lambda _: b"null",
    "cut": lambda data: data[: len(data) // 2],
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "zero bytes": lambda _: bytes(1000),
    "100,000 brackets": lambda _: b'{"format": 2, "corpora": ' + b"[" * 100_000,
    "nested 900 deep": lambda _: b'{"format": 2, "x": ' + b"[" * 900 + b"]" * 900 + b"}",
    "a number of 10,000 digits": lambda _: b'{"format": ' + b"1" * 10_000 + b"}",
    "65 MB": lambda data: data + b" " * (65 << 20),
    "a key twice": lambda data: data.replace(b'"format": 2', b'"format": 2,\n "format": 2'),
    "a letter that is half a pair": lambda data: data.replace(b'"mer7"', b'"\\ud800"'),
    "other bytes under the digest": lambda data: data.replace(b'"domain": "acted"', b'"domain": "actex"'),
}


def _enter_manifests() -> None:
    def edited(edit: Edit) -> Harm:
        return lambda store, _: reseal(store, edit)

    def rewritten(change: Callable[[bytes], bytes]) -> Harm:
        def harm(store: Path, _: Path) -> None:
            path = store / "merdata.json"
            path.write_bytes(change(path.read_bytes()))

        return harm

    for name, edit in (PATHS | TYPES).items():
        hostile(f"manifest: {name}")(edited(edit))
    for name, change in BYTES.items():
        hostile(f"manifest: {name}")(rewritten(change))


_enter_manifests()


# links and pipes below the store
LINKS = {
    "data/tess": "precious",
    "data": ".",
    ".build": "precious",
    ".build/journal": "precious",
    ".build/data": "precious",
    ".build/lock": "secret.txt",
    ".build/seen.json": "secret.txt",
    ".build/push": "precious",
    ".cache": "precious",
    "ledger": "precious",
    "splits": "precious",
    "splits/mer.parquet": "secret.parquet",
    "splits/more.parquet": "secret.parquet",
    "figures": "precious",
    "layers": "precious",
    "merdata.json": "secret.txt",
    "README.md": "secret.txt",
    "LICENSE.md": "secret.txt",
}


def _enter_links() -> None:
    def linked(name: str, target: str) -> Harm:
        def harm(store: Path, outside: Path) -> None:
            path = store / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)
            path.symlink_to(outside / target)

        return harm

    for name, target in LINKS.items():
        hostile(f"link: {name}")(linked(name, target))


_enter_links()


def shards(store: Path) -> list[Path]:
    return sorted((store / "data" / "tess").glob("*.parquet"))


@hostile("link: a shard")
def _(store: Path, outside: Path) -> None:
    shards(store)[0].unlink()
    shards(store)[0].with_name("OAF-0123456789ab.parquet").symlink_to(outside / "secret.parquet")


@hostile("link: a ledger")
def _(store: Path, outside: Path) -> None:
    ledger = next((store / "ledger").iterdir())
    ledger.unlink()
    ledger.symlink_to(outside / "secret.parquet")


@hostile("link: to itself")
def _(store: Path, _: Path) -> None:
    ledger = next((store / "ledger").iterdir())
    ledger.unlink()
    ledger.symlink_to(ledger)


@hostile("pipe: merdata.json")
def _(store: Path, _: Path) -> None:
    (store / "merdata.json").unlink()
    os.mkfifo(store / "merdata.json")


@hostile("pipe: a shard")
def _(store: Path, _: Path) -> None:
    path = shards(store)[0]
    path.unlink()
    os.mkfifo(path)


@hostile("pipe: the journal of a shard")
def _(store: Path, _: Path) -> None:
    path = next((store / ".build" / "journal" / "tess").iterdir())
    path.unlink()
    os.mkfifo(path)


# tables: good names and hashes, and other content
def replace_shard(store: Path, table: pa.Table, **options: Any) -> None:
    """Another first shard, under the name and in merdata.json with the hash that belong to it."""
    old = shards(store)[0]
    name = old.name.rpartition("-")[0]
    pq.write_table(table, old, **options)
    sha256 = file_sha256(old)
    new = old.rename(old.with_name(hashed_name(name, sha256)))
    facts = {"sha256": sha256, "bytes": new.stat().st_size, "rows": len(table), "file": new.name}
    reseal(store, lambda m: m["shards"]["tess"].update({name: facts}))


def replace_ledger(store: Path, table: pa.Table, **options: Any) -> None:
    old = next((store / "ledger").iterdir())
    pq.write_table(table, old, **options)
    sha256 = file_sha256(old)
    new = old.rename(old.with_name(hashed_name("tess", sha256)))

    def edit(manifest: dict[str, Any]) -> None:
        del manifest["files"][f"ledger/{old.name}"]
        manifest["files"][f"ledger/{new.name}"] = sha256
        manifest["corpora"]["tess"]["ledger"] = new.name

    reseal(store, edit)


def replace_split(store: Path, table: pa.Table, **options: Any) -> None:
    path = store / "splits" / "mer.parquet"
    pq.write_table(table, path, **options)
    reseal(store, lambda m: m["files"].update({"splits/mer.parquet": file_sha256(path)}))


def other_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    position = table.schema.get_field_index(name)
    return table.set_column(position, name, values)


def bomb(rows: int) -> pa.Array:
    """Gigabytes of text in a few bytes: one value of 50 MB, again and again."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * 50_000_000]))


@hostile("shard: unpacks to gigabytes", refused=False)
def _(store: Path, _: Path) -> None:
    table = pq.read_table(shards(store)[0])
    replace_shard(store, other_column(table, "text", bomb(len(table))), compression="zstd")


@hostile("shard: one cell of 60 megabytes", refused=False)
def _(store: Path, _: Path) -> None:
    table = pq.read_table(shards(store)[0])
    cells = pa.array(["x" * 60_000_000, *[""] * (len(table) - 1)])
    replace_shard(store, other_column(table, "text", cells), compression="zstd", use_dictionary=False)


@hostile("shard: not Parquet", refused=False)
def _(store: Path, _: Path) -> None:
    path = shards(store)[0]
    path.write_bytes(b"PAR1" + bytes(1000) + b"PAR1")


@hostile("shard: labels that are no classes", refused=False)
def _(store: Path, _: Path) -> None:
    table = pq.read_table(shards(store)[0])
    replace_shard(store, other_column(table, "label", pa.array([1000] * len(table), pa.int64())))


@hostile("shard: labels that are texts", refused=False)
def _(store: Path, _: Path) -> None:
    table = pq.read_table(shards(store)[0])
    replace_shard(store, other_column(table, "label", pa.array(["joy"] * len(table))))


@hostile("shard: rows without id", refused=False)
def _(store: Path, _: Path) -> None:
    table = pq.read_table(shards(store)[0])
    replace_shard(store, other_column(table, "id", pa.array([None] * len(table), pa.string())))


@hostile("shard: rows of another corpus", refused=False)
def _(store: Path, _: Path) -> None:
    table = pq.read_table(shards(store)[0])
    replace_shard(store, other_column(table, "corpus", pa.array(["iemocap"] * len(table))))


@hostile("shard: without its columns", refused=False)
def _(store: Path, _: Path) -> None:
    replace_shard(store, pq.read_table(shards(store)[0]).select(["id", "corpus"]))


@hostile("shard: audio that is a text", refused=False)
def _(store: Path, _: Path) -> None:
    table = pq.read_table(shards(store)[0])
    replace_shard(store, other_column(table, "audio", pa.array(["x"] * len(table))))


@hostile("ledger: unpacks to gigabytes", refused=False)
def _(store: Path, _: Path) -> None:
    table = pq.read_table(next((store / "ledger").iterdir()))
    replace_ledger(store, other_column(table, "detail", bomb(len(table))), compression="zstd")


@hostile("ledger: states that are numbers", refused=False)
def _(store: Path, _: Path) -> None:
    table = pq.read_table(next((store / "ledger").iterdir()))
    replace_ledger(store, other_column(table, "state", pa.array([1] * len(table))))


@hostile("ledger: other columns", refused=False)
def _(store: Path, _: Path) -> None:
    replace_ledger(store, pa.table({"secret": ["x"]}))


def _split(store: Path) -> pa.Table:
    return pq.read_table(store / "splits" / "mer.parquet")


@hostile("split: unpacks to gigabytes", refused=False)
def _(store: Path, _: Path) -> None:
    table = _split(store)
    replace_split(store, other_column(table, "id", bomb(len(table))), compression="zstd")


@hostile("split: a split that nobody knows", refused=False)
def _(store: Path, _: Path) -> None:
    table = _split(store)
    replace_split(store, other_column(table, "split", pa.array(["../train"] * len(table))))


@hostile("split: rows without id", refused=False)
def _(store: Path, _: Path) -> None:
    table = _split(store)
    replace_split(store, other_column(table, "id", pa.array([None] * len(table), pa.string())))


@hostile("split: thousands of folds", refused=False)
def _(store: Path, _: Path) -> None:
    table = _split(store).slice(0, 1)
    folds = pa.array(range(5_000), pa.int32())
    replace_split(store, other_column(table.take(pa.array([0] * 5_000)), "fold", folds))


@hostile("shard: a page whose size lies", refused=False)
def _(store: Path, _: Path) -> None:
    """The header of the first page follows `PAR1`: 0x15, its type, 0x15, and its size in several bytes."""
    path = shards(store)[0]
    data = bytearray(path.read_bytes())
    assert (data[4], data[6]) == (0x15, 0x15)
    at = 7
    while data[at] & 0x80:
        data[at] = 0xFF
        at += 1
    data[at] = 0x7E  # as large as it can be in so many bytes
    old = path.name.rpartition("-")[0]
    path.write_bytes(data)
    sha256 = file_sha256(path)
    new = path.rename(path.with_name(hashed_name(old, sha256)))
    facts = {"sha256": sha256, "bytes": new.stat().st_size, "file": new.name}
    reseal(store, lambda m: m["shards"]["tess"][old].update(facts))


def _with_facts(store: Path, **facts: bytes) -> None:
    table = _split(store)
    known = {name.decode(): value for name, value in table.schema.metadata.items()}
    replace_split(store, table.replace_schema_metadata(known | facts))


@hostile("split: no facts", refused=False)
def _(store: Path, _: Path) -> None:
    replace_split(store, _split(store).replace_schema_metadata(None))


@hostile("split: facts nested 100,000 deep", refused=False)
def _(store: Path, _: Path) -> None:
    _with_facts(store, properties=b"[" * 100_000)


@hostile("split: facts of other types", refused=False)
def _(store: Path, _: Path) -> None:
    _with_facts(store, properties=b'{"corpora": 7, "claims": ["x"], "fold_names": null}')


@hostile("split: corpora ../", refused=False)
def _(store: Path, _: Path) -> None:
    _with_facts(store, properties=b'{"corpora": ["../../outside/precious"], "rows": "", "claims": {}}')


# working files of a build
def _json(store: Path, name: str, value: object) -> None:
    (store / ".build").mkdir(exist_ok=True)
    (store / ".build" / name).write_text(json.dumps(value))


@hostile("change.json: names outside", refused=False)
def _(store: Path, _: Path) -> None:
    _json(store, "change.json", {f"{UP}/secret.txt": ["0" * 64], "../outside/secret.parquet": ["0" * 64]})


@hostile("retired.json: names outside", refused=False)
def _(store: Path, _: Path) -> None:
    names = ("../outside/secret.txt", "data/tess/../../../outside/precious/only-copy.parquet")
    _json(store, "retired.json", dict.fromkeys(names, 0.0))


@hostile("seen.json: other types", refused=False)
def _(store: Path, _: Path) -> None:
    _json(store, "seen.json", {"format": 1, "corpora": {"tess": {"shards": "x"}}, "outdated": {"mer": 7}})


@hostile("journal: a hash that leads outside", refused=False)
def _(store: Path, _: Path) -> None:
    for path in (store / ".build" / "journal" / "tess").iterdir():
        table = pq.read_table(path)
        facts = {name.decode(): value for name, value in table.schema.metadata.items()}
        facts |= {"sha256": b"../../../../outside/secret", "key": b"x"}
        pq.write_table(table.replace_schema_metadata(facts), path)
