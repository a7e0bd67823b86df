"""A split that somebody wrote as a table: a row for each file with its split, or a list for each split.

EMO-SUPERB's (github.com/EMOsuperb/EMO-SUPERB-submission) are tables too:
<root>/<CORPUS>/labels_consensus_<fold>.csv with FileName, Split_Set, and a column for each class: its share
of a smoothed distribution.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from merdata.corpora.csv_table import Row, parse_csv
from merdata.corpora.registry import plain
from merdata.corpora.tree import SPLIT_WORDS
from merdata.errors import SplitError
from merdata.io.outside import cut
from merdata.own.sources import folder_of
from merdata.own.tables import TableFile, read_table_file, read_text_file
from merdata.splits.exchange.entry import Entry
from merdata.store.protocol import SPLITS, check_folds

NAMES = ("file", "id")  # columns that name a row
LISTS = (".txt", ".lst", ".list")  # a name on each line, without a header
SUPERB_FILE = re.compile(r"labels_consensus_(\d+)\.csv")


@dataclass(frozen=True)
class Listed:
    """What a table or some lists say.

    Attributes:
        entries: column by which rows are named, or the other where it is empty -> the entries.
        folds: number -> what the table calls the fold.
        remarks: on rows without a split.
    """

    entries: dict[str, list[Entry]]
    folds: dict[int, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def read_table(path: Path) -> Listed:
    """A table with a row for each file (and fold): its split.

    Raises:
        SplitError: it has no column for the file or the split, or a split that has another name.
        LayoutError: it cannot be read.
    """
    table = read_table_file(path, (*NAMES, "folder", "split", "fold"))
    named = not table.names.keys().isdisjoint(NAMES)
    if not named or "split" not in table.names:
        raise SplitError(_lacks(table, "split" if named else "file"))
    rows = [row for row in table.rows if row.get("split")]
    splits = _splits(rows, table)
    folds = _fold_numbers(rows)
    remarks = [table.said()]
    if len(rows) < len(table.rows):
        remarks.append(f"{len(table.rows) - len(rows):,} rows of {path.name} have no split")
    entries = {
        column: [
            Entry(folds.get(row.get("fold", ""), 1), splits[row["split"]], name, name)
            for row in rows
            if (name := _name(row, column))
        ]
        for column in NAMES
    }
    _refuse_one_fold_a_file(path, entries["file"], folds)
    return Listed(entries, {number: name for name, number in folds.items()}, remarks)


def read_lists(files: Mapping[str, Path]) -> Listed:
    """A list of files for each split.

    Args:
        files: split -> a table with a column for the file, or a text with a name on each line.

    Raises:
        SplitError: a table has no column for the file.
        LayoutError: one cannot be read.
    """
    entries: dict[str, list[Entry]] = {column: [] for column in NAMES}
    remarks = []
    for split, path in files.items():
        table = _names(path)
        if table.names.keys().isdisjoint(NAMES):
            raise SplitError(_lacks(table, "file"))
        remarks.append(f"{split}: {table.said()}")
        for column, own in entries.items():
            names = filter(None, (_name(row, column) for row in table.rows))
            own.extend(Entry(1, split, name, name) for name in names)
    return Listed(entries, remarks=remarks)


def _name(row: Row, column: str) -> str:
    """A row's name in a column, or in the other one where that is empty."""
    name = column if row.get(column) else next((other for other in NAMES if row.get(other)), None)
    return "" if name is None else f"{folder_of(row)}{row[name]}" if name == "file" else row[name]


def _names(path: Path) -> TableFile:
    if path.suffix.lower() not in LISTS:
        return read_table_file(path, (*NAMES, "folder"))
    lines = read_text_file(path).content.splitlines()
    rows = [Row({"file": line.strip()}, f"{path}, line {number}") for number, line in enumerate(lines, 1)]
    return TableFile(path, {"file": "each line"}, [], [row for row in rows if row["file"]])


def _lacks(table: TableFile, column: str) -> str:
    there = cut(", ".join([*table.names.values(), *table.others])) or "none"
    return f"{table.path} has no column {column}, by any of its usual names: its columns are {there}"


def _splits(rows: Sequence[Row], table: TableFile) -> dict[str, str]:
    """The table's word for a split -> ours."""
    words = Counter(row["split"] for row in rows)
    strange = [word for word in words if word.lower() not in SPLIT_WORDS]
    if strange:
        counted = cut(", ".join(f"{word!r} ({words[word]:,} rows)" for word in strange))
        raise SplitError(
            f"{table.path}, column {table.names['split']}: a split is {', '.join(SPLITS)} (or dev, val), "
            f"not {counted}: change that word, or empty these cells to leave the rows out"
        )
    return {word: SPLIT_WORDS[word.lower()] for word in words}


def _fold_numbers(rows: Sequence[Row]) -> dict[str, int]:
    """The table's word for a fold -> its number: the same, where all are numbers from 1 on."""
    words = sorted({row["fold"] for row in rows if row.get("fold")}, key=_in_order)
    check_folds(len(words))
    if all(word.isdecimal() and int(word) > 0 for word in words):
        return {word: int(word) for word in words}
    return {word: number for number, word in enumerate(words, start=1)}


def _in_order(word: str) -> list[tuple[int, str]]:
    """For sorting `fold10` after `fold9`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", word)]


def _refuse_one_fold_a_file(path: Path, entries: Iterable[Entry], folds: Mapping[str, int]) -> None:
    if len(folds) < 2:
        return
    seen: dict[str, set[int]] = {}
    for entry in entries:
        seen.setdefault(entry.key, set()).add(entry.fold)
    if all(len(own) == 1 for own in seen.values()):
        raise SplitError(
            f"{path} has each file in one fold only, which does not say what the other folds do with it: "
            "write a row for each file and fold, with its split there"
        )


def read_superb(corpus: str, root: Path) -> Iterator[Entry]:
    """The entries of EMO-SUPERB's folds of a corpus.

    Raises:
        SplitError: there are none below `root`.
        LayoutError: a table cannot be read.
    """
    for fold, path in _superb_files(corpus, root).items():
        for entry in read_table(path).entries["file"]:
            yield replace(entry, fold=fold)


def soft_labels(corpus: str, root: Path) -> dict[str, dict[str, float]]:
    """File name -> class -> share of its distribution, as EMO-SUPERB has it.

    Raises:
        SplitError: there is none below `root`, a row has no numbers, or two folds have different ones.
        LayoutError: a table cannot be read.
    """
    known: dict[str, dict[str, float]] = {}
    for path in _superb_files(corpus, root).values():
        for row in parse_csv(read_text_file(path).content, ("FileName", "Split_Set"), str(path)):
            try:
                shares = {name: float(row[name]) for name in row if name.islower()}
            except ValueError as error:
                raise SplitError(f"{row.where}: {error}") from error
            if known.setdefault(row["FileName"], shares) != shares:
                raise SplitError(f"{row.where}: {row['FileName']} has another distribution in another fold")
    return known


def _superb_files(corpus: str, root: Path) -> dict[int, Path]:
    """Fold -> its table, in `root` or in the folder there that the corpus's name ends with."""
    folders = [root, *(folder for folder in sorted(root.glob("*/")) if corpus.endswith(plain(folder.name)))]
    for folder in reversed(folders):
        numbered = {path: SUPERB_FILE.fullmatch(path.name) for path in folder.glob("*.csv")}
        tables = {int(match[1]): path for path, match in numbered.items() if match}
        if tables:
            return dict(sorted(tables.items()))
    raise SplitError(
        f"{root} has no {corpus}/labels_consensus_1.csv: --root is a folder of EMO-SUPERB's tables"
    )
