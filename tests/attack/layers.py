"""Hostile layers of transcripts: as in `tests.attack.stores`, one thing of a good one is harmed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import merdata
from tests.attack.drive import Scene, Words
from tests.attack.stores import Harm, Hostile, bomb, hostile, other_column
from tests.merdata.asr.laid import lay

LAYERS: dict[str, Hostile] = {}


def make_layers(scene: Scene) -> Scene:
    """A copy of the store of a scene, with a layer `asr/x` that hears every text."""
    store = merdata.open_store(shutil.copytree(scene.store, scene.folder / "layered" / "store"))
    lay(store, "x", dict(zip(*store.rows(["id", "text"]).to_pydict().values(), strict=True)))
    return Scene(scene.folder, scene.corpus, store.path)


def on_layers(_scene: Scene, store: Path, _out: Path) -> dict[str, Words]:
    """A command that reads a layer, and one that must not mind it."""
    return {"audit": ["audit", store, "--layer", "asr/x"], "verify": ["verify", store, "--jobs", 0]}


def _file(store: Path) -> Path:
    return sorted((store / "layers" / "asr" / "x" / "tess").iterdir())[0]


def _column(name: str, make: Callable[[pa.Table], Any], **options: Any) -> Harm:
    def harm(store: Path, _: Path) -> None:
        table = pq.read_table(_file(store))
        pq.write_table(other_column(table, name, make(table)), _file(store), **options)

    return harm


def _header(header: Callable[[dict[str, Any]], bytes | None]) -> Harm:
    def harm(store: Path, _: Path) -> None:
        table = pq.read_table(_file(store))
        made = header(json.loads(table.schema.metadata[b"merdata"]))
        pq.write_table(
            table.replace_schema_metadata(None if made is None else {"merdata": made}), _file(store)
        )

    return harm


def _changed(edit: Callable[[dict[str, Any]], object]) -> Harm:
    def change(header: dict[str, Any]) -> bytes:
        edit(header)
        return json.dumps(header).encode()

    return _header(change)


def _bytes(store: Path, _: Path) -> None:
    _file(store).write_bytes(b"PAR1" + bytes(1000) + b"PAR1")


def _without_text(store: Path, _: Path) -> None:
    pq.write_table(pq.read_table(_file(store)).drop_columns(["text"]), _file(store))


def _filled(value: Any, kind: pa.DataType) -> Callable[[pa.Table], pa.Array]:
    return lambda table: pa.array([value] * len(table), kind)


def _enter() -> None:
    strings, floats = pa.string(), pa.float32()
    harms = {
        "not Parquet": _bytes,
        "without its texts": _without_text,
        "unpacks to gigabytes": _column("text", lambda table: bomb(len(table)), compression="zstd"),
        "texts that are null": _column("text", _filled(None, strings)),
        "texts that are numbers": _column("text", _filled(7, pa.int64())),
        "ids of other rows": _column("id", _filled("tess/../secret", strings)),
        "ids in another order": _column(
            "id", lambda table: table["id"].take(pa.array(range(len(table)))[::-1])
        ),
        "ids that are null": _column("id", _filled(None, strings)),
        "a confidence of 7": _column("confidence", _filled(7.0, floats)),
        "a confidence of NaN": _column("confidence", _filled(float("nan"), floats)),
        "a pace below zero": _column("words_per_second", _filled(-1.0, floats)),
        "likelihoods of nothing": _column("likelihoods", _filled([-1.0], pa.list_(floats))),
        "a likelihood of NaN": _two_columns(["a"], [float("nan")]),
        "a candidate that is null": _two_columns([None], [-1.0]),
        "no header": _header(lambda _: None),
        "a header that is not JSON": _header(lambda _: b"{'layer': 1}"),
        "a header nested 100,000 deep": _header(lambda _: b"[" * 100_000),
        "a header of other types": _changed(lambda header: header.update(layer=[7])),
        "a hash that is none": _changed(lambda header: header.update(shard="0" * 63)),
        "a hash of another shard": _changed(lambda header: header.update(shard="0" * 64)),
        "half of another model": _changed(lambda header: header["layer"].update(model="\x1b[31mother")),
    }
    for name, harm in harms.items():
        hostile(f"layer: {name}", refused=False, table=LAYERS)(harm)


def _two_columns(candidates: list[str | None], likelihoods: list[float]) -> Harm:
    def harm(store: Path, outside: Path) -> None:
        _column("candidates", _filled(candidates, pa.list_(pa.string())))(store, outside)
        _column("likelihoods", _filled(likelihoods, pa.list_(pa.float32())))(store, outside)

    return harm


_enter()


@hostile("link: a layer", table=LAYERS)
def _(store: Path, outside: Path) -> None:
    path = _file(store)
    path.unlink()
    path.symlink_to(outside / "secret.parquet")
