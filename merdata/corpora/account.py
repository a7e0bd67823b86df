"""What became of every file below a corpus folder: the numbers add up to the files there are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from typing_extensions import TypedDict

from merdata.corpora.tree import Tree
from merdata.corpora.walk import COPY_LINKS, audio_stem
from merdata.io.files import as_text
from merdata.utterance import Utterance

# By the last of its endings, or as one of the volumes: x.zip.001, x.z01, x.tar.gz.aa, x.tgz.part2
ARCHIVE_NAME = re.compile(
    r".*\.(?:zip|7z|rar|tar|t?gz|t?bz2|t?xz|t?zst|lzma|lz4|iso|dmg)(?:\.(?:part)?(?:\d{1,3}|a[a-z]))?|.*\.[zr]\d\d",
    re.IGNORECASE | re.DOTALL,
)
ARCHIVE, AUDIO, HIDDEN, LINK, OTHER = (
    "archives that are not unpacked",
    "audio or video that is named like no row",
    "hidden files",
    "links that are not followed",
    "other files",
)
EXAMPLES = 3


class Others(TypedDict):
    """Files that are neither row nor metadata nor in the ledger, of one kind, and a few of their names."""

    files: int
    examples: list[str]


class FileAccount(TypedDict):
    """The files below a corpus folder: `files` is the sum of all the rest.

    Attributes:
        rows: files that are the audio of a row.
        not_rows: files that are only in the ledger (duplicates, strays, songs), by reason.
        metadata: files that the reader read.
        others: all the rest, by kind.
    """

    files: int
    rows: int
    not_rows: dict[str, int]
    metadata: int
    others: dict[str, Others]


def account_for(tree: Tree, rows: Iterable[Utterance]) -> FileAccount:
    """The account of a folder whose rows were read."""
    excluded = {row.source: row.excluded for row in rows if row.source}
    metadata = set(map(str, tree.notes)) - excluded.keys()
    known = excluded.keys() | metadata
    others: dict[str, list[str]] = {}
    rest = [path for path in map(str, tree.paths) if path not in known]
    for kind, path in [*((_kind(path), path) for path in rest), *_unseen(tree)]:
        others.setdefault(kind, []).append(path)
    not_rows = Counter(reason for reason in excluded.values() if reason)
    account: FileAccount = {
        "files": len(tree.names) + sum(1 for _ in _unseen(tree)),
        "rows": len(excluded) - not_rows.total(),
        "not_rows": dict(sorted(not_rows.items())),
        "metadata": len(metadata & tree.names),
        "others": {kind: _others(paths) for kind, paths in sorted(others.items())},
    }
    return account


def _others(paths: Sequence[str]) -> Others:
    return {"files": len(paths), "examples": [str(as_text(path)) for path in paths[:EXAMPLES]]}


def _kind(path: str) -> str:
    return ARCHIVE if is_archive(path) else AUDIO if audio_stem(path) is not None else OTHER


def is_archive(path: str) -> bool:
    return ARCHIVE_NAME.fullmatch(path, path.rfind("/") + 1) is not None


def _unseen(tree: Tree) -> Iterator[tuple[str, str]]:
    yield from ((HIDDEN, path) for path in tree.found.hidden)
    yield from ((LINK, path) for path in (*tree.found.outside, *tree.found.loops) if path not in tree.names)


def advice(tree: Tree) -> Iterator[str]:
    """What to do about archives, and links that lead out of the folder."""
    archives = [path for path in map(str, tree.paths) if is_archive(path)]
    if archives:
        yield f"archives that are not unpacked: {some(archives)}. Unpack them and build again"
    if tree.found.outside:
        links = some(tree.found.outside)
        yield f"links that lead out of the folder, which are not read: {links}. {COPY_LINKS}"


def some(names: Sequence[str]) -> str:
    """The first few of some names, and how many more there are."""
    more = len(names) - EXAMPLES
    return ", ".join(str(as_text(name)) for name in names[:EXAMPLES]) + (
        f" and {more:,} more" if more > 0 else ""
    )
