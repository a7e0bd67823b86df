"""The files of a corpus folder as a reader sees them, and its text and csv files."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TypeVar

from merdata.corpora.csv_table import Row, parse_csv
from merdata.corpora.encodings import UTF8, decode
from merdata.corpora.walk import COPY_LINKS, Found, audio_stem, sounds, stems, walk
from merdata.errors import LayoutError, OptionError, UnknownEncoding
from merdata.io.places import is_remote, read_bytes

LFS_POINTER = b"version https://git-lfs"
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("dev", "val", "valid", "validation", "development", "eval", "evaluation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
Value = TypeVar("Value")
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


@dataclass(frozen=True)
class Tree:
    """The visible files below a corpus folder, as sorted paths relative to it, and the reader's options.

    Attributes:
        corpus: its name, for messages.
        languages: what its texts may be in.
        found: the files that no reader sees, too.
        remarks: what the reader has to say of the folder: metadata that is missing, and what that costs.
        notes: metadata file that was read -> notes on the rows that come from it.
    """

    root: Path
    paths: tuple[PurePosixPath, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    corpus: str = ""
    languages: Collection[str] = ("en",)
    found: Found = field(default_factory=Found)
    remarks: list[str] = field(default_factory=list)
    notes: dict[PurePosixPath, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def walk(
        cls,
        root: Path,
        options: Mapping[str, str] | None = None,
        corpus: str = "",
        languages: Collection[str] = ("en",),
    ) -> Tree:
        """Walk a folder.

        Raises:
            CorpusNotFound: there is no such folder, or it may not be read.
            OptionError: the folder to prefer is not there.
        """
        found = walk(root)
        tree = cls(root, found.paths, options or {}, corpus, languages, found)
        if tree.preferred and not any(map(tree.is_preferred, tree.paths)):
            raise OptionError(f"{corpus}.prefer: {root} has no file below {tree.preferred}")
        return tree

    @cached_property
    def names(self) -> frozenset[str]:
        """The paths as text."""
        return frozenset(map(str, self.paths))

    @property
    def preferred(self) -> str:
        """The folder whose files win where others claim the same row; empty for none."""
        return self.options.get("prefer", "").strip("/")

    def is_preferred(self, path: PurePosixPath) -> bool:
        return bool(self.preferred) and str(path).startswith(f"{self.preferred}/")

    def matching(self, pattern: re.Pattern[str]) -> Iterator[tuple[PurePosixPath, re.Match[str]]]:
        """Audio whose name without its ending fits the pattern, in sorted order.

        Endings and their case do not matter. A file with another ending, or none, is audio if it begins so.
        """
        for path in self.paths:
            stem = audio_stem(path.name)
            for name in stems(path.name):
                match = fits(pattern, path.parent, name)
                if match and (stem is not None or sounds(self.root / path)):
                    yield path, match
                    break

    def texts(self, pattern: re.Pattern[str]) -> Iterator[tuple[PurePosixPath, re.Match[str]]]:
        """Files whose name (the last part of the path) matches the whole pattern, in sorted order."""
        for path in self.paths:
            if match := pattern.fullmatch(path.name):
                yield path, match

    def metadata(self, name: str, cost: str) -> PurePosixPath | None:
        """The metadata file of that name, whatever its case; if it is missing, a remark says what that costs.

        Raises:
            LayoutError: there are several, and they differ.
        """
        if paths := self.named(name):
            return self.one_of(paths)
        self.remarks.append(f"{name} is missing: {cost}{self._nearly(name)}")
        return None

    def named(self, name: str) -> list[PurePosixPath]:
        """The files of that name, whatever its case."""
        return [path for path in self.paths if path.name.lower() == name.lower()]

    def _nearly(self, name: str) -> str:
        others = {path.name.lower(): path for path in self.paths if audio_stem(path.name) is None}
        close = difflib.get_close_matches(name.lower(), others, n=1, cutoff=0.75)
        return f" (is it {others[close[0]]}? then name it {name})" if close else ""

    def one_of(self, paths: Sequence[PurePosixPath]) -> PurePosixPath:
        """One of several files of a name: the preferred one, or the nearest to the root if all say the same.

        Raises:
            LayoutError: they say different things.
        """
        nearest = min(paths, key=lambda path: (not self.is_preferred(path), len(path.parts), path))
        for path in paths:
            if path != nearest and not self.preferred and not self._say_the_same(path, nearest):
                raise LayoutError(
                    f"{self.root}: {nearest} and {path} differ: delete one, or pass "
                    f"--option {self.corpus}.prefer=FOLDER"
                )
        self.notes.update({path: () for path in paths if path not in self.notes})
        return nearest

    def _say_the_same(self, path: PurePosixPath, other: PurePosixPath) -> bool:
        texts = [self.read_text(one).replace("\r\n", "\n").rstrip() for one in (path, other)]
        return texts[0] == texts[1]

    def read_csv(
        self,
        path: PurePosixPath,
        columns: Sequence[str],
        cost: str = "it says nothing",
        *,
        quotes: bool = True,
    ) -> list[Row]:
        """Rows of a csv file; if it has none, a remark says what that costs.

        Args:
            path: of the file.
            columns: that it must have.
            cost: what is missing where it has no rows.
            quotes: whether cells are in quotes where they need it; else a quote is a character like others.

        Raises:
            LayoutError: it cannot be read, or lacks one of the columns.
        """
        rows = parse_csv(self.read_text(path), columns, str(self.root / path), quotes=quotes)
        if not rows:
            self.remarks.append(f"{path} has a header but no rows: {cost}")
        return rows

    def read_text(self, path: PurePosixPath) -> str:
        """A text file in any encoding that can be told; `notes_on` then says if it was not UTF-8.

        Raises:
            LayoutError: it cannot be read, leads out of the folder, or its encoding cannot be told.
            OptionError: the option `encoding` is not one.
        """
        where, known = self.root / path, self.options.get("encoding")
        if str(path) in self.found.outside:
            raise LayoutError(f"{where} is a link that leads out of the folder. {COPY_LINKS}")
        if not is_remote(where) and where.exists() and not (where.is_file() or where.is_dir()):
            raise LayoutError(f"cannot read {where}: it is not a regular file")
        try:
            data = read_bytes(where)
            if data.startswith(LFS_POINTER):
                raise LayoutError(f"{where} is a git-lfs pointer, not the file: run `git lfs pull`")
            content, encoding = decode(data, self.languages, known)
        except OSError as error:
            raise LayoutError(f"cannot read {where}: {error.strerror}") from error
        except LookupError as error:
            raise OptionError(f"{self.corpus}.encoding: {error}; gb18030 is one that is known") from error
        except UnicodeDecodeError as error:
            raise LayoutError(f"cannot read {where}: it is not {error.encoding}") from error
        except UnicodeError as error:
            how = f"name it with --option {self.corpus}.encoding=NAME, or save the file as UTF-8"
            raise UnknownEncoding(f"cannot read {where}: {error}; {how}") from error
        other = f"encoding: {path.name} is {encoding}, not UTF-8"
        self.notes[path] = () if encoding in UTF8 or data.isascii() else (other,)
        return content

    def notes_on(self, path: PurePosixPath | None) -> tuple[str, ...]:
        """Notes for the rows that come from a metadata file."""
        return self.notes.get(path, ()) if path else ()


def agreed(pairs: Iterable[tuple[str, Value]]) -> tuple[dict[str, Value], set[str]]:
    """Values by key, and the keys that were given two different ones, which have none."""
    values: dict[str, Value] = {}
    contradictory = {key for key, value in pairs if values.setdefault(key, value) != value}
    return {key: value for key, value in values.items() if key not in contradictory}, contradictory


def fits(pattern: re.Pattern[str], folder: PurePosixPath, stem: str) -> re.Match[str] | None:
    """The match of a whole name without ending; of a pattern with a slash, of the whole path."""
    return pattern.fullmatch(f"{folder}/{stem}" if "/" in pattern.pattern else stem)


def split_of(path: PurePosixPath) -> str | None:
    """The split (train, validation or test) that the nearest folder above a file is named after, if any.

    `train_splits_wav`, `Train`, `val` and `output_repeated_splits_test` are; `train_dev` is after neither.
    """
    for folder in reversed(path.parts[:-1]):
        splits = {SPLIT_WORDS[word] for word in map(str.lower, WORD.findall(folder)) if word in SPLIT_WORDS}
        if len(splits) == 1:
            return splits.pop()
    return None
