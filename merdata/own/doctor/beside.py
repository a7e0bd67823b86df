"""What lies beside the audio of an unknown folder: tables, texts of the same name; and a few headers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from merdata.audio.decoders import seconds_of
from merdata.corpora.tree import Tree
from merdata.corpora.walk import audio_stem
from merdata.errors import MerdataError
from merdata.own.doctor.guess import meaning
from merdata.own.recordings import COLUMNS
from merdata.own.tables import ENDINGS, TableFile, read_table_file

SHARE = 0.8  # of the audio that must have a text beside it, or a row in a table
HEADERS = 5  # audio files whose header is read
MOST_BYTES = 1 << 26  # of a table that is looked at
MOST_LABELS = 60


@dataclass(frozen=True)
class Beside:
    """What was found.

    Attributes:
        fields: field of the store -> its rule, as YAML.
        table: lines of the key `table`.
        labels: raw labels of the table -> class or None.
        heard: what a few headers say.
        names_rows: whether a table names the rows, so that file names need not.
        doubts: what somebody must look at.
    """

    fields: dict[str, str] = field(default_factory=dict)
    table: list[str] = field(default_factory=list)
    labels: dict[str, str | None] = field(default_factory=dict)
    heard: str = ""
    names_rows: bool = False
    doubts: list[str] = field(default_factory=list)


def look_beside(tree: Tree, paths: Sequence[str]) -> Beside:
    """Look at tables, texts and some headers."""
    fields: dict[str, str] = {}
    there = {str(path) for path in tree.paths}
    texts = sum(str(PurePosixPath(path).with_suffix(".txt")) in there for path in paths)
    if texts >= SHARE * len(paths):
        fields["text"] = '{file: "{stem}.txt"}'
    doubts, best, most = [], None, 0
    for path in tree.paths:
        if path.suffix.lower() in ENDINGS and (tree.root / path).stat().st_size <= MOST_BYTES:
            try:
                table = read_table_file(tree.root / path, COLUMNS)
            except MerdataError as error:
                doubts.append(f"{path} was not understood: {error}")
                continue
            fitting = _fitting(table, paths)
            if fitting > most:
                best, most = table, fitting
    heard = _heard(tree, paths)
    if best is None or most < SHARE * len(paths):
        return Beside(fields, heard=heard, doubts=doubts)
    return _of_table(best, most, fields, heard, doubts)


def _fitting(table: TableFile, paths: Sequence[str]) -> int:
    """How many audio files a table names."""
    column = "file" if "file" in table.names else "id"
    if column not in table.names:
        return 0
    named = {_stem(row[column]) for row in table.rows if row[column]}
    return sum(_stem(path) in named for path in paths)


def _stem(name: str) -> str:
    last = PurePosixPath(name.replace("\\", "/")).name
    return audio_stem(last) or last


def _of_table(table: TableFile, most: int, fields: dict[str, str], heard: str, doubts: list[str]) -> Beside:
    names = dict(table.names)
    audio = names.pop("file", None) or names.pop("id")
    names.pop("id", None)
    split = names.pop("split", None)
    fields = {
        name: json.dumps(f"{{{theirs}}}", ensure_ascii=False) for name, theirs in names.items()
    } | fields
    if split:
        fields["official_split"] = json.dumps(f"{{{split}}}")
    lines = [
        f"# {table.path.name} names {most:,} audio files; not used: {', '.join(table.others) or 'nothing'}",
        f"table: {{file: {json.dumps(table.path.name)}, audio: {json.dumps(f'{{{audio}}}')}}}",
    ]
    counts = Counter(row["label"] for row in table.rows if row.get("label"))
    labels = {raw: meaning(raw) for raw in sorted(counts)} if len(counts) <= MOST_LABELS else {}
    if unknown := [raw for raw, name in labels.items() if name is None]:
        doubts = [*doubts, f"these labels name no class beyond doubt: {', '.join(unknown)}"]
    if "label" in names and not labels:
        doubts = [*doubts, f"{names['label']} has {len(counts):,} values: is it really the label?"]
        fields.pop("label")
    return Beside(fields, lines, labels, heard, "label" in fields, doubts)


def _heard(tree: Tree, paths: Sequence[str]) -> str:
    """How long a few files are, by their headers."""
    some = paths[:: max(1, len(paths) // HEADERS)][:HEADERS]
    known = [seconds for path in some if (seconds := seconds_of(tree.root / path))]
    if not known:
        return ""
    return f"{len(known)} headers: {min(known):.1f} to {max(known):.1f} s"
