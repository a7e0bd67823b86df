"""What lies beside the audio of an unknown folder: tables, texts of the same name; and a few headers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from merdata.audio.decoders import seconds_of
from merdata.corpora.tree import Tree
from merdata.own.doctor.tables import Found, tables_of
from merdata.own.tables import TableFile
from merdata.own.words import meaning

SHARE = 0.8  # of the audio that must have a text beside it, or a row in a table
HEADERS = 5  # audio files whose header is read
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
        rows: of the table.
    """

    fields: dict[str, str] = field(default_factory=dict)
    table: list[str] = field(default_factory=list)
    labels: dict[str, str | None] = field(default_factory=dict)
    heard: str = ""
    names_rows: bool = False
    doubts: list[str] = field(default_factory=list)
    rows: int = 0


def look_beside(tree: Tree, paths: Sequence[str]) -> Beside:
    """Look at tables, texts and some headers."""
    fields: dict[str, str] = {}
    texts = sum(str(PurePosixPath(path).with_suffix(".txt")) in tree.names for path in paths)
    if texts >= SHARE * len(paths):
        fields["text"] = '{file: "{stem}.txt"}'
    doubts: list[str] = []
    tables = [Found(table, paths) for table in tables_of(tree, doubts)]
    best = max(tables, key=lambda own: own.fitting, default=None)
    heard = _heard(tree, paths)
    if best is None or best.fitting < SHARE * len(paths):
        doubts += [why for own in tables for why in own.passed_over()]
        return Beside(fields, heard=heard, doubts=doubts)
    return _of_table(best.table, best.fitting, fields, heard, doubts)


def _of_table(table: TableFile, most: int, fields: dict[str, str], heard: str, doubts: list[str]) -> Beside:
    names = dict(table.names)
    audio = f"{{{names.pop('file', None) or names.pop('id')}}}"
    audio = f"{{{names.pop('folder')}}}/{audio}" if "folder" in names else audio
    names.pop("id", None)
    names |= {"official_split": names.pop("split")} if "split" in names else {}
    fields = {
        name: json.dumps(f"{{{theirs}}}", ensure_ascii=False) for name, theirs in names.items()
    } | fields
    lines = [
        f"# {table.path.name} names {most:,} audio files; not used: {', '.join(table.others) or 'nothing'}",
        f"table: {{file: {json.dumps(table.path.name)}, audio: {json.dumps(audio)}}}",
        *(["split: official  # ? or speaker"] if "official_split" in names else []),
    ]
    counts = Counter(row["label"] for row in table.rows if row.get("label"))
    labels = {raw: meaning(raw) for raw in sorted(counts)} if len(counts) <= MOST_LABELS else {}
    if unknown := [raw for raw, name in labels.items() if name is None]:
        doubts = [*doubts, f"these labels name no class beyond doubt: {', '.join(unknown)}"]
    if "label" in names and not labels:
        doubts = [*doubts, f"{names['label']} has {len(counts):,} values: is it really the label?"]
        fields.pop("label")
    if "start" in names and "end" not in names:
        doubts = [*doubts, f"{table.path.name} has a start and no end: rows go on to the end of their file"]
    return Beside(fields, lines, labels, heard, "label" in fields, doubts, len(table.rows))


def _heard(tree: Tree, paths: Sequence[str]) -> str:
    """How long a few files are, by their headers."""
    some = paths[:: max(1, len(paths) // HEADERS)][:HEADERS]
    known = [seconds for path in some if (seconds := seconds_of(tree.root / path))]
    if not known:
        return ""
    return f"{len(known)} headers: {min(known):.1f} to {max(known):.1f} s"
