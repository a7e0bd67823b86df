"""Hostile lists: a table of files and splits that somebody wrote, as `tests.attack.stores` has stores.

A list is `list.csv`, or of another ending, beside a good store, in the folder that a function gets.
"""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.attack.drive import Scene, Words
from tests.attack.stores import Harm, Hostile, bomb, hostile

LISTS: dict[str, Hostile] = {}
ROWS = 14


def make_lists(scene: Scene) -> Scene:
    """A good store with a good list beside it."""
    folder = scene.folder / "lists"
    shutil.copytree(scene.store, folder / "store")
    rows = [f"{path.name},{('train', 'test')[number % 2]}" for number, path in enumerate(_clips(scene))]
    (folder / "list.csv").write_text("\n".join(["file,split", *rows]))
    return Scene(scene.folder, scene.corpus, folder)


def on_lists(scene: Scene, folder: Path, out: Path) -> dict[str, Words]:
    """The commands that read a table of somebody's: as a split, and as a corpus of one's own."""
    file = next(iter(sorted(folder.glob("list.*"))), folder / "list.csv")
    return {
        "split import table": ["split", "import", "table", file, folder / "store", "--corpus", "tess"],
        "split import lists": [
            "split", "import", "table", "--train", file, "--test", file, "--store", folder / "store",
            "--corpus", "tess",
        ],
        "build list": [
            "build", "--corpus", file, "--source", scene.corpus, "--store", out / "store", "--jobs", 0,
        ],
    }  # fmt: skip


def _clips(scene: Scene) -> list[Path]:
    return sorted(scene.corpus.glob("*.wav"))


def _is(name: str, data: bytes) -> Harm:
    def harm(folder: Path, _: Path) -> None:
        (folder / "list.csv").unlink()
        (folder / name).write_bytes(data)

    return harm


def _leads_to(target: str) -> Harm:
    def harm(folder: Path, _: Path) -> None:
        (folder / "list.csv").unlink()
        (folder / "list.csv").symlink_to(target)

    return harm


def _parquet(**columns: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({**columns, "split": ["train"] * ROWS}), stream, compression="zstd")
    return stream.getvalue()


def _enter() -> None:
    for what, name, data in (
        ("empty", "list.csv", b""),
        ("zeros", "list.csv", bytes(100_000)),
        ("a thousand columns", "list.csv", ",".join(f"c{number}" for number in range(1_000)).encode()),
        ("a column twice", "list.csv", b"file,split,split,file\na,train,test,b\n"),
        ("a cell of ten megabytes", "list.csv", b"file,split\n" + b"x" * 10_000_000 + b",train\n"),
        ("a quote that never ends", "list.csv", b'file,split\n"' + b"x" * 100_000),
        ("rows of any length", "list.csv", b"file,split\na,b,c,d\ne\n"),
        ("words of a terminal", "list.csv", b"file,split\n\x1b]0;owned\x07\x1b[2J,train\n"),
        (
            "paths that lead out",
            "list.csv",
            b"file,split\n../../../outside/secret.txt,train\n/etc/passwd,test\n",
        ),
        ("a folder of zeros", "list.csv", b"file,split\n/dev/zero,train\n"),
        ("9,000 folds", "list.csv", _folds(9_000)),
        ("brackets", "list.jsonl", b"[" * 100_000),
        ("objects in objects", "list.json", b'{"file":' * 5_000 + b"1" + b"}" * 5_000),
        ("a key twice", "list.json", b'[{"file": "a", "file": "b", "split": "train"}]'),
        ("a million keys", "list.json", json.dumps({f"k{n}": 1 for n in range(200_000)}).encode()),
        ("a text", "list.json", b'"file"'),
        ("not Parquet", "list.parquet", b"PAR1" + bytes(100) + b"PAR1"),
        ("lists in cells", "list.parquet", _parquet(file=[["a"]] * ROWS)),
        ("unpacks to gigabytes", "list.parquet", _parquet(file=bomb(ROWS))),
        ("a program", "list.py", b"raise SystemExit(7)"),
    ):
        hostile(f"list: {what}", table=LISTS)(_is(name, data))
    for target in ("/dev/zero", "list.csv", "."):
        hostile(f"list: leads to {target}", table=LISTS)(_leads_to(target))


def _folds(number: int) -> bytes:
    rows = [f"a,{('train', 'test')[fold % 2]},{fold}" for fold in range(number)]
    return "\n".join(["file,split,fold", *rows]).encode()


_enter()
