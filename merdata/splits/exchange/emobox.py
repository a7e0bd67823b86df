"""EmoBox's folds: read from a checkout, and written in the same layout (github.com/emo-box/EmoBox).

<root>/data/<corpus>/fold_<k>/<corpus>_{train,valid,test}_fold_<k>.jsonl has a JSON object on each line, with
key, wav and emo. Most corpora have no valid file, and a partial clone may lack the large train files. Each
corpus states what EmoBox's preprocessing (EmoBox/preprocess/scripts) calls its rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from merdata.corpora.corpus import Key, StoredRow, name_of
from merdata.errors import SplitError
from merdata.io.files import write_text
from merdata.splits.exchange.entry import Entry, OurRow, key_of, read_json, stem
from merdata.store.protocol import TEST, TRAIN, VALIDATION, Protocol
from merdata.store.store import Store
from merdata.utterance import SAMPLE_RATE

NAME = "emobox"
PARTS = {TRAIN: "train", VALIDATION: "valid", TEST: "test"}
COLUMNS = ("id", "corpus", "speaker", "raw_label", "label", "seconds", "source")


def read_folds(corpus: str, root: Path) -> Iterator[Entry]:
    """The entries of EmoBox's folds of a corpus.

    Raises:
        SplitError: there are none below `root`, or a file of them is unreadable.
    """
    folder = next((at for at in (root / "data" / corpus, root / corpus) if at.is_dir()), root)
    numbers = sorted(int(at.name[5:]) for at in folder.glob("fold_*") if at.name[5:].isdigit())
    if not numbers:
        raise SplitError(f"{root} has no data/{corpus}/fold_1: --root is a checkout of EmoBox")
    for number in numbers:
        at = folder / f"fold_{number}"
        names = {split: f"{corpus}_{part}_fold_{number}.jsonl" for split, part in PARTS.items()}
        there = {split: path for split, name in names.items() if (path := _file(at, name))}
        if not there:
            raise SplitError(f"{at} has none of {', '.join(names.values())}")
        for split, path in there.items():
            yield from (Entry(number, split, key, wav) for key, wav in _rows(path))


def _file(folder: Path, name: str) -> Path | None:
    """A list by its present name, or by that of an older checkout (`fold1`)."""
    paths = (folder / name, folder / re.sub(r"fold_(\d+)", r"fold\1", name))
    return next((path for path in paths if path.is_file()), None)


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    """Key and path of each row; an older checkout calls the path `audio`."""
    older = any("audio" in line for line in read_json(path, lines=True) if isinstance(line, dict))
    yield from _cells(path, "key", "audio" if older else "wav")


def read_track2(corpus: str, root: Path) -> Iterator[Entry]:
    """The entries of EmoBox's balanced test set of a corpus, for cross-corpus tests (track 2).

    Raises:
        SplitError: there is none below `root`, or it is unreadable.
    """
    path = root / "data" / "track2" / f"{corpus.upper()}_selected_balenced.jsonl"  # their spelling
    for wav, speaker in _cells(path, "wav_filename", "speaker"):
        yield Entry(1, TEST, f"{stem(wav)} {speaker}", wav)


def write_folds(store: Store, protocol: Protocol, out: Path) -> list[Path]:
    """Write a protocol in EmoBox's layout, each corpus into a folder of its own.

    Returns:
        The files.

    Raises:
        StoreError: the store cannot be read, or `out` cannot be written.
    """
    rows = store.rows(COLUMNS, protocol.properties["corpora"]).select(COLUMNS).to_pandas()
    placed = protocol.table.to_pandas().merge(rows, on="id")
    written = []
    for corpus, own in placed.groupby("corpus"):
        folder = out / "data" / str(corpus)
        key, rates = key_of(NAME, str(corpus), partial(_usual_key, str(corpus))), _rates(store, str(corpus))
        lines = {row.id: json.dumps(_line(row, key, rates), ensure_ascii=False) for row in own.itertuples()}
        for (number, split), part in own.groupby(["fold", "split"]):
            name = f"{corpus}_{PARTS[str(split)]}_fold_{number or 1}.jsonl"
            written.append(folder / f"fold_{number or 1}" / name)
            write_text(written[-1], "".join(f"{lines[id]}\n" for id in part["id"]))
        known = own.dropna(subset=["label"]).drop_duplicates("raw_label").sort_values("raw_label")
        written.append(folder / "label_map.json")
        labels = {
            raw: str(label).capitalize()
            for raw, label in zip(known["raw_label"], known["label"], strict=True)
        }
        write_text(written[-1], json.dumps(labels, indent=4) + "\n")
    return written


def _usual_key(corpus: str, row: StoredRow) -> str:
    """What a row of a corpus is called for which EmoBox has no name."""
    return f"{corpus}-{name_of(row)}"


def _line(row: OurRow, key: Key, rates: dict[str, int]) -> dict[str, Any]:
    rate = rates.get(row.id) or SAMPLE_RATE
    return {
        "key": key(row),
        "dataset": row.corpus,
        "wav": f"downloads/{row.corpus}/{row.source}",
        "type": "raw",
        "sample_rate": rate,
        "num_frame": round(row.seconds * rate),
        "task": "category",
        "length": row.seconds,
        "emo": row.raw_label,
        "channel": 1,
    }


def _rates(store: Store, corpus: str) -> dict[str, int]:
    ledger = store.ledger(corpus, ["id", "source_rate"])
    return dict(zip(ledger["id"].to_pylist(), ledger["source_rate"].to_pylist(), strict=True))


def _cells(path: Path, one: str, other: str) -> Iterator[tuple[str, str]]:
    try:
        yield from [(str(line[one]), str(line[other])) for line in read_json(path, lines=True)]
    except (KeyError, TypeError) as error:
        raise SplitError(f"{path}: a line lacks {error}") from error
