"""The files below a corpus folder: through links that stay inside it, and which of them are audio."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from merdata.errors import CorpusNotFound
from merdata.io.places import is_remote, listing

AUDIO = frozenset(
    {
        ".wav", ".wave", ".w64", ".rf64", ".flac", ".mp3", ".mp2", ".mp4", ".m4a", ".m4b", ".m4v",
        ".mov", ".3gp", ".aac", ".ac3", ".amr", ".ogg", ".oga", ".opus", ".spx", ".webm", ".mkv", ".mka",
        ".avi", ".flv", ".wmv", ".wma", ".asf", ".mpg", ".mpeg", ".aif", ".aiff", ".aifc", ".au", ".snd",
        ".caf", ".wv", ".sph", ".nist",
    }
)  # fmt: skip
# Endings of what lies beside audio in the corpora; a file of one of them is never opened to see what it is.
NOT_AUDIO = frozenset(
    {
        ".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".md", ".html", ".pdf",
        ".rtf", ".doc", ".docx", ".xls", ".xlsx", ".ods", ".textgrid", ".lab", ".eaf", ".srt", ".vtt",
        ".wdseg", ".phseg", ".syseg", ".png", ".jpg", ".jpeg", ".gif", ".npy", ".npz", ".pt", ".pkl",
        ".pk", ".mat", ".py", ".part", ".tmp", ".crdownload", ".zip", ".gz", ".tgz", ".tar", ".bz2",
        ".xz", ".7z", ".rar",
    }
)  # fmt: skip
MAGIC = (  # offset, bytes
    *((0, mark) for mark in (b"RIFF", b"RIFX", b"RF64", b"FORM", b"fLaC", b"OggS", b"ID3", b".snd", b"caff")),
    *((0, mark) for mark in (b"\x1aE\xdf\xa3", b"wvpk", b"FLV", b"#!AMR", b"NIST_1A", b"\x00\x00\x01\xba")),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # ASF: wma, wmv
    (4, b"ftyp"),  # mp4 and its kin
)

COPY_LINKS = "Copy the corpus with `cp -rL`, or download it with `--local-dir`"


@dataclass(frozen=True)
class Found:
    """What lies below a folder.

    Attributes:
        paths: visible files, as sorted paths relative to it.
        hidden: files that no reader sees: `.name`, and everything in `.folder` and `__MACOSX`.
        outside: links that lead out of the folder; those to files are among the paths too.
        loops: links to folders that are not followed: they lead to a folder around them, or to where another
            link leads.
    """

    paths: tuple[PurePosixPath, ...] = ()
    hidden: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    loops: tuple[str, ...] = ()


@dataclass
class _Walk:
    """A walk of a folder of this machine."""

    root: Path
    paths: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    loops: list[str] = field(default_factory=list)
    followed: set[str] = field(default_factory=set)

    def into(self, folder: str, below: str, chain: tuple[str, ...], hidden: bool) -> None:
        """Enter a folder; `chain` are the real paths of the folders from the root to it."""
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                unseen = hidden or _is_hidden(entry.name)
                if entry.is_symlink():
                    self._link(entry, f"{below}{entry.name}", chain, unseen)
                elif entry.is_dir():
                    self._folder(entry, f"{below}{entry.name}", (*chain, f"{chain[-1]}/{entry.name}"), unseen)
                else:
                    (self.hidden if unseen else self.paths).append(f"{below}{entry.name}")

    def _folder(self, entry: os.DirEntry[str], path: str, chain: tuple[str, ...], hidden: bool) -> None:
        if not hidden and audio_stem(entry.name) is not None:
            self.paths.append(path)  # a corpus then has that row, and it is refused as not a file
        self.into(entry.path, f"{path}/", chain, hidden)

    def _link(self, entry: os.DirEntry[str], path: str, chain: tuple[str, ...], hidden: bool) -> None:
        real = os.path.realpath(entry.path)
        leads_out = os.path.commonpath([real, chain[0]]) != chain[0]
        if hidden:
            self.hidden.append(path)
        elif not _is_folder(entry):
            self.paths.append(path)
            self.outside += [path] if leads_out else []
        elif leads_out:
            self.outside.append(path)
        elif real in self.followed or any(one == real or one.startswith(f"{real}/") for one in chain):
            self.loops.append(path)
        else:
            self.followed.add(real)
            self._folder(entry, path, (*chain, real), hidden)


def _is_folder(link: os.DirEntry[str]) -> bool:
    """Whether a link ends at a folder; one that leads to itself ends nowhere."""
    try:
        return link.is_dir()
    except OSError:
        return False


def check_folder(root: Path) -> None:
    """Raise CorpusNotFound where a folder of this machine is not there."""
    if not is_remote(root) and not root.is_dir():
        fault = "is not a folder" if root.exists() else "does not exist"
        raise CorpusNotFound(f"{root} {fault}: put the corpus there, or pass --source FOLDER")


def walk(root: Path) -> Found:
    """Everything below a folder.

    Raises:
        CorpusNotFound: there is no such folder, it is empty (where it is remote), or it may not be read.
    """
    if is_remote(root):
        return _remote(root)
    check_folder(root)
    made = _Walk(root)
    try:
        made.into(str(root), "", (os.path.realpath(root),), hidden=False)
    except PermissionError as error:
        raise CorpusNotFound(f"no permission to read {error.filename}") from error
    return Found(_sorted(made.paths), tuple(made.hidden), tuple(made.outside), tuple(made.loops))


def _remote(root: Path) -> Found:
    names = list(listing(root))
    if not names:
        raise CorpusNotFound(f"there is nothing below {root}")
    hidden = [name for name in names if any(map(_is_hidden, name.split("/")))]
    return Found(_sorted(set(names) - set(hidden)), tuple(sorted(hidden)))


def _sorted(names: Iterable[str]) -> tuple[PurePosixPath, ...]:
    return tuple(map(PurePosixPath, sorted(names, key=lambda name: name.split("/"))))


def _is_hidden(name: str) -> bool:
    """MacOS leaves `._name` beside files and `__MACOSX` beside folders."""
    return name.startswith((".", "__MACOSX"))


def audio_stem(name: str) -> str | None:
    """A file name without its audio endings, whatever their case; None if it has none."""
    stem, ending = split_ending(name)
    if ending.lower() not in AUDIO:
        return None
    further = audio_stem(stem) if "." in stem else None  # name.mp4.mp4
    return stem if further is None else further


def stems(name: str) -> list[str]:
    """What a reader compares with its pattern: a file name without the ending that it has, or may have."""
    stem = audio_stem(name)
    return list(unknown_stems(name)) if stem is None else [stem]


def split_ending(name: str) -> tuple[str, str]:
    """The last part of `folder/name.wav` as `name` and `.wav`."""
    last = name[name.rfind("/") + 1 :]
    stem, _, ending = last.rpartition(".")
    return (stem, f".{ending}") if stem.strip(".") and ending else (last, "")


def unknown_stems(name: str) -> Iterator[str]:
    """What the stem may be of a file whose ending says nothing: the whole name, and the name without it."""
    stem, ending = split_ending(name)
    if ending.lower() not in NOT_AUDIO:
        yield name
        if ending:
            yield stem


def sounds(path: Path) -> bool:
    """Whether a file begins as audio or video does."""
    if is_remote(path) or not path.is_file():  # a pipe would be waited for
        return False
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return False
    return head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1", b"\xff\xf9") or any(
        head[at : at + len(mark)] == mark for at, mark in MAGIC
    )
