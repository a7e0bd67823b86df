"""Readers of every kind while a store is rebuilt, split, given cards: `python -m tests.crash.readers [N]`.

Five processes of each kind read in a loop. What each reading sees must be one of the two states, with all its
rows and the labels of one policy. The readers called `open store` read three times from one opened store. A
process may read by several kinds in turn (`verify, streaming`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import merdata
from merdata.card.full import write_card
from merdata.corpora.miniature import write_corpus
from merdata.labels import label_space

POLICIES = {"surprise": [], "joy": ["ps=joy"]}  # the same rows, other labels
ROOT = Path(__file__).parents[2]


def _labels(values: list[Any]) -> str:
    """What a reader saw, in a form to compare."""
    return json.dumps(sorted(Counter(map(str, values)).items()))


def _by_datasets(store: str) -> str:
    from datasets import load_dataset

    rows = load_dataset(store, split="train").remove_columns("audio")
    return _labels([rows.features["label"].int2str(label) for label in rows["label"]])


def _by_streaming(store: str) -> str:
    from datasets import Audio, load_dataset

    rows = load_dataset(store, split="train", streaming=True).cast_column("audio", Audio(decode=False))
    return _labels([label_space("mer7").classes[row["label"]] for row in rows])


def _by_merdata(store: str) -> str:
    parts = merdata.load(store, protocol="all", decode=False)
    (rows,) = parts.values()
    return _labels([rows.features["label"].int2str(label) for label in rows["label"]])


def _by_open_store(store: str) -> str:
    opened = merdata.open_store(store)
    seen = set()
    for _ in range(3):
        splits = merdata.load_protocol(opened, "all").splits()
        tables = [
            opened.rows_of(shard, ["id", "label"]) for shard in opened.shards()
        ]  # from their files again
        rows = [row for table in tables for row in table.to_pylist()]
        assert {row["id"] for row in rows} == set(splits)
        assert all(len(opened.ledger(corpus)) == len(rows) for corpus in opened.corpora)
        seen.add(_labels([opened.space.classes[row["label"]] for row in rows]))
    assert len(seen) == 1, "one open store told two states"
    return seen.pop()


def _by_verify(store: str) -> str:
    faults = merdata.verify(store, jobs=0).faults
    assert not faults, faults
    return ""


READERS: dict[str, Callable[[str], str]] = {
    "load_dataset": _by_datasets,
    "streaming": _by_streaming,
    "merdata.load": _by_merdata,
    "open store": _by_open_store,
    "verify": _by_verify,
}


def read_until(kind: str, store: str, end: Path) -> None:
    """Read until a file appears; print what was seen, and every error."""
    seen: Counter[str] = Counter()
    errors: list[str] = []
    while not end.exists():
        for one in kind.split(", "):
            try:
                seen[READERS[one](store)] += 1
            except Exception as error:
                errors.append(f"{one}: {type(error).__name__}: {error}")
        print("read", flush=True)
    print(json.dumps({"seen": seen, "errors": errors}), flush=True)


def _reader(kind: str, store: Path, end: Path, cache: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"HF_HOME": str(cache), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    environment |= {"HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "OMP_NUM_THREADS": "1"}
    environment["USE_TORCH"] = "0"  # which datasets would import for seconds, to stream
    command = [sys.executable, "-m", "tests.crash.readers", "--read", kind, str(store), str(end)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def change(corpus: Path, store: Path, number: int) -> None:
    """One change of the store: a rebuild under the other policy, a split or a card, in turn."""
    if number % 3 == 0:
        policy = list(POLICIES.values())[number // 3 % 2]
        merdata.build(["tess"], corpus, store, policy=policy, jobs=0)
    elif number % 3 == 1:
        merdata.split(store, "random", number, name="mine")
    else:
        write_card(store)


def disturbed_readers(
    folder: Path, changes: int, each: int, kinds: list[str]
) -> dict[str, tuple[int, list[str]]]:
    """How many readings of each kind there were while a store was changed, and what was wrong with them."""
    corpus, store, end = folder / "corpora" / "tess", folder / "store", folder / "end"
    states = set()
    for policy in POLICIES.values():
        merdata.build(["tess"], corpus, store, policy=policy, jobs=0)
        states.add(_by_open_labels(store))
    _keep_all_in_train(store)
    for number in (1, 2):  # imports for seconds, in which the readers would only see the same store
        change(corpus, store, number)
    readers = {
        kind: [
            _reader(kind, store, end, folder / f"cache-{kind.replace(' ', '-')}-{number}")
            for number in range(each)
        ]
        for kind in kinds
    }
    for process in (process for own in readers.values() for process in own):
        assert process.stdout is not None
        process.stdout.readline()  # it has imported what it needs, and read once
    for number in range(changes):
        change(corpus, store, number)
    end.touch()
    return {kind: _found([_told(process) for process in own], states) for kind, own in readers.items()}


def _by_open_labels(store: Path) -> str:
    return _labels(merdata.open_store(store).rows(["label"])["label"].to_pylist())


def _keep_all_in_train(store: Path) -> None:
    """A protocol that no change of labels touches; `load_dataset` reads the shards of train without one."""
    from merdata.store.keep import keep_protocol
    from merdata.store.protocol import rows_hash
    from tests.merdata.protocols import make_protocol

    opened = merdata.open_store(store)
    ids = [id for ids in opened.ids.values() for id in ids]
    facts = {"kind": "all", "corpora": ["tess"], "rows": rows_hash(opened, ["tess"])}
    facts |= {"claims": {}, "notes": [], "speaker_dependent": []}
    keep_protocol(opened, make_protocol("all", dict.fromkeys(ids, "train"), facts))


def _told(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, errors = process.communicate(timeout=300)
    last = out.strip().splitlines()[-1] if out.strip() else ""
    if process.returncode or not last.startswith("{"):
        return {"seen": {}, "errors": [f"the reader ended with {process.returncode}: {errors[-500:]}"]}
    told: dict[str, Any] = json.loads(last)
    return told


def _found(told: list[dict[str, Any]], states: set[str]) -> tuple[int, list[str]]:
    readings = sum(sum(reader["seen"].values()) + len(reader["errors"]) for reader in told)
    wrong = [error for reader in told for error in reader["errors"]]
    wrong += [
        f"neither the old store nor the new one: {seen}"
        for reader in told
        for seen in reader["seen"]
        if seen and seen not in states
    ]
    return readings, wrong


def main(changes: int, each: int = 5) -> int:
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        write_corpus("tess", Path(name) / "corpora" / "tess")
        began = time.monotonic()
        found = disturbed_readers(Path(name), changes, each, list(READERS))
        seconds = time.monotonic() - began
    for kind, (readings, wrong) in found.items():
        told = f"{len(wrong)} errors of {readings} readings"
        print(f"| {each} readers by {kind}, {changes} changes, {seconds:.0f} s | {told} |")
        for error, times in Counter(wrong).most_common(5):
            print(f"{times} times: {error}")
        failures += len(wrong)
    return failures


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        read_until(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
    else:
        sys.exit(min(1, main(int(sys.argv[1]) if len(sys.argv) > 1 else 150)))
